//! Test reports and archives of real builds, as people and programs get them.

use std::process::Command;
use std::time::Duration;

use causeway::gearman::client::Client;
use serde_json::{Value, json};

use crate::support::{Serve, get, submit, within};

const JOBS: &str = r#"
- job:
    name: some-fail
    builders:
      - shell: |
          mkdir -p log
          echo '<testsuites><testsuite name="s"><testcase classname="C" name="good" time="0.5"/>
            <testcase classname="C" name="bad"><failure message="no &lt;b&gt;">at line 1</failure></testcase>
            <testcase classname="C" name="out"><skipped/></testcase></testsuite></testsuites>' >log/junit-1.xml
          echo '<testsuite><testcase' >log/junit-broken.xml
          ln -s /etc/passwd log/junit-link.xml
          echo kept >log/ä.txt
    publishers:
      - archive: {artifacts: 'log/**'}
      - junit: {results: 'log/junit*.xml'}
- job:
    name: none-written
    builders: [{shell: 'true'}]
    publishers: [{junit: {results: '*.xml'}}]
- job:
    name: none-needed
    builders: [{shell: 'true'}]
    publishers: [{junit: {results: '*.xml', allow-empty-results: true}}]
- job:
    name: counted
    builders:
      - shell: |
          echo '<testsuite><testcase name="a"><error/></testcase><testcase name="b"/></testsuite>' >x.xml
    publishers:
      - xunit: {types: [{phpunit: {pattern: x.xml}}], thresholds: [{failed: {failure: 0}}]}
"#;

struct Place {
    server: crate::support::Program,
    _folder: tempfile::TempDir,
    _client: Client,
}

async fn run(jobs: &[&str]) -> Place {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.yaml"), JOBS).unwrap();
    let config = folder.path().join("causeway.yaml");
    let text = "catalog:\n  jjb: [jobs.yaml]\n  own: ['*']\nproviders: [{name: here, driver: process}]\n\
                pools: [{name: main, provider: here, labels: [{name: any}]}]\n";
    std::fs::write(&config, text).unwrap();
    let server = Serve::new(&folder.path().join("state")).config(&config).start();
    let mut client = Client::connect(server.gearman().parse().unwrap()).await.unwrap();
    for job in jobs {
        submit(&mut client, job, job, &json!({})).await;
    }
    Place { server, _folder: folder, _client: client }
}

impl Place {
    fn json(&self, job: &str, path: &str) -> Value {
        let answer = get(&format!("{}/job/{job}/1/{path}api/json", self.server.http()));
        if answer.status == 200 { serde_json::from_str(&answer.body).unwrap() } else { Value::Null }
    }

    #[track_caller]
    fn result(&self, job: &str) -> String {
        within(Duration::from_secs(60), || {
            let build = self.json(job, "");
            build["result"].as_str().map(str::to_owned).ok_or_else(|| format!("{job}: {build}"))
        })
    }

    fn text(&self, job: &str, path: &str) -> String {
        get(&format!("{}/job/{job}/1/{path}", self.server.http())).body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pools_d73_reports_are_counted_shown_and_judged() {
    let place = run(&["some-fail", "none-written", "none-needed", "counted"]).await;
    assert_eq!(place.result("some-fail"), "UNSTABLE", "{}", place.text("some-fail", "consoleText"));
    let build = place.json("some-fail", "");
    let actions = build["actions"].as_array().unwrap();
    let tests = actions.iter().find(|action| action["urlName"] == "testReport").unwrap();
    assert_eq!(
        (&tests["failCount"], &tests["skipCount"], &tests["totalCount"]),
        (&json!(2), &json!(1), &json!(4))
    );
    let report = place.json("some-fail", "testReport/");
    assert_eq!((&report["passCount"], &report["failCount"]), (&json!(1), &json!(2)));
    let bad = &report["suites"][0]["cases"][1];
    assert_eq!(
        (&bad["className"], &bad["name"], &bad["status"], &bad["errorDetails"], &bad["errorStackTrace"]),
        (&json!("C"), &json!("bad"), &json!("FAILED"), &json!("no <b>"), &json!("at line 1"))
    );
    let console = place.text("some-fail", "consoleText");
    assert!(console.contains("4 tests: 1 passed, 2 failed, 1 skipped\n"), "{console}");
    assert!(console.contains("Not read: log/junit-link.xml: "), "{console}");
    let page = place.text("some-fail", "");
    assert!(page.contains("4 tests, 2 failed, 1 skipped, in 0.5 s"), "{page}");
    let full = place.text("some-fail", "testReport/");
    assert!(full.contains("at line 1") && !full.contains("<b>"), "{full}");

    assert_eq!(place.result("none-written"), "FAILURE");
    assert!(place.text("none-written", "consoleText").contains("no test report matches '*.xml'"));
    assert_eq!(place.result("none-needed"), "SUCCESS");
    assert_eq!(get(&format!("{}/job/none-needed/1/testReport/api/json", place.server.http())).status, 404);
    assert_eq!(place.result("counted"), "FAILURE");
}

#[tokio::test(flavor = "multi_thread")]
async fn jenkins_4_all_artifacts_come_in_one_archive() {
    let place = run(&["some-fail", "none-needed"]).await;
    place.result("some-fail");
    let url = format!("{}/job/some-fail/1/artifact/*zip*/archive.zip", place.server.http());
    let script = "import io, sys, urllib.request, zipfile\n\
                  z = zipfile.ZipFile(io.BytesIO(urllib.request.urlopen(sys.argv[1]).read()))\n\
                  assert z.testzip() is None\n\
                  print(sorted(z.namelist()), z.read('archive/log/ä.txt'))";
    let output = Command::new("python3").args(["-c", script, &url]).env("PYTHONUTF8", "1").output();
    let output = output.expect("python3, which other tests need too");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "['archive/log/junit-1.xml', 'archive/log/junit-broken.xml', 'archive/log/ä.txt'] b'kept\\n'\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    place.result("none-needed");
    let none = get(&format!("{}/job/none-needed/1/artifact/*zip*/archive.zip", place.server.http()));
    assert_eq!(none.status, 404);
}
