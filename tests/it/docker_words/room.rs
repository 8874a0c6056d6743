//! Builders in a container of the job's own: `docker-custom-build-env` (docker-M1).

use super::registry::{Access, Registry};
use super::site::{Extra, WITH_USERS, build, has, name_image, open};

/// A job with this wrapper and these further keys.
fn job(name: &str, wrapper: &str, rest: &str) -> String {
    format!(
        "\n- job:\n    name: {name}\n    node: DebianJessieDocker\n    wrappers:\n      - docker-custom-build-env:\n          {wrapper}\n{rest}"
    )
}

/// The change with which a migration starts, word for word, and one step.
const FOUNDING: &str = "
- job:
    name: founding
    node: DebianJessieDocker
    wrappers:
      - docker-custom-build-env:
          image-type: pull
          image: wmfreleng/ci-jessie-wikimedia
    builders:
      - shell: 'id; pwd; echo $HOME; touch f; ls -ln f; touch $HOME/x && echo home is ours'
";

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_1_the_change_that_starts_a_migration_succeeds() {
    let Some(mut place) = open(FOUNDING, Extra::default()) else { return };
    let (result, console) = build(&mut place, "founding").await;
    assert_eq!(result, "SUCCESS", "{console}");
    let said = [
        "Builders run in the image wmfreleng/ci-jessie-wikimedia:latest\n",
        ", digest none: it comes from no registry, was there\n",
        "uid=1000 gid=1000",
        "/workspace/founding\n",
        "@tmp/home\n",
        " 1000     1000 ",
        "home is ours\n",
    ];
    has(&console, &said);
    place.until_all_gone(&place.node("founding"));
}

/// What two steps leave to each other, and to publishers.
const LEAVING: &str = "    builders:
      - shell: 'hostname; echo $BUILD_CONTAINER_ID | wc -c; (sleep 1000 >/dev/null 2>&1 & echo $! >pid); touch mark /tmp/inside'
      - shell: 'kill -0 $(cat pid) && [ -e /tmp/inside ] && echo still there; exit 3'
      - shell: 'echo never'
    publishers:
      - postbuildscript:
          builders:
            - build-on: [FAILURE]
              build-steps:
                - shell: 'ls mark; [ -e /tmp/inside ] || echo outside; kill -0 $(cat pid) 2>/dev/null || echo gone'
      - archive: {artifacts: mark}
";

