//! `causeway jobs show NAME --origins` through the real executable: where each value of a job stands, and how it came there.

use serde_json::{Value, json};

use crate::support::{run, says};

/// A job with values from defaults, a template, a group, a project, nested macros and an included file.
const TREE: &[(&str, &str)] = &[
    (
        "all.yaml",
        "\
- defaults:
    name: global
    concurrent: true
    description: |
      Two lines
      of text
",
    ),
    (
        "macros.yaml",
        "\
- builder:
    name: unit
    builders:
      - announce:
          what: '{tool}'
      - shell: !include-raw: unit.sh
- builder:
    name: announce
    builders:
      - shell: 'echo {what}'
",
    ),
    (
        "jobs.yaml",
        "\
- job-template:
    name: '{name}-unit'
    node: '{node}'
    wrappers:
      - timeout: {timeout: 5, fail: true}
    builders:
      - unit:
          tool: tox
    publishers:
      - archive: {artifacts: 'log/**'}
- job-group:
    name: units
    node: debian
    jobs: ['{name}-unit']
- project:
    name: mail
    jobs: [units]
",
    ),
    ("unit.sh", "#!/bin/bash\nmake\nmake test\n"),
];

fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in TREE {
        std::fs::write(folder.path().join(name), text).expect("the file can be written");
    }
    folder
}

#[test]
fn jobs_show_names_the_line_of_every_value_and_the_macros_on_its_way() {
    let tree = tree();
    let folder = tree.path().to_str().expect("a path in UTF-8");
    says!("jobs-show-origins", run(&["jobs", "show", "mail-unit", folder, "--origins"]), [tree.path() => "FOLDER"]);
}

#[test]
fn jobs_show_gives_the_origins_as_data_when_they_are_asked_for() {
    let tree = tree();
    let folder = tree.path().to_str().expect("a path in UTF-8");
    let shown = |more: &[&str]| -> Value {
        let finished = run(&[&["--json", "jobs", "show", "mail-unit", folder], more].concat());
        assert_eq!(finished.code, Some(0), "{}", finished.transcript());
        serde_json::from_str(&finished.stdout).expect("JSON")
    };
    assert_eq!(shown(&[])["origins"], Value::Null);
    let origins = &shown(&["--origins"])["origins"];
    let at = |place: &str| format!("{folder}/{place}");
    let components = origins["components"].as_array().expect("a list");
    let shells: Vec<&Value> = components.iter().filter(|component| component["name"] == "shell").collect();
    assert_eq!(shells.len(), 2);
    assert_eq!(
        shells[0]["macros"],
        json!([
            { "name": "unit", "called": at("jobs.yaml:7:9"), "defined": at("macros.yaml:1:3") },
            { "name": "announce", "called": at("macros.yaml:4:9"), "defined": at("macros.yaml:7:3") },
        ])
    );
    assert_eq!(shells[1]["arguments"][0]["value"], "#!/bin/bash\nmake\nmake test\n");
    // The element that each value stands in, and the one that a variable brought it into.
    let keys = origins["keys"].as_array().expect("a list");
    let key = |path: &str| keys.iter().find(|key| key["path"] == path).expect("the key");
    assert_eq!(key("concurrent")["in"], "defaults global");
    assert_eq!(key("concurrent")["for"], Value::Null);
    assert_eq!(key("node")["in"], "job-group units");
    assert_eq!(key("node")["for"], json!({ "at": at("jobs.yaml:3:5"), "in": "job-template {name}-unit" }));
    assert_eq!(shells[0]["arguments"][0]["in"], "builder announce");
    // Where the tag stands that includes it.
    assert_eq!(shells[1]["arguments"][0]["at"], at("macros.yaml:6:16"));
}
