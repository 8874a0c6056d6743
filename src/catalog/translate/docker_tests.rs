//! The components that speak of Docker: YAML in, recipe and findings out (docker-27).

use super::tests::{found, job, read};
use crate::catalog::config::{CatalogConfig, Site};
use crate::catalog::recipe::{
    BuildContainer, BuildImage, ContainerImage, ContainerNetwork, ImageNames, Recipe, Step, Volume,
};
use crate::catalog::{Finding, NamePatterns, TreeJob, Weight};
use crate::image::{BuildArgument, ImageBuilds};
use crate::pool::LabelSet;
use crate::pool::label::{LabelDefinition, Mount};

fn wrapper(options: &str) -> TreeJob {
    job(&format!("wrappers:\n  - docker-custom-build-env: {options}"))
}

fn container(options: &str) -> BuildContainer {
    Recipe::clone(&wrapper(options).recipe).build_container.unwrap()
}

/// Codes without the notes that every job of the kind has.
fn codes(findings: &[Finding]) -> Vec<(Weight, &'static str)> {
    let all = found(findings).into_iter().map(|(weight, code, _)| (weight, code));
    all.filter(|(_, code)| !["not-decorated", "image-builds-off"].contains(code)).collect()
}

#[test]
fn docker_27_2_the_change_that_starts_a_migration() {
    let text = "{image-type: pull, image: wmfreleng/ci-jessie-wikimedia}";
    let job = wrapper(text);
    assert_eq!(codes(&job.findings), []);
    let found = container(text);
    let expected = BuildContainer {
        image: ContainerImage::Pull("wmfreleng/ci-jessie-wikimedia".into()),
        force_pull: false,
        credential: None,
        volumes: vec![],
        group: None,
        command: None,
        network: ContainerNetwork::Lease,
        memory_bytes: None,
        cpu_shares: None,
        privileged: false,
        place: found.place.clone(),
    };
    assert_eq!((found.place.line, found), (4, expected));
}

#[test]
fn docker_27_2_every_option_of_the_wrapper_counts() {
    let found = container(
        "\n      image-type: pull\n      image: '127.0.0.1:5000/a:$TAG'\n      force-pull: true\n      registry-credentials-id: r\n      group: docker\n      net: none\n      memory-limit: 64m\n      cpu-shares: 2\n      privileged: true\n      verbose: true\n      command: /bin/cat\n      volumes:\n        - volume: {host-path: $WORKSPACE/x, path: /x}",
    );
    assert_eq!(found.image, ContainerImage::Pull("127.0.0.1:5000/a:$TAG".into()));
    assert!(found.force_pull && found.privileged);
    assert_eq!((found.credential.as_deref(), found.group.as_deref()), (Some("r"), Some("docker")));
    assert_eq!(
        (found.network, found.memory_bytes, found.cpu_shares),
        (ContainerNetwork::None, Some(64 << 20), Some(2))
    );
    assert_eq!(found.volumes, [Volume { source: "$WORKSPACE/x".into(), target: "/x".into() }]);
    let built = container("{image-type: dockerfile}").image;
    assert_eq!(built, ContainerImage::Dockerfile { context: ".".into(), dockerfile: "Dockerfile".into() });
}

