//! Consoles: whole, in parts, live.

use std::time::Duration;

use causeway::model::{Cause, ResultWord};

use super::face::Face;
use crate::support::until;

const LIMIT: Duration = Duration::from_secs(20);

/// Reads a stream until `done` says that it has enough.
async fn read_until(answer: &mut reqwest::Response, done: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    while !done(&text) {
        let part = tokio::time::timeout(LIMIT, answer.chunk())
            .await
            .unwrap_or_else(|_| panic!("only {text:?} came"));
        match part.unwrap() {
            Some(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            None => return text,
        }
    }
    text
}

/// The text of all `text` events, and the id of the last one.
fn text_of(events: &str) -> (String, u64) {
    let (mut text, mut id) = (String::new(), 0);
    for event in events.split("\n\n").filter(|event| event.contains("event: text\n")) {
        let lines: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        text.push_str(&lines.join("\n"));
        id = event.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().parse().unwrap();
    }
    (text, id)
}

#[tokio::test]
async fn jenkins_4_3_a_log_in_parts() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let path = "/job/unit/1/logText/progressiveText";
    let early = face.get(path).await;
    assert_eq!(
        (&early.headers()["x-text-size"], &early.headers()["x-more-data"]),
        (&"0".parse().unwrap(), &"true".parse().unwrap())
    );
    let console = face.run(id).await;
    console.append("one\ngrün\n".into()).await.unwrap();
    let part = face.get(path).await;
    assert_eq!(part.headers()["x-text-size"], "10");
    assert_eq!(part.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(part.text().await.unwrap(), "one\r\ngrün\r\n");
    face.end(id, &console, Some(ResultWord::Success), Cause::Finished).await;
    let rest = face.get(&format!("{path}?start=4")).await;
    assert!(rest.headers().get("x-more-data").is_none(), "it is complete");
    assert_eq!(rest.text().await.unwrap(), "grün\r\n");
    assert_eq!(
        face.page(&format!("{path}?start=99")).await,
        "one\r\ngrün\r\n",
        "beyond the end: the whole log again"
    );
    assert_eq!(face.get(&format!("{path}?start=-1")).await.status(), 400);
    let form = face.http.post(format!("{}{path}", face.url)).body("start=4").send().await.unwrap();
    assert_eq!(form.text().await.unwrap(), "grün\r\n", "some clients send a form");
    assert_eq!(face.page("/job/unit/1/consoleText").await, "one\ngrün\n");
}

#[tokio::test]
async fn live_consoles_resume_by_offset_with_every_byte_once() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let console = face.run(id).await;
    let url = format!("{}/job/unit/1/logText/live", face.url);
    console.append("line 0\n".into()).await.unwrap();
    let mut first = face.http.get(&url).send().await.unwrap();
    assert_eq!(first.headers()["content-type"], "text/event-stream; charset=utf-8");
    let (before, offset) = text_of(&read_until(&mut first, |text| text.contains("line 0")).await);
    drop(first);
    let mut expected = "line 0\n".to_owned();
    for line in 1..200 {
        let line = format!("line {line} \u{1f6e0}\n");
        expected.push_str(&line);
        console.append(line.into()).await.unwrap();
    }
    let again = face.http.get(&url).header("Last-Event-ID", offset.to_string());
    let mut again = again.send().await.unwrap();
    let waiting = read_until(&mut again, |text| text.contains("line 199"));
    let (after, _) = text_of(&waiting.await);
    assert_eq!(before + &after, expected);
    face.end(id, &console, Some(ResultWord::Success), Cause::Finished).await;
    let last = read_until(&mut again, |text| text.contains("event: end")).await;
    assert!(last.contains("event: end"), "{last}");
    assert!(again.chunk().await.unwrap().is_none(), "the stream ends with the build");
}

#[tokio::test]
async fn live_consoles_tell_when_the_page_is_out_of_date() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let page = face.page("/job/unit/1/").await;
    let live = page.split("data-live=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // Between the page and its stream the build goes on: the stream says so at once.
    let console = face.run(id).await;
    let mut stream = face.get(&format!("/job/unit/1/{live}")).await;
    let events = read_until(&mut stream, |text| text.contains("event: state")).await;
    assert!(events.contains("event: state"), "{events}");
    face.end(id, &console, Some(ResultWord::Success), Cause::Finished).await;
    assert!(read_until(&mut stream, |text| text.contains("event: end")).await.contains("event: end"));
}

#[tokio::test]
async fn a_build_that_waits_has_a_live_console_that_begins_later() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let mut stream = face.get(&format!("/causeway/v1/builds/{id}/log?follow=true")).await;
    let console = face.run(id).await;
    console.append("at last\n".into()).await.unwrap();
    assert_eq!(read_until(&mut stream, |text| text.ends_with('\n')).await, "at last\n");
    console.append("bye\n".into()).await.unwrap();
    face.end(id, &console, Some(ResultWord::Success), Cause::Finished).await;
    assert_eq!(read_until(&mut stream, |_| false).await, "bye\n", "all is sent, then it ends");
}

#[tokio::test]
async fn a_ten_megabyte_log_shows_its_last_part_and_pages_through() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let console = face.run(id).await;
    let lines = 100_000u32;
    let mut text = String::new();
    for line in 0..lines {
        text.push_str(&format!(
            "{line:>8} a line of a hundred bytes that says what a compiler says, over and over, to the end\n"
        ));
    }
    console.append(text.clone().into()).await.unwrap();
    face.end(id, &console, Some(ResultWord::Success), Cause::Finished).await;
    let page = face.page("/job/unit/1/").await;
    assert!(page.len() < 400_000, "the page has {} bytes", page.len());
    assert!(page.contains("   99999 a line") && !page.contains("       0 a line"));
    assert!(page.contains("are not shown here"), "it says what is missing");
    assert_eq!(face.page("/job/unit/1/consoleText").await.len(), text.len());
    // From part to part, every line once.
    let (mut next, mut found) = ("consoleFull".to_owned(), 0);
    loop {
        let page = face.page(&format!("/job/unit/1/{next}")).await;
        found += page.matches(" a line of a hundred").count();
        let Some(link) = page.split("href=\"consoleFull?from=").nth(1) else { break };
        next = format!("consoleFull?from={}", link.split('"').next().unwrap());
    }
    assert_eq!(found, lines as usize);
}

#[tokio::test]
async fn readers_are_counted_and_let_go() {
    let face = Face::start().await;
    let id = face.accept("unit", &[]).await;
    let console = face.run(id).await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(face.get("/job/unit/1/logText/live").await);
    }
    console.append("to all\n".into()).await.unwrap();
    for reader in &mut readers {
        read_until(reader, |text| text.contains("to all")).await;
    }
    assert!(face.page("/metrics").await.contains("causeway_http_live_readers 20\n"));
    drop(readers);
    until(LIMIT, async || {
        let metrics = face.page("/metrics").await;
        let gone = metrics.contains("causeway_http_live_readers 0\n");
        gone.then_some(()).ok_or(metrics)
    })
    .await;
}
