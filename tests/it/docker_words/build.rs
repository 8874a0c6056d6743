//! Images that jobs build: from the workspace, by Causeway, through the engine, to a registry (docker-27.3 to 27.5).

use std::time::{Duration, Instant};

use serde_json::json;

use super::registry::{Access, Registry};
use super::site::{Extra, build, has, open};
use crate::guard::place::Place;
use crate::support::IMAGE;

/// A pool that builds images.
const BUILDS: Extra = Extra { pool: "    image_builds: classic\n", label: "" };

/// A job that first runs this script and then has this builder.
fn job(name: &str, script: &str, builder: &str) -> String {
    let script = script.replace('\n', "\n          ").replace("IMAGE", IMAGE);
    format!(
        "\n- job:\n    name: {name}\n    node: DebianJessieDocker\n    parameters: [{{password: {{name: SECRET}}}}]\n    builders:\n      - shell: |\n          {script}\n      - {builder}\n      - shell: 'echo after $CAUSEWAY_IMAGE_REF $CAUSEWAY_IMAGE_DIGEST'\n    publishers:\n      - archive: {{artifacts: x, allow-empty: true}}\n"
    )
}

/// A Dockerfile in a heredoc.
fn dockerfile(lines: &str) -> String {
    format!("cat >Dockerfile <<'EOF'\n{lines}\nEOF")
}

/// How many containers there are of the image build whose console this is: by its scope, since other tests build at the same time.
#[track_caller]
fn containers(place: &Place, console: &str) -> usize {
    let scope = console.split("LABEL causeway.scope=").nth(1).and_then(|rest| rest.split(' ').next());
    let filter = format!("label=causeway.scope={}", scope.expect("a scope in the console"));
    let found = place.docker(&place.engine, &["ps", "-aq", "--filter", &filter]);
    String::from_utf8_lossy(&found.stdout).lines().count()
}

