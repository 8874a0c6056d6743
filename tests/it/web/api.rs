//! `/causeway/v1`.

use causeway::model::{Cause, ResultWord};

use super::face::Face;

#[tokio::test]
async fn pools_14_2_builds_are_listed_filtered_and_paged() {
    let face = Face::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(face.accept(if number % 2 == 0 { "even" } else { "odd" }, &[]).await);
    }
    let console = face.run(ids[0]).await;
    face.end(ids[0], &console, Some(ResultWord::Success), Cause::Finished).await;

    let all = face.json("/causeway/v1/builds").await;
    let listed: Vec<&str> =
        all["builds"].as_array().unwrap().iter().map(|build| build["id"].as_str().unwrap()).collect();
    let mut newest_first: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    newest_first.sort_unstable();
    newest_first.reverse();
    assert_eq!(listed, newest_first);

    let count = async |query: &str| {
        face.json(&format!("/causeway/v1/builds?{query}")).await["builds"].as_array().unwrap().len()
    };
    assert_eq!(count("job=even").await, 3);
    assert_eq!(count("state=ended").await, 1);
    assert_eq!(count("state=live").await, 4);
    assert_eq!(count("job=odd&number=2").await, 1);
    assert_eq!(count("job=odd&number=9").await, 0);
    assert_eq!(count("limit=2").await, 2);
    let page = face.json("/causeway/v1/builds?limit=2").await;
    let rest = face.json(&format!("/causeway/v1/builds?before={}", page["before"].as_str().unwrap())).await;
    assert_eq!(rest["builds"].as_array().unwrap().len(), 3);
    for wrong in ["state=x", "number=1", "before=x", "job=a//b"] {
        assert_eq!(face.get(&format!("/causeway/v1/builds?{wrong}")).await.status(), 400, "{wrong}");
    }
}

#[tokio::test]
async fn pools_p4_events_are_listed_filtered_and_paged() {
    let face = Face::start().await;
    let (first, second) = (face.accept("unit", &[]).await, face.accept("unit", &[]).await);
    face.run(first).await;
    let list = async |query: String| face.json(&format!("/causeway/v1/events?{query}")).await;
    let states = |answer: &serde_json::Value| -> Vec<String> {
        let events = answer["events"].as_array().unwrap();
        events.iter().map(|event| event["to"].as_str().unwrap().to_owned()).collect()
    };
    let of_first = list(format!("object={first}")).await;
    assert_eq!(states(&of_first), ["running", "leased", "accepted"]);
    let event = &of_first["events"][2];
    assert_eq!((&event["kind"], &event["object"]), (&"build".into(), &first.to_string().into()));
    assert!(event["from"].is_null() && event["at_ms"].is_u64() && event["actor"] == "Zuul", "{event}");
    assert_eq!(states(&list(format!("object={second}&kind=build")).await), ["accepted"]);
    assert!(states(&list("kind=node".to_owned()).await).is_empty());

    let page = list("limit=3".to_owned()).await;
    let rest = list(format!("before={}", page["before"])).await;
    assert_eq!((states(&page).len(), states(&rest).len()), (3, 1));
    assert!(rest["before"].is_null());
    let since = list(format!("since={}", page["events"][1]["number"])).await;
    assert_eq!(since["events"][0], page["events"][0]);
    for wrong in ["kind=x", "object=x", "before=x"] {
        assert_eq!(face.get(&format!("/causeway/v1/events?{wrong}")).await.status(), 400, "{wrong}");
    }
}

#[tokio::test]
async fn pools_14_2_errors_are_objects() {
    let face = Face::start().await;
    for (path, status) in [("/causeway/v1/nothing", 404), ("/causeway/v1/builds/x", 404)] {
        let answer = face.get(path).await;
        assert_eq!(answer.status(), status);
        let body: serde_json::Value = answer.json().await.unwrap();
        assert!(body["error"].is_string() && body["reason"].is_string(), "{path}: {body}");
    }
}

#[tokio::test]
async fn jenkins_4_1_a_build_has_the_fields_that_clients_need() {
    let face = Face::start().await;
    let id = face.accept("ops/unit", &[("A", "1")]).await;
    let console = face.run(id).await;
    let build = face.json("/job/ops/job/unit/1/api/json").await;
    assert_eq!(build["building"], true);
    assert!(build["result"].is_null() && build["duration"] == 0 && build["executor"].is_object());
    face.end(id, &console, Some(ResultWord::Unstable), Cause::Finished).await;
    let build = face.json("/job/ops/job/unit/1/api/json").await;
    assert_eq!(build["_class"], "hudson.model.FreeStyleBuild");
    assert_eq!((&build["building"], &build["result"]), (&false.into(), &"UNSTABLE".into()));
    assert_eq!(build["url"], format!("{}/job/ops/job/unit/1/", face.url));
    assert_eq!(build["actions"][1]["parameters"][0]["value"], "1");
    for field in [
        "number",
        "id",
        "displayName",
        "fullDisplayName",
        "description",
        "timestamp",
        "estimatedDuration",
        "queueId",
        "keepLog",
        "builtOn",
        "executor",
        "artifacts",
        "changeSet",
        "culprits",
        "inProgress",
    ] {
        assert!(build.get(field).is_some(), "{field} is missing");
    }
}

#[tokio::test]
async fn health_readiness_and_figures() {
    let face = Face::start().await;
    face.accept("unit", &[]).await;
    assert_eq!(face.page("/healthz").await, "ok\n");
    assert_eq!(face.json("/ready").await["ready"], true);
    let metrics = face.page("/metrics").await;
    assert!(metrics.contains("causeway_builds{state=\"waiting\"} 1\n"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
    let status = face.json("/causeway/v1/status").await;
    assert_eq!((&status["builds_waiting"], &status["gearman"]), (&1.into(), &"127.0.0.1:4730".into()));
}
