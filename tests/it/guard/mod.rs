//! Jobs that call the real `docker` command in their steps, and a hostile one (pools-D57).

mod hostile;
pub mod place;

use place::Place;

use crate::support::IMAGE;

/// The options that Wikimedia's macros use (jjb-T40), with what they lead to checked in the container.
const UNCHANGED: &str = r#"#!/bin/sh
set -eu
mkdir -p "$WORKSPACE/src" "$WORKSPACE/log"
echo of-the-workspace >"$WORKSPACE/src/in"
printf 'FROM_FILE=file\nJOB_NAME=%s\n' "$JOB_NAME" >"$WORKSPACE/env"
docker run --rm --init --label "jenkins.job=$JOB_NAME" --label "jenkins.build=$BUILD_NUMBER" \
    --env DIRECT=direct --env-file "$WORKSPACE/env" --security-opt seccomp=unconfined \
    --volume "$WORKSPACE/src:/src" --volume "$WORKSPACE/log:/log" --volume /srv/git:/srv/git:ro \
    --entrypoint /bin/sh --workdir /src --user 0 --memory 64m --shm-size 1m \
    --tmpfs /run/t:size=2M IMAGE -c '
        set -eu
        echo "in $PWD as $(id -u): $(cat in) $DIRECT $FROM_FILE $JOB_NAME"
        cat /srv/git/core/HEAD
        touch /srv/git/x 2>/dev/null || echo git is read-only
        grep -q " /run/t tmpfs " /proc/mounts && echo tmpfs
        echo made inside >/log/out
        mount -t tmpfs none /mnt 2>/dev/null || echo no rights to mount'
cat "$WORKSPACE/log/out"
docker run --rm -v "$WORKSPACE/src/in:/nonexistent/.netrc:ro" -v "$WORKSPACE/env:/env" IMAGE sh -c '
        echo "a file $(cat /nonexistent/.netrc)"
        echo no >/nonexistent/.netrc 2>/dev/null || echo file is read-only
        echo written through >/env'
cat "$WORKSPACE/env"
docker run --rm --user 65534 IMAGE id -u
echo over-stdin | docker run --rm -i IMAGE cat
docker run --rm IMAGE sh -c 'exit 7' || echo "code $?"
docker run --rm IMAGE /no/such/program || echo "code $?"
docker image inspect --format '{{.Os}}' IMAGE
docker version --format '{{.Server.Os}}'
docker pull localhost:1/none:1 >/dev/null 2>&1 || echo pull was tried
id=$(docker run -d --label "jenkins.job=$JOB_NAME" IMAGE sleep 1000)
[ "$(docker ps -q --no-trunc --filter "label=jenkins.job=$JOB_NAME")" = "$id" ] && echo listed
docker exec "$id" sh -c 'echo out of exec'
echo copied >"$WORKSPACE/copy" && docker cp "$WORKSPACE/copy" "$id:/tmp/copy"
docker exec "$id" cat /tmp/copy
docker ps -q --filter "label=jenkins.job=$JOB_NAME" | xargs docker stop --time 1 >/dev/null
docker logs "$id" && docker wait "$id" && docker rm "$id" >/dev/null
[ -z "$(docker ps -aq)" ] && echo all gone
docker run -d --name stays --volume "$WORKSPACE/src:/src" IMAGE sleep 1000 >/dev/null
docker create --name never-started --volume "$WORKSPACE/src:/src" --volume /anonymous IMAGE true >/dev/null
"#;

const SAID: &[&str] = &[
    "in /src as 0: of-the-workspace direct file unchanged\n",
    "ref: refs/heads/master\n",
    "git is read-only\n",
    "tmpfs\n",
    "no rights to mount\n",
    "a file of-the-workspace\n",
    "file is read-only\n",
    "written through\n",
    "made inside\n",
    "\n65534\n",
    "over-stdin\n",
    "code 7\n",
    "code 127\n",
    "\nlinux\nlinux\n",
    "pull was tried\n",
    "listed\n",
    "out of exec\n",
    "\ncopied\n",
    "all gone\n",
];