#[test]
fn docker_27_10_what_is_wrong_with_a_wrapper_is_found() {
    use Weight::{Difference, Error, Stays};
    for (options, expected) in [
        ("{image: a}", vec![(Error, "missing-option")]),
        ("{image-type: swarm, image: a}", vec![(Error, "unknown-word")]),
        ("{image-type: pull}", vec![(Error, "missing-option")]),
        ("{image-type: pull, image: A/b}", vec![(Error, "no-reference")]),
        ("{image-type: pull, image: a, dockerfile: b}", vec![(Difference, "option-without-effect")]),
        ("{image-type: dockerfile, image: a}", vec![(Difference, "option-without-effect")]),
        ("{image-type: pull, image: a, privilged: true}", vec![(Difference, "unknown-option")]),
        ("{image-type: pull, image: a, host: 'tcp://h:1'}", vec![(Difference, "option-without-effect")]),
        ("{image-type: pull, image: a, docker-tool: Default}", vec![]),
        ("{image-type: pull, image: a, docker-tool: Other}", vec![(Difference, "option-without-effect")]),
        (
            "{image-type: pull, image: a, memory-limit: 'memory=L<inf, memory-swap=inf'}",
            vec![(Error, "wrong-value")],
        ),
        ("{image-type: pull, image: a, memory-limit: 4m}", vec![(Error, "wrong-value")]),
        ("{image-type: pull, image: a, cpu-shares: x}", vec![(Error, "wrong-value")]),
        ("{image-type: pull, image: a, cpu-shares: 1}", vec![(Error, "wrong-value")]),
        ("{image-type: pull, image: a, command: sshd -D}", vec![(Stays, "option-not-carried")]),
        ("{image-type: pull, image: a, command: ''}", vec![]),
        ("{image-type: pull, image: a, volumes: [{volume: {path: /x}}]}", vec![(Error, "missing-option")]),
        ("{image-type: pull, image: a, volumes: [/x]}", vec![(Error, "wrong-value")]),
        (
            "{image-type: pull, image: a, volumes: [{volume: {host-path: $A, path: /x}}, {volume: {host-path: $B, path: /x}}]}",
            vec![(Error, "wrong-value"), (Difference, "path-at-run-time")],
        ),
        (
            "{image-type: pull, image: a, registry-credentials-id: r}",
            vec![(Difference, "missing-credential")],
        ),
    ] {
        assert_eq!(codes(&wrapper(options).findings), expected, "{options}");
    }
}

fn label(change: impl FnOnce(&mut LabelDefinition)) -> CatalogConfig {
    let mut label = LabelDefinition {
        memory_bytes: Some(1 << 30),
        guard: Some(Default::default()),
        mounts: vec![Mount { source: "/srv/git".into(), target: "/srv/git".into(), writable: false }],
        ..crate::pool::test_label("DebianJessieDocker", "p")
    };
    change(&mut label);
    let labels = LabelSet { definitions: vec![label], map: vec![] };
    let site = Site { labels, credentials: vec!["known".into()], ..Site::default() };
    CatalogConfig { site: Some(site), ..CatalogConfig::default() }
}

fn on_a_site(keys: &str, change: impl FnOnce(&mut LabelDefinition)) -> Vec<(Weight, &'static str)> {
    let body: String = keys.lines().map(|line| format!("    {line}\n")).collect();
    let job = read(&format!("- job:\n    name: a\n    node: DebianJessieDocker\n{body}"), label(change));
    let all = found(&job.findings).into_iter().map(|(weight, code, _)| (weight, code));
    all.filter(|(_, code)| *code != "not-decorated").collect()
}

#[test]
fn docker_m3_m30_rights_are_given_by_the_label_or_keep_the_job() {
    let with = |options: &str, change: fn(&mut LabelDefinition)| {
        let keys =
            format!("wrappers:\n  - docker-custom-build-env: {{image-type: pull, image: ci/a, {options}}}");
        on_a_site(&keys, change)
    };
    let nothing = |_: &mut LabelDefinition| {};
    let stays = |code| vec![(Weight::Stays, code)];
    assert_eq!(with("", nothing), []);
    assert_eq!(with("", |label| label.image = None), stays("no-engine"));
    assert_eq!(with("privileged: true", nothing), stays("privileged"));
    let privileged =
        |label: &mut LabelDefinition| label.images.privileged = NamePatterns::new(["ci/*".to_owned()]);
    assert_eq!(with("privileged: true", privileged), []);
    assert_eq!(with("net: host", nothing), stays("host-network"));
    assert_eq!(with("net: 'container:db'", nothing), stays("other-network"));
    assert_eq!(with("net: none", nothing), []);
    assert_eq!(with("memory-limit: 2g", nothing), stays("memory-limit"));
    assert_eq!(with("memory-limit: 2g", |label| label.images.clamp_limits = true), []);
    assert_eq!(with("memory-limit: 64m", nothing), []);
    let volume = |path: &str| format!("volumes: [{{volume: {{host-path: {path}, path: /x}}}}]");
    assert_eq!(with(&volume("/etc"), nothing), stays("host-path"));
    assert_eq!(with(&volume("/srv/git/../x"), nothing), stays("host-path"));
    assert_eq!(with(&volume("/srv/git/core"), nothing), []);
    assert_eq!(with(&volume("$WORKSPACE/cache"), nothing), []);
    assert_eq!(with(&volume("$WORKSPACE/../x"), nothing), vec![(Weight::Difference, "path-at-run-time")]);
    assert_eq!(with(&volume("/var/run/docker.sock"), nothing), []);
    assert_eq!(with(&volume("/var/run/docker.sock"), |label| label.guard = None), stays("engine-socket"));
    assert_eq!(with("registry-credentials-id: nobody", nothing), stays("missing-credential"));
    assert_eq!(with("registry-credentials-id: known", nothing), []);
    let built = "wrappers:\n  - docker-custom-build-env: {image-type: dockerfile}";
    assert_eq!(on_a_site(built, nothing), stays("image-builds-off"));
    assert_eq!(on_a_site(built, |label| label.images.builds = ImageBuilds::Classic), []);
}

