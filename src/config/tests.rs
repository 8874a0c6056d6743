//! The whole configuration: the example, the defaults, and what is refused with which words.

use std::path::Path;
use std::time::Duration;

use super::*;

const EXAMPLE: &str = include_str!("../../contrib/docs/causeway.example.yaml");

/// A folder with a configuration of that text and a job tree beside it.
fn load(text: &str) -> Result<Config, Problems> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("jjb")).unwrap();
    let path = folder.path().join("causeway.yaml");
    std::fs::write(&path, text).unwrap();
    Config::load(&path, &Overrides::default())
}

/// Line, column and code of every problem.
fn problems(text: &str) -> Vec<(u32, u32, &'static str)> {
    let list = load(text).map(|config| config.notes).unwrap_or_else(|problems| problems.list);
    let place = |problem: &Problem| problem.position.clone().unwrap_or_default();
    list.iter().map(|problem| (place(problem).line, place(problem).column, problem.code)).collect()
}

#[test]
fn the_example_is_a_configuration() {
    let config = load(EXAMPLE).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.notes, []);
    assert!(config.catalog.own.has("demo-unit") && !config.catalog.own.has("demo-slow"));
    assert_eq!(config.catalog.first_number("demo-unit"), 100_000);
    assert_eq!(config.catalog.first_number("other"), 1);
    assert_eq!(config.catalog.shell(), ["/bin/bash"]);
    let label = &config.labels.definitions[0];
    assert_eq!((label.pool.as_str(), label.provider.as_str()), ("main", "local"));
    assert_eq!((label.cpus_milli, label.memory_bytes), (Some(2000), Some(4 << 30)));
    assert_eq!(label.max_ready_age, Duration::from_secs(8 * 3600));
    assert_eq!(config.labels.map, [("ci-jessie".to_owned(), "docker".to_owned())]);
    assert_eq!(
        config.catalog.site.map(|site| site.credentials),
        Some(vec!["api-key".to_owned(), "registry".to_owned()])
    );
}

#[test]
fn the_example_shows_the_defaults() {
    let example = load(EXAMPLE).unwrap();
    let nothing = Config::without_file(&Overrides::default()).unwrap();
    assert_eq!(example.gearman, nothing.gearman);
    assert_eq!(example.http.listen, nothing.http.listen);
    assert_eq!(example.builds, nothing.builds);
    assert_eq!(example.shadow, nothing.shadow);
    assert_eq!(example.state, nothing.state);
}

#[test]
fn decision_13_without_a_file_nothing_is_owned() {
    let config = Config::without_file(&Overrides::default()).unwrap();
    assert!(config.catalog.own.is_empty() && config.catalog.paths.is_empty());
    assert!(config.labels.definitions.is_empty() && config.providers.is_empty());
    assert_eq!(config.gearman.listen.to_string(), "127.0.0.1:4730");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.state, Path::new("/var/lib/causeway"));
}

#[test]
fn flags_win_over_the_file() {
    let overrides = Overrides {
        gearman: Some("127.0.0.1:0".parse().unwrap()),
        http: Some("[::1]:0".parse().unwrap()),
        state: Some("/s".into()),
    };
    let text = "state: /other\ngearman: {listen: 127.0.0.1:1}\nhttp: {listen: 0.0.0.0:80}\n";
    let config = Config::parse(Path::new("c.yaml"), text, &overrides).unwrap();
    assert_eq!(config.gearman.listen.port(), 0);
    assert_eq!(config.http.listen.to_string(), "[::1]:0");
    assert_eq!(
        (config.state.as_path(), config.nodes_dir.as_path()),
        (Path::new("/s"), Path::new("/s/nodes"))
    );
}

#[test]
fn decision_23_http_beyond_this_machine_is_refused() {
    assert_eq!(problems("http:\n  listen: 0.0.0.0:8080\n"), [(2, 11, "open-http")]);
    let overrides = Overrides { http: Some("0.0.0.0:80".parse().unwrap()), ..Overrides::default() };
    let problems = Config::without_file(&overrides).unwrap_err();
    assert_eq!(problems.list[0].code, "open-http");
}