#[tokio::test(flavor = "multi_thread")]
async fn pools_d57_a_job_that_calls_docker_works_unchanged_and_leaves_nothing() {
    let script = UNCHANGED.replace("IMAGE", IMAGE);
    let Some(mut place) = Place::open(&[("unchanged", &script)]) else { return };
    place.submit("unchanged").await;
    let (result, console) = place.result("unchanged");
    assert_eq!(result, "SUCCESS", "{console}");
    for line in SAID {
        assert!(console.contains(line), "no {line:?} in {console}");
    }
    assert!(!console.contains("[causeway]"), "{console}");
    place.until_nothing_left(&place.node("unchanged"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_d57_what_a_build_made_goes_after_kill_9() {
    let script = format!(
        "docker run -d --volume \"$WORKSPACE:/src\" {IMAGE} sleep 1000; echo made; \
         until [ -e ../go ]; do sleep 0.1; done; docker ps -q | wc -l; docker run --rm {IMAGE} echo again"
    );
    let Some(mut place) = Place::open(&[("killed", &script)]) else { return };
    place.submit("killed").await;
    place.until_console("killed", "\nmade\n");
    let node = place.node("killed");
    assert_ne!(place.left(&node), "");
    place.kill_and_start();
    std::fs::write(place.node_directory(&node).join("workspace/go"), "").unwrap();
    // The step goes on, its socket is served again, and it still sees its own.
    let (result, console) = place.result("killed");
    assert_eq!(result, "SUCCESS", "{console}");
    assert!(console.contains("\n1\n") && console.contains("\nagain\n"), "{console}");
    place.until_nothing_left(&node);
}

/// perf-D3: what the guard adds to a call.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them with --nocapture")]
async fn perf_d3_a_run_through_the_guard_against_a_direct_one() {
    let Some(mut place) = Place::open(&[("held", "echo held; sleep 1000")]) else { return };
    place.submit("held").await;
    place.until_console("held", "held\n");
    let socket = place.node_directory(&place.node("held")).join("docker.sock");
    let guarded = format!("unix://{}", socket.display());
    let run = ["run", "--rm", "--init", "--memory", "64m", "--network", "none", IMAGE, "true"];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        for (times, host) in times.iter_mut().zip([&place.engine, &guarded]) {
            let begun = std::time::Instant::now();
            let output = place.docker(host, &run);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            times.push(begun.elapsed());
        }
    }
    let [direct, guarded] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    println!("docker run: direct {direct:?}, through the guard {guarded:?} (medians of 15)");
    // The goal is measured on a quiet machine; here only what is out of all proportion fails.
    assert!(guarded < direct * 2, "direct {direct:?}, through the guard {guarded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_d36_what_a_build_makes_is_in_its_nodes_own_network_and_none_else() {
    let script = r#"#!/bin/sh
set -eu
docker run -d --name service IMAGE sh -c 'while :; do echo served | nc -l -p 8000; done' >/dev/null
address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' service)
tries=0
until docker run --rm IMAGE nc -w 2 "$address" 8000 </dev/null; do
    tries=$((tries + 1)); [ "$tries" -lt 20 ] || exit 1
done
docker inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}in {{$name}}{{end}}' service
docker run --rm --network bridge IMAGE true && echo the bridge is its own
docker run --rm --network other IMAGE true || echo refused
"#
    .replace("IMAGE", IMAGE);
    let Some(mut place) = Place::in_network("isolated", &[("connected", &script)]) else { return };
    place.submit("connected").await;
    let (result, console) = place.result("connected");
    assert_eq!(result, "SUCCESS", "{console}");
    let node = place.node("connected");
    assert!(console.contains("\nserved\n"), "{console}");
    assert!(console.lines().any(|line| line.starts_with("in cw-") && line.ends_with(&node)), "{console}");
    assert!(
        console.contains("the bridge is its own\n") && console.contains("pools-D57 network"),
        "{console}"
    );
    place.until_all_gone(&node);
    let filter = format!("label=causeway.node={node}");
    let left = place.docker(&place.engine, &["network", "ls", "-q", "--filter", &filter]);
    assert_eq!(String::from_utf8_lossy(&left.stdout), "");
}
