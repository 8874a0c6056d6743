//! Shadow builds: the master's build counts, the same one on a node is compared with it, and never stands in the way of one that counts.

use serde_json::Value;

use crate::fake_master::{Job, Plan};
use crate::routes::{Crossing, LIMIT, change};
use crate::support::{get, submit, try_get, within};

/// What the master's builds write, written by ours: `alike` says the same, `unlike` one line more; `pushy` would start another job,
/// `secret` needs a credential, `gated` waits for a file, `endless` never ends.
const TREE: &str = r#"
- defaults:
    name: global
    node: debian
    concurrent: true
- job:
    name: alike
    builders: &lines
      - shell: |
          #!/bin/sh
          for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "line $line of the build, café"; done
- job:
    name: unlike
    builders:
      - shell: |
          #!/bin/sh
          for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "line $line of the build, café"; done
          echo "warning: only here"
- job:
    name: pushy
    builders:
      - shell: |
          #!/bin/sh
          for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "line $line of the build, café"; done
      - trigger-builds:
          - project: alike
- job:
    name: secret
    builders: *lines
    wrappers:
      - credentials-binding:
          - text: {credential-id: key, variable: KEY}
- job:
    name: gated
    builders:
      - shell: |
          #!/bin/sh
          for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "line $line of the build, café"; done
          until [ -e "$TEXT" ]; do sleep 0.05; done
- job:
    name: endless
    builders:
      - shell: |
          #!/bin/sh
          while :; do sleep 1; done
"#;

const ROUTES: &str = "routes:\n  - {jobs: '*', stage: shadow, master: ci}\n\
     credentials:\n  - {id: key, text: 'env:HOME'}\n";

fn verdict(crossing: &Crossing, job: &str) -> Value {
    within(LIMIT, || {
        let answer = try_get(&format!("{}/causeway/v1/comparisons?job={job}", crossing.server.http()))?;
        let found: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
        found["comparisons"].get(0).cloned().ok_or_else(|| format!("no verdict over {job}: {found}"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn design_4_12_both_run_the_masters_counts_and_the_two_are_compared() {
    let names = ["alike", "unlike", "pushy", "secret"];
    let crossing = Crossing::over(names.map(Job::new), ROUTES, Some(TREE), 4);
    let mut client = crossing.client().await;
    for (number, name) in (1..).zip(names) {
        submit(&mut client, name, name, &change(number)).await;
    }
    let same = verdict(&crossing, "alike");
    assert_eq!(same["verdict"], "same", "{same}");
    let build = crossing.ended("alike", 1);
    assert_eq!(
        (build["stage"].as_str(), build["side"].as_str()),
        (Some("shadow"), Some("master")),
        "{build}"
    );
    let shadow = crossing.ended("alike", 2);
    assert_eq!(shadow["side"], "pool", "{shadow}");
    assert_eq!(shadow["parameters"], build["parameters"]);
    assert!(shadow["route_reason"].as_str().unwrap().contains("the shadow of #1, which counts on master ci"));
    let page = get(&format!("{}/compare/{}", crossing.server.http(), same["id"].as_str().unwrap())).body;
    assert!(
        page.contains("On the master") && page.contains("On a node") && page.contains("line 20 of"),
        "{page}"
    );

    let differs = verdict(&crossing, "unlike");
    assert_eq!(differs["verdict"], "differs", "{differs}");
    assert!(differs["why"][0].as_str().unwrap().contains("warning: only here"), "{differs}");
    let pushy = verdict(&crossing, "pushy");
    assert_eq!(
        (&pushy["verdict"], &pushy["left_out"][0]),
        (&"same".into(), &"the start of alike".into()),
        "{pushy}"
    );
    let secret = verdict(&crossing, "secret");
    assert!(secret["why"][0].as_str().unwrap().contains("needs credentials (key)"), "{secret}");
    assert!(secret["shadow"].is_null(), "{secret}");

    let report = crossing.json(&["compare", "report"]);
    let first = &report["jobs"][0];
    assert_eq!((&first["job"], &first["differs"]), (&"unlike".into(), &1.into()), "{report}");
    let one = crossing.command(&["compare", "report", "alike"]);
    assert!(one.stdout.contains("same") && one.stdout.contains("#1"), "{}", one.transcript());
    let (code, said) = crossing.refused(&["compare", "report", "nobody"]);
    assert!(code == 3 && said.contains("no build of nobody was ever compared"), "{said}");
    assert_eq!(crossing.fake.world().triggers.len(), names.len(), "nothing was started but what counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_is_dropped_when_a_build_that_counts_needs_its_node() {
    let crossing = Crossing::over([Job::new("endless")], ROUTES, Some(TREE), 1);
    let mut client = crossing.client().await;
    submit(&mut client, "endless", "e", &change(1)).await;
    assert_eq!(crossing.ended("endless", 1)["result"], "SUCCESS", "it does not wait for its shadow");
    within(LIMIT, || {
        let url = format!("{}/causeway/v1/builds?job=endless&number=2", crossing.server.http());
        let body = try_get(&url)?.body;
        if body.contains("\"state\":\"running\"") { Ok(()) } else { Err(body) }
    });
    crossing.json(&["route", "set", "pool", "alike"]);
    submit(&mut client, "alike", "a", &change(2)).await;
    let counts = crossing.ended("alike", 1);
    assert_eq!(
        (counts["result"].as_str(), counts["side"].as_str()),
        (Some("SUCCESS"), Some("pool")),
        "{counts}"
    );
    let dropped = verdict(&crossing, "endless");
    assert_eq!(dropped["verdict"], "not-comparable", "{dropped}");
    assert!(dropped["why"][0].as_str().unwrap().contains("a build that counts needed the node"), "{dropped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_leaves_one_trigger_and_one_verdict_for_a_pair() {
    let quick = Plan { waits: Some(std::time::Duration::ZERO), ..Plan::default() };
    let mut crossing = Crossing::over([Job::new("gated").plan(quick)], ROUTES, Some(TREE), 4);
    let gate = tempfile::tempdir().unwrap();
    let gate = gate.path().join("open");
    let mut client = crossing.client().await;
    let mut parameters = change(1);
    parameters["TEXT"] = gate.display().to_string().into();
    submit(&mut client, "gated", "g", &parameters).await;
    within(LIMIT, || {
        let url = format!("{}/causeway/v1/builds?job=gated&number=2", crossing.server.http());
        let body = try_get(&url)?.body;
        if body.contains("\"state\":\"running\"") { Ok(()) } else { Err(body) }
    });
    crossing.ended("gated", 1);
    crossing.restart();
    std::fs::write(&gate, "").unwrap();
    let found = verdict(&crossing, "gated");
    assert_eq!((&found["verdict"], &found["shadow_number"]), (&"same".into(), &2.into()), "{found}");
    assert_eq!(crossing.fake.world().triggers.len(), 1);
    let listed = get(&format!("{}/causeway/v1/builds?job=gated", crossing.server.http())).body;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["builds"].as_array().unwrap().len(), 2, "{listed}");
}