fn image(keys: &str) -> BuildImage {
    match job(keys).recipe.steps.as_slice() {
        [Step::BuildImage(image)] => (**image).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn docker_27_4_docker_build_publish() {
    let plain = image("builders:\n  - docker-build-publish: {repo-name: a/b}");
    let names = ImageNames::Repository { name: "a/b".into(), tags: String::new(), latest: true };
    assert_eq!((plain.component.as_str(), &plain.names, plain.push), ("docker-build-publish", &names, true));
    let source = plain.source.unwrap();
    assert_eq!((source.context.as_str(), source.dockerfile, source.no_cache), ("", None, false));
    let full = image(
        "builders:\n  - docker-build-publish:\n      repo-name: b\n      repo-tag: '$A, c'\n      registry: {url: 'https://r:5000/v2', credentials-id: k}\n      skip-tag-latest: true\n      skip-push: true\n      no-cache: true\n      file-path: d/F\n      build-context: d\n      build-args: --build-arg K=\"http://x y\" --target t --label a=b --pull\n      create-fingerprint: true\n      skip-decorate: true",
    );
    let names = ImageNames::Repository { name: "r:5000/b".into(), tags: "$A, c".into(), latest: false };
    assert_eq!((full.names, full.push, full.credential.as_deref()), (names, false, Some("k")));
    let source = full.source.unwrap();
    assert_eq!(
        (source.context.as_str(), source.dockerfile.as_deref(), source.no_cache),
        ("d", Some("d/F"), true)
    );
    let argument = BuildArgument { name: "K".into(), value: Some("http://x y".into()) };
    assert_eq!((source.words.arguments, source.words.pull), (vec![argument], true));
    assert_eq!(image("builders:\n  - docker-build-publish: {repo-name: a, skip-build: true}").source, None);
}

#[test]
fn docker_27_10_what_is_wrong_with_an_image_build_is_found() {
    use Weight::{Difference, Error, Stays};
    for (options, expected) in [
        ("{}", vec![(Error, "missing-option")]),
        ("{repo-name: A}", vec![(Error, "no-reference")]),
        ("{repo-name: a, repo-tag: 'x,,y'}", vec![(Error, "no-reference")]),
        ("{repo-name: a, repo-tag: 'x y'}", vec![(Error, "no-reference")]),
        ("{repo-name: a, repo-tag: 1.10}", vec![(Difference, "tag-is-a-number")]),
        ("{repo-name: a, file-path: x/}", vec![(Error, "wrong-value")]),
        ("{repo-name: a, build-context: ../..}", vec![(Stays, "context-outside")]),
        ("{repo-name: a, build-context: /srv}", vec![(Stays, "context-outside")]),
        ("{repo-name: a, build-context: $WORKSPACE/d}", vec![]),
        ("{repo-name: a, build-args: --privileged-ish}", vec![(Error, "build-args")]),
        ("{repo-name: a, build-args: --network host}", vec![(Stays, "build-args")]),
        ("{repo-name: a, build-args: --label causeway.scope=x}", vec![(Error, "build-args")]),
        (
            "{repo-name: a, no-force-pull: true, force-tag: true}",
            vec![(Difference, "option-without-effect"); 2],
        ),
        ("{repo-name: a, skip-latest: true}", vec![(Difference, "unknown-option")]),
        ("{repo-name: a, server: {uri: 'unix:///x'}}", vec![(Difference, "option-without-effect")]),
        ("{repo-name: a, skip-push: true}", vec![(Difference, "image-not-kept")]),
    ] {
        let job = job(&format!("builders:\n  - docker-build-publish: {options}"));
        assert_eq!(codes(&job.findings), expected, "{options}");
    }
}

#[test]
fn docker_27_5_build_publish_docker_image() {
    let keys = |options: &str| format!("builders:\n  - build-publish-docker-image: {options}");
    let found = image(&keys("{image: 'r:5000/a:1', docker-file-directory: d, push-on-success: true}"));
    assert_eq!((found.names, found.push), (ImageNames::References("r:5000/a:1".into()), true));
    assert_eq!(found.source.unwrap().context, "d");
    use Weight::{Difference, Error, Stays};
    for (options, expected) in [
        ("{push-on-success: true}", vec![(Error, "missing-option")]),
        ("{image: \"a\\nb\", push-on-success: true}", vec![(Difference, "several-tags")]),
        ("{image: A, push-on-success: true}", vec![(Error, "no-reference")]),
        (
            "{image: a, push-on-success: true, jenkins-job-delete: true, cloud: c, clean-images: true}",
            vec![(Difference, "option-without-effect"); 2],
        ),
        ("{docker-file-directory: /x, image: a, push-on-success: true}", vec![(Stays, "context-outside")]),
    ] {
        assert_eq!(codes(&job(&keys(options)).findings), expected, "{options}");
    }
}

#[test]
fn docker_m7_docker_pull_image() {
    let keys =
        |options: &str| format!("builders:\n  - docker-pull-image: {options}\n  - shell: docker run x");
    let pull = |options: &str| match job(&keys(options)).recipe.steps.first() {
        Some(Step::PullImage(pull)) => pull.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(pull("{image: a}").image, "a");
    let full = pull("{image: a, docker-registry-url: 'https://r:5', credentials-id: k}");
    assert_eq!((full.image.as_str(), full.credential.as_deref()), ("r:5/a", Some("k")));
    assert_eq!(pull("{image: a, docker-registry-url: '', credentials-id: ''}").credential, None);
    assert_eq!(codes(&job(&keys("{}")).findings), [(Weight::Error, "missing-option")]);
    let alone = job("builders:\n  - docker-pull-image: {image: a}");
    assert_eq!(codes(&alone.findings), [(Weight::Difference, "pull-for-nobody")]);
}

#[test]
fn docker_m5_m8_m38_property_publisher_trigger() {
    use Weight::{Difference, Error, Stays};
    for (keys, expected) in [
        ("properties: [docker-container]", vec![(Difference, "no-commit")]),
        ("properties:\n  - docker-container: {commit-on-success: true}", vec![(Difference, "no-commit")]),
        (
            "properties:\n  - docker-container: {commit-on-success: true, push-on-success: true, additional-tag: a}",
            vec![],
        ),
        (
            "properties:\n  - docker-container: {commit-on-success: true, clean-local-images: false}",
            vec![(Difference, "image-not-kept")],
        ),
        (
            "properties:\n  - docker-container: {commit-on-success: true, push-on-success: true, additional-tag: A}",
            vec![(Error, "no-reference")],
        ),
        ("publishers: [docker-stop-container]", vec![(Difference, "left-out")]),
        (
            "publishers:\n  - docker-stop-container: {remove-stopped-containers: true, x: 1}",
            vec![(Difference, "unknown-option"), (Difference, "left-out")],
        ),
        ("triggers: [dockerhub-notification]", vec![(Stays, "not-done-yet")]),
        ("triggers:\n  - dockerhub-notification: {repositories: [a]}", vec![(Stays, "not-done-yet")]),
    ] {
        assert_eq!(codes(&job(keys).findings), expected, "{keys}");
    }
}
