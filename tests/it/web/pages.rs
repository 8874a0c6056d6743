//! What pages show, in every state of a build.

use causeway::build::BuildEvent;
use causeway::model::{Cause, ResultWord};

use super::face::Face;

#[tokio::test]
async fn the_page_works_from_the_first_second() {
    let face = Face::start().await;
    let id =
        face.accept("ops/unit test", &[("ZUUL_PROJECT", "mediawiki/core"), ("ZUUL_CHANGE", "1001")]).await;
    let path = "/job/ops/job/unit%20test/1/";
    let page = face.page(path).await;
    assert!(
        page.contains("ops/unit test") && page.contains("accepted") && page.contains("mediawiki/core"),
        "{page}"
    );

    let reason = "all 4 nodes with label 'docker' are in use".to_owned();
    face.builds.apply(id, BuildEvent::Waiting { reason }).await.unwrap();
    assert!(face.page(path).await.contains("all 4 nodes with label &#39;docker&#39; are in use"));

    let console = face.run(id).await;
    console.append("hello from \x1b[32mthe node\x1b[0m\n".into()).await.unwrap();
    let page = face.page(path).await;
    assert!(page.contains("hello from <span class=\"f2\">the node</span>"), "{page}");
    assert!(page.contains("Running step 1 (shell)."));

    face.end(id, &console, Some(ResultWord::Failure), Cause::Exit { step: "step 1 (shell)".into(), code: 3 })
        .await;
    let page = face.page(path).await;
    assert!(page.contains("FAILURE") && page.contains("Step 1 (shell) ended with exit code 3."), "{page}");
    assert!(!page.contains("data-live"), "an ended build is not live");
}

#[tokio::test]
async fn pools_p4_a_builds_page_tells_its_history() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let reason = "all 4 nodes are in <use>".to_owned();
    face.builds.apply(id, BuildEvent::Waiting { reason }).await.unwrap();
    let console = face.run(id).await;
    face.builds.stop(id, Cause::Stopped { by: "Zuul".to_owned() }).await.unwrap();
    face.end(id, &console, Some(ResultWord::Aborted), Cause::Stopped { by: "Zuul".to_owned() }).await;
    let page = face.page("/job/unit/1/").await;
    let history = &page[page.find("id=\"history\"").unwrap()..page.find("id=\"artifacts\"").unwrap()];
    let places: Vec<_> = [
        "asked for by Zuul",
        "all 4 nodes are in &#60;use&#62; · dispatcher",
        "stopped by Zuul · Zuul",
        "ABORTED: stopped by Zuul · dispatcher",
    ]
    .iter()
    .map(|text| history.find(text).unwrap_or_else(|| panic!("{text} is missing in {history}")))
    .collect();
    assert!(places.is_sorted(), "{history}");

    let events = face.page(&format!("/events?object={id}")).await;
    assert!(events.contains("ABORTED: stopped by Zuul"), "{events}");
    assert_eq!(face.get("/events?object=x").await.status(), 400);
}

#[tokio::test]
async fn decision_25_every_jenkins_path_of_a_build_answers() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let console = face.run(id).await;
    for rest in
        ["", "console", "consoleText", "consoleFull", "logText/progressiveText", "api/json", "buildNumber"]
    {
        assert_eq!(face.get(&format!("/job/unit/1/{rest}")).await.status(), 200, "{rest}");
    }
    face.end(id, &console, Some(ResultWord::Success), Cause::Finished).await;
    let moved = face.get("/job/unit/1").await;
    assert_eq!(
        (moved.status().as_u16(), moved.headers()["location"].to_str().unwrap()),
        (308, "/job/unit/1/")
    );
    let moved = face.get(&format!("/build/{id}")).await;
    assert_eq!(
        (moved.status().as_u16(), moved.headers()["location"].to_str().unwrap()),
        (303, "/job/unit/1/")
    );
    for path in
        ["/job/unit/2/", "/job/other/1/", "/job/unit/1/nothing", "/nothing", "/build/x", "/job/unit/x/"]
    {
        let lost = face.get(path).await;
        assert_eq!(lost.status(), 404, "{path}");
        assert!(lost.text().await.unwrap().contains("Not here"), "{path}");
    }
}

#[tokio::test]
async fn decision_26_nothing_that_a_build_says_becomes_markup() {
    let face = Face::start().await;
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let id =
        face.accept(&format!("a{}", evil.replace('/', "-")), &[("EVIL", evil), ("ZUUL_PROJECT", evil)]).await;
    let console = face.run(id).await;
    console.append(format!("{evil}\n\x1b]0;{evil}\x07\n").into()).await.unwrap();
    face.builds
        .describe(id, format!("<b>bold</b> {evil} <a href=\"javascript:alert(1)\">x</a>"))
        .await
        .unwrap();
    face.end(id, &console, None, Cause::Infrastructure { detail: evil.into() }).await;
    let location = face.get(&format!("/build/{id}")).await.headers()["location"].to_str().unwrap().to_owned();
    let above = location.trim_end_matches("1/").to_owned();
    for path in
        ["/", "/builds", &above, &location, &format!("{location}console"), &format!("{location}consoleFull")]
    {
        let page = face.page(path).await;
        assert!(
            !page.contains("<script>") && !page.contains("<img") && !page.contains("javascript:"),
            "{path}: {page}"
        );
    }
}

#[tokio::test]
async fn pages_run_no_script_but_ours() {
    let face = Face::start().await;
    let answer = face.get("/").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(!page.contains("style=") && !page.contains("onclick"), "inline code would be refused");
    let script = page.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = face.get(script).await;
    assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert!(answer.text().await.unwrap().contains("EventSource"));
}

#[tokio::test]
async fn a_long_list_goes_on_over_pages() {
    let face = Face::start().await;
    for _ in 0..60 {
        face.accept("unit", &[]).await;
    }
    let numbers = |page: &str| -> Vec<u32> {
        page.split("class=\"number\">#")
            .skip(1)
            .map(|rest| rest.split('<').next().unwrap().parse().unwrap())
            .collect()
    };
    let first = face.page("/job/unit/").await;
    let older = first.split("href=\"/job/unit/?before=").nth(1).unwrap().split('"').next().unwrap();
    let second = face.page(&format!("/job/unit/?before={older}")).await;
    let mut all = [numbers(&first), numbers(&second)].concat();
    assert_eq!((numbers(&first).len(), all.len()), (50, 60));
    all.sort_unstable();
    assert_eq!(all, (1..=60).collect::<Vec<u32>>());
}
