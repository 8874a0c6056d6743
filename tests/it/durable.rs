//! Builds outlive Causeway, and the engine's daemon: no line lost or doubled, the true result, nothing left behind.

use std::time::Duration;

use serde_json::json;

use crate::support::{House, On, OwnEngine, submit, until};

/// Builds at once.
const BUILDS: u64 = 20;
/// Lines of each, and the seconds between two: long enough to be in the middle of all of them.
const LINES: usize = 150;
const BETWEEN: &str = "0.05";

/// Starts them all and waits until each has written something, and none is done.
async fn under_way(house: &House) -> causeway::gearman::client::Client {
    let mut client = house.client().await;
    for number in 1..=BUILDS {
        let parameters = json!({"LINES_WANTED": LINES, "LINE_SECONDS": BETWEEN});
        submit(&mut client, "lines", &format!("durable-{number}"), &parameters).await;
    }
    until(Duration::from_secs(60), || async {
        for number in 1..=BUILDS {
            let console = house.console("lines", number)?;
            if !console.contains("line 1\n") {
                return Err(format!("build {number} has written nothing yet"));
            }
        }
        Ok(())
    })
    .await;
    client
}

/// Every line once, in order, SUCCESS, and no container left.
async fn all_true(house: &House) {
    let wanted: Vec<String> = (1..=LINES).map(|line| format!("line {line}")).collect();
    for number in 1..=BUILDS {
        let result = until(Duration::from_secs(120), || async { house.result("lines", number) }).await;
        let console = house.console("lines", number).expect("a console");
        let lines: Vec<&str> = console.lines().filter(|line| line.starts_with("line ")).collect();
        assert_eq!(lines, wanted, "build {number}");
        assert_eq!(result, "SUCCESS", "build {number}");
    }
    until(Duration::from_secs(60), || async {
        let left = house.containers();
        if left == 0 { Ok(()) } else { Err(format!("{left} containers left")) }
    })
    .await;
}

async fn killed(on: On) {
    let Some(mut house) = House::open(on, 20) else { return };
    let _client = under_way(&house).await;
    house.kill_and_start();
    all_true(&house).await;
}

#[tokio::test]
async fn kill_9_during_twenty_builds_on_process() {
    killed(On::Process).await;
}

#[tokio::test]
async fn kill_9_during_twenty_builds_on_docker() {
    killed(On::Docker).await;
}

#[tokio::test]
async fn the_engines_daemon_dies_during_twenty_builds() {
    let Some(engine) = OwnEngine::start() else { return };
    let house = House::on_engine(engine.host(), 20);
    let _client = under_way(&house).await;
    engine.kill();
    engine.start_again();
    all_true(&house).await;
}