#[tokio::test(flavor = "multi_thread")]
async fn docker_m1_m25_builders_share_a_container_and_publishers_run_outside() {
    let jobs = job("leaving", "{image-type: pull, image: wmfreleng/ci-jessie-wikimedia}", LEAVING);
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    let (result, console) = build(&mut place, "leaving").await;
    assert_eq!(result, "FAILURE", "{console}");
    has(
        &console,
        &[
            "\n65\n",
            "still there\n",
            "mark\n",
            "outside\n",
            "gone\n",
            "step 2 (shell) ended with exit code 3",
        ],
    );
    assert!(!console.contains("never\n"), "{console}");
    place.until_all_gone(&place.node("leaving"));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m22_m23_m24_users_groups_entry_points_and_variables() {
    let rest = "    parameters:\n      - password: {name: SECRET}\n    builders:\n      - shell: 'id -u; id -g; echo $HOME; echo \"$ML\" | wc -l; echo $LANG $OF_IMAGE; echo $SECRET'\n";
    let image = format!("image-type: pull, image: '{WITH_USERS}'");
    let jobs = job("grouped", &format!("{{{image}, group: docker}}"), rest)
        + &job("nobody", &format!("{{{image}, group: no-such-group}}"), rest);
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    let parameters =
        serde_json::json!({"ML": "x\nHOME=/evil", "LANG": "of-the-job", "SECRET": "hunter2-hunter2"});
    place.submit_with("grouped", &parameters).await;
    let (result, console) = place.result("grouped");
    assert_eq!(result, "SUCCESS", "{console}");
    has(
        &console,
        &["\n1000\n", "\n998\n", "\n/home/jenkins\n", "\n2\n", "\nof-the-job 1\n", "\n***************\n"],
    );
    assert!(!console.contains("hunter2"), "{console}");
    let (result, console) = build(&mut place, "nobody").await;
    assert_eq!(result, "FAILURE", "{console}");
    has(&console, &["docker-custom-build-env: ", "no-such-group"]);
    assert!(!console.contains("step 1"), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m3_volumes_memory_and_the_engines_socket() {
    let image = "image-type: pull, image: wmfreleng/ci-jessie-wikimedia";
    let volumes = "volumes: [{volume: {host-path: $WORKSPACE/made, path: /made}}, {volume: {host-path: /var/run/docker.sock, path: /s}}]";
    let jobs = job(
        "volumes",
        &format!("{{{image}, {volumes}}}"),
        "    builders: [{shell: 'touch /made/x; ls made; test -S /s && echo socket'}]\n",
    ) + &job(
        "late",
        &format!("{{{image}, volumes: [{{volume: {{host-path: $WHERE, path: /x}}}}]}}"),
        "    builders: [{shell: echo began}]\n",
    ) + &job(
        "memory",
        &format!("{{{image}, memory-limit: 64m}}"),
        "    builders: [{shell: exec tail /dev/zero}]\n",
    );
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    let (result, console) = build(&mut place, "volumes").await;
    assert_eq!(result, "SUCCESS", "{console}");
    has(&console, &["\nx\n", "\nsocket\n"]);
    place.submit_with("late", &serde_json::json!({"WHERE": "/etc"})).await;
    let (result, console) = place.result("late");
    assert_eq!(result, "FAILURE", "{console}");
    has(&console, &["does not give '/etc' of the host to jobs (pools-D30)"]);
    assert!(!console.contains("began"), "{console}");
    let (result, console) = build(&mut place, "memory").await;
    assert_eq!(result, "FAILURE", "{console}");
    has(&console, &["out of memory"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m21_images_of_a_registry_with_accounts_need_the_right_password() {
    let Some(registry) = Registry::start(Access::Accounts) else { return };
    let image = format!("{}/ci/brought:1", registry.host());
    let step = "    builders: [{shell: echo began}]\n    publishers: [{archive: {artifacts: x, allow-empty: true}}]\n";
    let with =
        |name: &str, more: &str| job(name, &format!("{{image-type: pull, image: '{image}'{more}}}"), step);
    let missing = format!("{}/ci/missing:1", registry.host());
    let jobs = with("plain", "")
        + &with("wrong", ", registry-credentials-id: wrong")
        + &with("text", ", registry-credentials-id: text")
        + &job(
            "missing",
            &format!("{{image-type: pull, image: '{missing}', registry-credentials-id: right}}"),
            step,
        )
        + &with("right", ", registry-credentials-id: right");
    let jobs = jobs + &with("present", "");
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    name_image(&place.engine, &image);
    place.push(&image);
    for (job, words) in [
        ("plain", "no basic auth credentials"),
        ("wrong", "unauthorized"),
        ("text", "takes a user with password, but the secret store has the credential 'text' as text"),
        ("missing", "manifest unknown"),
    ] {
        let (result, console) = build(&mut place, job).await;
        assert_eq!(result, "FAILURE", "{job}: {console}");
        has(&console, &["docker-custom-build-env: ", words, "Archiving artifacts"]);
        assert!(!console.contains("began") && !console.contains("horse"), "{console}");
    }
    let (result, console) = build(&mut place, "right").await;
    assert_eq!(result, "SUCCESS", "{console}");
    let digest = registry.digest("ci/brought", "1").unwrap();
    has(&console, &["began\n", &digest, "pulled in"]);
    // Now it is there: still not for a job that could not have pulled it (pools-D54).
    let (result, console) = build(&mut place, "present").await;
    assert_eq!(result, "FAILURE", "{console}");
    has(&console, &["pools-D54", "no basic auth credentials"]);
    assert!(!console.contains("began"), "{console}");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m27_an_abort_leaves_no_container() {
    let jobs = job(
        "held",
        "{image-type: pull, image: wmfreleng/ci-jessie-wikimedia}",
        "    builders: [{shell: 'echo held; sleep 1000'}]\n",
    );
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    place.submit("held").await;
    place.until_console("held", "held\n");
    place.abort("held");
    let (result, console) = place.result("held");
    assert_eq!(result, "ABORTED", "{console}");
    place.until_all_gone(&place.node("held"));
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_m27_a_container_that_ends_under_a_step_fails_that_step_alone() {
    let jobs = job(
        "ended",
        "{image-type: pull, image: wmfreleng/ci-jessie-wikimedia}",
        "    builders: [{shell: 'echo held; sleep 1000'}]\n    publishers: [{archive: {artifacts: x, allow-empty: true}}]\n",
    );
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    place.submit("ended").await;
    place.until_console("ended", "held\n");
    let name = place.container(&place.node("ended"), "room");
    place.docker(&place.engine, &["kill", &name]);
    let (result, console) = place.result("ended");
    assert_eq!(result, "FAILURE", "{console}");
    has(&console, &["the build container exited with code 137", "Archiving artifacts"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_27_11_2_kill_9_of_causeway_leaves_one_unbroken_build() {
    let rest = "    builders:\n      - shell: 'echo first; until [ -e go ]; do sleep 0.1; done; echo second'\n      - shell: 'echo third; id -u'\n";
    let jobs = job("killed", "{image-type: pull, image: wmfreleng/ci-jessie-wikimedia}", rest);
    let Some(mut place) = open(&jobs, Extra::default()) else { return };
    place.submit("killed").await;
    place.until_console("killed", "first\n");
    let node = place.node("killed");
    place.kill_and_start();
    std::fs::write(place.node_directory(&node).join("workspace/killed/go"), "").unwrap();
    let (result, console) = place.result("killed");
    assert_eq!(result, "SUCCESS", "{console}");
    for line in ["\nfirst\n", "\nsecond\n", "\nthird\n", "\n1000\n", "Builders run in the image"] {
        assert_eq!(console.matches(line).count(), 1, "{line:?} in {console}");
    }
    place.until_all_gone(&node);
}
