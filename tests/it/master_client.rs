//! The client beside a master that behaves as the contract says, quirks and faults included.

use std::time::Duration;

use causeway::jenkins::client::{Login, Master, MasterError};
use causeway::jenkins::wire::{Phase, QueueState, Refusal, Verdict};
use causeway::model::{BaseUrl, JobName};

use crate::fake_master::{FakeMaster, Fault, Job, PASSWORD, Plan, TOKEN, USER, Wrong};
use crate::support::until;

const LIMIT: Duration = Duration::from_secs(20);

fn client(master: &FakeMaster, secret: &str) -> Master {
    let login = Login { user: USER.to_owned(), token: secret.to_owned() };
    Master::new(BaseUrl::parse(&master.url()).unwrap(), Some(login), Duration::from_secs(5)).unwrap()
}

fn name(job: &str) -> JobName {
    job.parse().unwrap()
}

fn values(uuid: &str) -> Vec<(String, String)> {
    vec![("ZUUL_UUID".to_owned(), uuid.to_owned()), ("NOBODY_DEFINES_IT".to_owned(), "x".to_owned())]
}

/// Held until the test lets it go.
fn held() -> Plan {
    Plan { waits: None, runs: None, ..Plan::default() }
}

#[tokio::test]
async fn a_build_goes_its_whole_way() {
    let fake = FakeMaster::open([Job::new("team/unit").plan(Plan { result: "UNSTABLE", ..Plan::default() })]);
    fake.world().prefix = "/jenkins".to_owned();
    let (master, job) = (client(&fake, TOKEN), name("team/unit"));
    assert_eq!(master.job(&job).await.unwrap().parameters.unwrap().len(), 3);
    let id = master.trigger(&job, Some(&values("u1"))).await.unwrap().expect("the answer names the item");
    let number = until(LIMIT, || async {
        match master.queue_item(id).await.unwrap().state {
            QueueState::Started { number } => Ok(number),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let recent = master.recent(&job).await.unwrap();
    assert_eq!((recent[0].number, recent[0].queue_id), (number, Some(id)));
    assert_eq!(recent[0].parameters[0], ("ZUUL_UUID".to_owned(), "u1".to_owned()));
    let whole = until(LIMIT, || async {
        let part = master.log(&job, number, 0).await.unwrap();
        if part.more { Err(format!("{part:?}")) } else { Ok(part.text) }
    })
    .await;
    assert_eq!(
        String::from_utf8(whole.to_vec()).unwrap().replace("\r\n", "\n"),
        fake.world().builds_of("team/unit")[0].1.text()
    );
    let facts = master.build(&job, number).await.unwrap();
    assert_eq!(facts.phase, Phase::Over(Verdict::Unstable));
    assert_eq!(facts.estimated_ms, Some(120_000));
}

#[tokio::test]
async fn jenkins_3_2_equal_triggers_become_one_item() {
    let fake = FakeMaster::open([Job::new("unit").plan(held())]);
    let (master, job) = (client(&fake, TOKEN), name("unit"));
    let one = master.trigger(&job, Some(&values("u1"))).await.unwrap();
    assert_eq!(master.trigger(&job, Some(&values("u1"))).await.unwrap(), one);
    let other = master.trigger(&job, Some(&values("u2"))).await.unwrap();
    assert_ne!(other, one);
    let waiting = master.queue_with_parameters().await.unwrap();
    assert_eq!(waiting.iter().map(|item| Some(item.id)).collect::<Vec<_>>(), [one, other]);
    assert!(waiting[1].parameters.contains(&("ZUUL_UUID".to_owned(), "u2".to_owned())));
    assert_eq!(waiting[0].why, None, "only what is asked for comes");
    assert!(master.cancel(one.unwrap()).await.unwrap());
    fake.world().let_go("unit", Some(Duration::ZERO), None);
    let running = until(LIMIT, || async {
        let running = master.running().await.unwrap();
        if running.len() == 1 { Ok(running[0].clone()) } else { Err(format!("{running:?}")) }
    })
    .await;
    assert_eq!(running.number, 1);
    assert!(!master.cancel(other.unwrap()).await.unwrap(), "it has just left");
    master.describe(&job, 1, "a patch").await.unwrap();
    assert_eq!(fake.world().builds_of("unit")[0].1.description.as_deref(), Some("a patch"));
}

#[tokio::test]
async fn jenkins_1_3_a_password_gets_a_crumb_and_its_session() {
    let fake = FakeMaster::open([Job::new("unit")]);
    let master = client(&fake, PASSWORD);
    for uuid in ["u1", "u2"] {
        master.trigger(&name("unit"), Some(&values(uuid))).await.unwrap();
    }
    let asked = fake.world().requests.iter().filter(|line| line.contains("crumbIssuer")).count();
    assert_eq!(asked, 1, "{:?}", fake.world().requests);
    assert_eq!(fake.world().triggers.len(), 2);
}

#[tokio::test]
async fn jenkins_7_3_a_lost_answer_is_told_from_no_connection() {
    let fake = FakeMaster::open([Job::new("unit").plan(held())]);
    let (master, job) = (client(&fake, TOKEN), name("unit"));
    for wrong in [Wrong::AnswerLost, Wrong::AnswerCut] {
        fake.world().faults.push(Fault::next("POST", wrong));
        let answer = master.trigger(&job, Some(&values("u1"))).await;
        assert!(matches!(answer, Err(MasterError::Lost(_))), "{wrong:?}: {answer:?}");
    }
    assert_eq!(fake.world().triggers.len(), 2);
    fake.world().faults.push(Fault::next("GET", Wrong::Page));
    assert!(matches!(master.root().await, Err(MasterError::Refused(Refusal::NotJenkins { .. }))));
    fake.stop();
    let answer = until(LIMIT, || async {
        match master.trigger(&job, Some(&values("u2"))).await {
            // A connection that was kept alive breaks once more.
            Err(MasterError::Unreachable(text)) => Ok(text),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(!answer.is_empty());
    fake.start();
    let starting = until(LIMIT, || async {
        match master.root().await {
            Err(MasterError::Refused(refusal)) => Ok(refusal),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(starting, Refusal::Starting);
    let session =
        until(LIMIT, || async { master.root().await.map_err(|error| error.to_string()) }).await.session;
    assert_eq!(session.as_deref(), Some("00000002"));
    assert_eq!(fake.world().triggers.len(), 2, "nothing is asked twice");
}