#[test]
fn every_problem_is_named_at_once() {
    let text = "\
gearman:
  lisen: 127.0.0.1:4730
  max_packet: big
  lost_client_grace: 30
http: 8080
gearman: {}
colour: blue
providers:
  - {name: local, driver: dokcer}
  - {driver: process, engine: 'unix:///x'}
builds: {max_running: 0}
";
    let found = problems(text);
    let expected = [
        (2, 3, "unknown-key"),
        (3, 15, "wrong-value"),
        (4, 22, "wrong-value"),
        (5, 7, "wrong-type"),
        (6, 1, "duplicate-key"),
        (7, 1, "unknown-key"),
        (9, 27, "unknown-word"),
        (10, 5, "missing-key"),
        (10, 31, "wrong-value"),
        (11, 23, "out-of-bounds"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_problem_has_text_reason_and_cure() {
    let problems = load("gearman:\n  lisen: 127.0.0.1:4730\n  lost_client_grace: 30\n").unwrap_err();
    let text = problems.to_string();
    let told: Vec<&str> =
        text.lines().map(|line| line.split_once("causeway.yaml").map_or(line, |(_, rest)| rest)).collect();
    let expected = [
        ":2:3: error: 'lisen' is no setting of 'gearman' [unknown-key]",
        "  |   lisen: 127.0.0.1:4730",
        "  |   ^",
        "  cure: did you mean 'listen'?",
        ":3:22: error: '30' is no value of 'gearman.lost_client_grace' [wrong-value]",
        "  |   lost_client_grace: 30",
        "  |                      ^",
        "  why: a duration with its unit is expected",
        "  cure: write for example 500ms, 30s, 10m, 2h or 1d",
    ];
    assert_eq!(told, expected);
}

#[test]
fn pools_must_fit_their_providers() {
    let text = "\
providers: [{name: local, driver: docker}, {name: p, driver: process}]
pools:
  - name: a
    provider: locl
    labels: [{name: x, image: y}]
  - name: b
    provider: local
    labels:
      - {name: x}
      - {name: z, image: 'a b'}
      - {name: w, image: i, memory: 1KiB, network: bridge, min_ready: 2, max_nodes: 1}
      - {name: w, image: i}
  - name: c
    labels: []
  - {name: d, provider: p, labels: [{name: q, image: i}]}
";
    let expected = [
        (4, 15, "unknown-provider"),
        (9, 9, "missing-key"),
        (10, 26, "wrong-value"),
        (11, 37, "out-of-bounds"),
        (11, 52, "unknown-word"),
        (11, 85, "out-of-bounds"),
        (12, 16, "duplicate-name"),
        (13, 5, "missing-key"),
        (15, 54, "unused-key"),
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn pools_d1a_a_missing_host_directory_is_named() {
    let text = "\
providers: [{name: local, driver: docker}]
pools:
  - name: a
    labels:
      - name: x
        image: y
        mounts:
          - {source: /no/such/place}
          - {source: relative}
          - {source: /var/run/docker.sock}
          - {source: /tmp, target: /t, writable: true}
";
    let codes: Vec<&str> = problems(text).into_iter().map(|(_, _, code)| code).collect();
    assert!(
        codes.contains(&"missing-mount")
            && codes.contains(&"wrong-value")
            && codes.contains(&"engine-socket")
    );
}

#[test]
fn pools_d91_a_secret_in_the_clear_is_refused_and_not_repeated() {
    let problems = load("credentials:\n  - {id: a, text: hunter2}\n").unwrap_err();
    assert_eq!(problems.list[0].code, "wrong-value");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn broken_yaml_and_no_file_name_the_file() {
    assert_eq!(problems("gearman: [\n")[0].2, "yaml-syntax");
    let missing = Config::load(Path::new("/no/such.yaml"), &Overrides::default()).unwrap_err();
    assert!(
        missing.to_string().starts_with("/no/such.yaml: error: the configuration cannot be read"),
        "{missing}"
    );
    assert_eq!(problems("catalog: {jjb: [gone/]}\n"), [(1, 17, "missing-tree")]);
    assert_eq!(problems("catalog: {own: ['*']}\n"), [(1, 16, "nothing-to-own")]);
}