#[track_caller]
fn fails(name: &str, (result, console): (String, String), words: &str) {
    assert_eq!(result, "FAILURE", "{name}: {console}");
    has(&console, &[words, "Archiving artifacts"]);
    assert!(!console.contains("\nafter ") && !console.contains("horse"), "{name}: {console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_6_one_image_is_built_once_and_pushed_under_each_name() {
    let Some(registry) = Registry::start(Access::Accounts) else { return };
    let host = registry.host();
    let file = dockerfile(
        "FROM IMAGE\nARG GREETING=none\nCOPY . /in\nRUN echo run says $GREETING && ls /in >/list && ! test -e /in/x.log",
    );
    let script = format!(
        "{file}\necho '*.log' >.dockerignore; echo log >x.log; echo content >kept; ln -s /etc/passwd link"
    );
    let options = format!(
        "docker-build-publish: {{repo-name: ci/two, repo-tag: 'a, $TAG', registry: {{url: 'http://{host}', credentials-id: right}}, build-args: '--build-arg GREETING=\"$TAG and more\" --label made.by=test', skip-decorate: true}}"
    );
    let directory = format!(
        "build-publish-docker-image: {{image: '{host}/ci/dir:1', push-on-success: true, push-credentials-id: right, docker-file-directory: d}}"
    );
    let jobs = job("two", &script, &options)
        + &job("dir", "mkdir d; printf 'FROM IMAGE\\nCOPY f /f\\n' >d/Dockerfile; echo 1 >d/f", &directory);
    let Some(mut place) = open(&jobs, BUILDS) else { return };
    place.submit_with("two", &json!({"TAG": "b"})).await;
    let (result, console) = place.result("two");
    assert_eq!(result, "SUCCESS", "{console}");
    let digest = registry.digest("ci/two", "a").unwrap();
    for tag in ["b", "latest"] {
        assert_eq!(registry.digest("ci/two", tag).as_deref(), Some(digest.as_str()), "{tag}");
    }
    assert_eq!(console.matches("\nrun says b and more\n").count(), 1, "{console}");
    let said = format!("Pushed {host}/ci/two:a: {digest}\n");
    has(&console, &[&said, &format!("after {host}/ci/two:latest {digest}\n"), "Sending 2 files, "]);
    // The record: on the page, and for programs (docker-M40).
    let page = place.page("two", "");
    has(&page, &["<h2 id=\"images-head\">Images</h2>", &digest]);
    let json: serde_json::Value = serde_json::from_str(&place.page("two", "api/json")).unwrap();
    let images = json["causewayImages"].as_array().unwrap();
    let whats: Vec<&str> = images.iter().filter_map(|image| image["what"].as_str()).collect();
    assert_eq!(whats, ["built", "pushed", "pushed", "pushed"]);
    assert_eq!((&images[3]["digest"], &images[3]["credential"]), (&json!(digest), &json!("right")));
    assert_eq!(images[0]["id"], images[3]["id"]);
    let (result, console) = build(&mut place, "dir").await;
    assert_eq!(result, "SUCCESS", "{console}");
    assert!(registry.digest("ci/dir", "1").is_some());
    // Names go with their build, whatever stays in the cache.
    place.until_all_gone(&place.node("two"));
    let names = place.docker(
        &place.engine,
        &["images", "--format", "{{.Repository}}", "--filter", &format!("reference={host}/*/*")],
    );
    assert_eq!(String::from_utf8_lossy(&names.stdout), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_7_refused_pushes_fail_in_the_registrys_words() {
    let (Some(accounts), Some(reading)) =
        (Registry::start(Access::Accounts), Registry::start(Access::ReadOnly))
    else {
        return;
    };
    let push = |host: String, credential: &str| {
        format!(
            "docker-build-publish: {{repo-name: {host}/ci/x, repo-tag: 'a, b', skip-tag-latest: true{credential}}}"
        )
    };
    let with = |id: &str| format!(", registry: {{url: '{}', credentials-id: {id}}}", accounts.host());
    let file = dockerfile("FROM IMAGE\nLABEL a=b");
    let jobs = job("wrong", &file, &push(accounts.host(), &with("wrong")))
        + &job("none", &file, &push(accounts.host(), ""))
        + &job("text", &file, &push(accounts.host(), &with("text")))
        + &job("reading", &file, &push(reading.host(), ""))
        + &job("capital", &file, &push(accounts.host(), "").replace("'a, b'", "$TAG"));
    let Some(mut place) = open(&jobs, BUILDS) else { return };
    for (name, words) in [
        ("wrong", "unauthorized"),
        ("none", "no basic auth credentials"),
        ("text", "takes a user with password"),
        ("reading", "405"),
    ] {
        let ended = build(&mut place, name).await;
        if name != "text" {
            has(&ended.1, &["Not tried: ", "/ci/x:a was not pushed: "]);
        }
        fails(name, ended, words);
    }
    place.submit_with("capital", &json!({"TAG": "not a tag"})).await;
    let ended = place.result("capital");
    assert!(!ended.1.contains("Step 1"), "{}", ended.1);
    fails("capital", ended, "is not a reference of an image");
    assert_eq!(accounts.digest("ci/x", "a").or(reading.digest("ci/x", "a")), None);
}

/// What is wrong, what the log says, and whether the engine was called.
const WRONG: &[(&str, &str, &str)] = &[
    ("missing", "true", "'wrong-missing/Dockerfile' does not exist"),
    ("empty", ": >Dockerfile", "is empty"),
    ("directory", "mkdir Dockerfile", "is no plain file"),
    ("link", "ln -s /etc/passwd Dockerfile", "links are not followed"),
    (
        "fetch",
        "printf 'FROM IMAGE\\nADD http://127.0.0.1:1/ /x\\n' >Dockerfile",
        "line 2 of the Dockerfile: ADD of",
    ),
    (
        "fetcharg",
        "printf 'FROM IMAGE\\nARG A=http://127.0.0.1:1/\\nADD $A /x\\n' >Dockerfile",
        "line 3 of the Dockerfile",
    ),
    ("label", "printf 'FROM IMAGE\\nLABEL causeway.scope=x\\n' >Dockerfile", "line 2 of the Dockerfile"),
    (
        "word",
        "printf 'FROM IMAGE\\n\\nFORM x\\n' >Dockerfile",
        "line 3 of the Dockerfile: 'FORM' is no instruction",
    ),
    ("base", "printf 'FROM 127.0.0.1:1/none:1\\n' >Dockerfile", "does not allow the image"),
    (
        "run",
        "printf 'FROM IMAGE\\nRUN echo half way\\nRUN exit 3\\n' >Dockerfile",
        "returned a non-zero code: 3",
    ),
    ("copy", "printf 'FROM IMAGE\\nCOPY nothing /x\\n' >Dockerfile", "nothing"),
];

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_10_wrong_input_fails_before_the_engine_is_called() {
    let builder = "docker-build-publish: {repo-name: x/y, skip-push: true}";
    let mut jobs: String =
        WRONG.iter().map(|(name, script, _)| job(&format!("wrong-{name}"), script, builder)).collect();
    let file = dockerfile("FROM IMAGE");
    jobs += &job(
        "outside",
        &file,
        "docker-build-publish: {repo-name: x/y, skip-push: true, build-context: $WHERE}",
    );
    jobs += &job(
        "linked",
        "mkdir d; ln -s / d/root; ln -s d/root chain",
        "docker-build-publish: {repo-name: x/y, skip-push: true, build-context: $WHERE}",
    );
    jobs += &job(
        "secret",
        &file,
        "docker-build-publish: {repo-name: x/y, skip-push: true, build-args: --build-arg A=$SECRET}",
    );
    let guard = Extra { label: "        guard: {images: ['causeway-test/*']}\n", ..BUILDS };
    let Some(mut place) = open(&jobs, guard) else { return };
    for (name, _, words) in WRONG {
        let ended = build(&mut place, &format!("wrong-{name}")).await;
        assert_eq!(ended.1.contains("Sending "), matches!(*name, "run" | "copy"), "{}", ended.1);
        fails(name, ended, words);
    }
    for (name, parameters, words) in [
        ("outside", json!({"WHERE": "../.."}), "not below the workspace"),
        ("linked", json!({"WHERE": "chain/etc"}), "links are not followed"),
        ("secret", json!({"SECRET": "hunter2-hunter2"}), "holds a secret"),
    ] {
        place.submit_with(name, &parameters).await;
        let ended = place.result(name);
        assert!(!ended.1.contains("Sending ") && !ended.1.contains("hunter2"), "{}", ended.1);
        fails(name, ended, words);
    }
    assert_eq!(containers(&place, &place.console("wrong-run")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m31_a_run_that_is_killed_for_memory_says_so() {
    let file = dockerfile("FROM IMAGE\nRUN tail /dev/zero");
    let jobs =
        job("memory", &file, "docker-build-publish: {repo-name: x/y, skip-push: true, build-args: -m 32m}");
    let Some(mut place) = open(&jobs, BUILDS) else { return };
    fails("memory", build(&mut place, "memory").await, "out of memory");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m17_m31_an_abort_and_a_kill_9_leave_nothing_running() {
    let file = dockerfile("FROM IMAGE\nRUN echo ru''nning; while [ -e /proc/self ]; do sleep 1; done");
    let builder = "docker-build-publish: {repo-name: x/y, skip-push: true, no-cache: true}";
    let jobs = job("aborted", &file, builder) + &job("killed", &file, builder);
    let Some(mut place) = open(&jobs, BUILDS) else { return };
    let running = |place: &Place, job: &str| containers(place, &place.console(job));
    place.submit("aborted").await;
    place.until_console("aborted", "\nrunning\n");
    assert_eq!(running(&place, "aborted"), 1);
    let begun = Instant::now();
    place.abort("aborted");
    let (result, console) = place.result("aborted");
    assert_eq!(result, "ABORTED", "{console}");
    has(&console, &["Archiving artifacts"]);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    place.until_all_gone(&place.node("aborted"));
    crate::support::within(Duration::from_secs(15), || match running(&place, "aborted") {
        0 => Ok(()),
        count => Err(format!("{count} containers")),
    });

    place.submit("killed").await;
    place.until_console("killed", "\nrunning\n");
    place.kill_and_start();
    // It is built again from the start, once.
    place.until_console("killed", "\nrunning\n");
    crate::support::within(Duration::from_secs(15), || match running(&place, "killed") {
        1 => Ok(()),
        count => Err(format!("{count} containers")),
    });
    place.abort("killed");
    let (result, console) = place.result("killed");
    assert_eq!((result.as_str(), console.matches("\nrunning\n").count()), ("ABORTED", 1), "{console}");
    place.until_all_gone(&place.node("killed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m2_a_missing_dockerfile_fails_before_the_first_step() {
    // Nothing is checked out, so nothing is there.
    let jobs = "
- job:
    name: empty
    node: DebianJessieDocker
    wrappers:
      - docker-custom-build-env: {image-type: dockerfile, context-path: docker}
    builders: [{shell: 'echo after'}]
    publishers: [{archive: {artifacts: x, allow-empty: true}}]
";
    let Some(mut place) = open(jobs, BUILDS) else { return };
    fails("empty", build(&mut place, "empty").await, "'empty/docker/Dockerfile' does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_5_builders_run_in_an_image_that_the_workspace_describes() {
    let jobs = "
- job:
    name: described
    node: DebianJessieDocker
    wrappers:
      - docker-custom-build-env: {image-type: dockerfile, context-path: docker, dockerfile: Dockerfile.ci}
    builders: [{shell: 'cat /made; id -u; ls docker'}]
";
    let stock = Extra { label: "        min_ready: 1\n", ..BUILDS };
    let Some(mut place) = open(jobs, stock) else { return };
    // What a checkout would have put there: the node is in stock before its build is.
    let node = place.stocked_node();
    let context = place.node_directory(&node).join("workspace/described/docker");
    std::fs::create_dir_all(&context).unwrap();
    let file = format!("FROM {IMAGE}\nCOPY of-context /made\nUSER 0\n");
    std::fs::write(context.join("Dockerfile.ci"), file).unwrap();
    std::fs::write(context.join("of-context"), "from the context\n").unwrap();
    let (result, console) = build(&mut place, "described").await;
    assert_eq!(result, "SUCCESS", "{console}");
    has(
        &console,
        &[
            "built from the workspace\n",
            "Step 2/",
            "\nfrom the context\n",
            "\n1000\n",
            "\nDockerfile.ci\nof-context\n",
        ],
    );
    place.until_all_gone(&node);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_12_builds_with_one_tag_push_their_own_images() {
    let Some(left) = Registry::start(Access::Accounts) else { return };
    // One name on the engine, so each takes it away from the other; what is pushed has to be its own all the same.
    let builder = format!(
        "docker-build-publish: {{repo-name: ci/same, registry: {{url: '{}', credentials-id: right}}, repo-tag: same, skip-tag-latest: true, build-args: --build-arg WHICH}}",
        left.host()
    );
    let file = dockerfile("FROM IMAGE\nARG WHICH\nRUN echo $WHICH >/which");
    let jobs: String = (0..4).map(|index| job(&format!("same-{index}"), &file, &builder)).collect();
    let Some(mut place) = open(&jobs, BUILDS) else { return };
    for index in 0..4 {
        place.submit_with(&format!("same-{index}"), &json!({"WHICH": index})).await;
    }
    let mut digests = Vec::new();
    for index in 0..4 {
        let (result, console) = place.result(&format!("same-{index}"));
        assert_eq!(result, "SUCCESS", "{console}");
        let json: serde_json::Value =
            serde_json::from_str(&place.page(&format!("same-{index}"), "api/json")).unwrap();
        digests.push(json["causewayImages"][1]["digest"].as_str().unwrap().to_owned());
    }
    let last = left.digest("ci/same", "same").unwrap();
    assert!(digests.contains(&last), "{last} is not among {digests:?}");
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m14_what_is_cached_is_shared_within_one_scope_alone() {
    let file = dockerfile("FROM IMAGE\nRUN echo of the cache");
    let builder = "docker-build-publish: {repo-name: x/y, skip-push: true}";
    let fresh = "docker-build-publish: {repo-name: x/y, skip-push: true, no-cache: true}";
    let jobs: String = [("first", builder), ("again", builder), ("other", builder), ("fresh", fresh)]
        .iter()
        .map(|(name, builder)| job(name, &file, builder))
        .collect();
    let Some(mut place) = open(&jobs, BUILDS) else { return };
    for (name, project, hit) in [
        ("first", "p/one", false),
        ("again", "p/one", true),
        ("other", "p/two", false),
        ("fresh", "p/one", false),
    ] {
        place.submit_with(name, &json!({"ZUUL_PROJECT": project})).await;
        let (result, console) = place.result(name);
        assert_eq!(result, "SUCCESS", "{console}");
        assert_eq!(console.contains("Using cache"), hit, "{name}: {console}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_7_a_registry_that_goes_away_leaves_a_list_of_what_is_out() {
    let Some(mut registry) = Registry::start(Access::Accounts) else { return };
    let host = registry.host();
    let options = format!(
        "docker-build-publish: {{repo-name: ci/half, repo-tag: 'a', registry: {{url: '{host}', credentials-id: right}}, skip-tag-latest: true, build-args: '-t 127.0.0.1:1/ci/gone:b -t 127.0.0.1:1/ci/gone:c'}}"
    );
    let jobs = job("half", &dockerfile("FROM IMAGE\nLABEL a=half"), &options);
    let Some(mut place) = open(&jobs, BUILDS) else { return };
    let ended = build(&mut place, "half").await;
    let digest = registry.digest("ci/half", "a").unwrap();
    has(&ended.1, &[&format!("Pushed {host}/ci/half:a: {digest}\n"), "Not tried: 127.0.0.1:1/ci/gone:c\n"]);
    fails("half", ended, "127.0.0.1:1/ci/gone:b was not pushed: ");
    registry.stop();
}
