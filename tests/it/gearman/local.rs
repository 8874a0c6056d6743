//! The process as a worker, through the channels (decision 9, zuul-gearman 8.3).

use causeway::gearman::limits::Limits;
use causeway::gearman::packet::{Level, kind};
use causeway::gearman::server::{Command, Event, LocalEvents, LocalNames, Options};

use super::{connect, end, options, packet, soon, start, start_with};

fn names(bounded: &[&[u8]], immediate: &[&[u8]]) -> LocalNames {
    let owned = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect();
    LocalNames { bounded: owned(bounded), immediate: owned(immediate), ..LocalNames::default() }
}

/// The next event that is no new name.
async fn event(events: &mut LocalEvents, kept: &mut Vec<Event>) -> Event {
    loop {
        while !kept.is_empty() {
            let event = kept.remove(0);
            if !matches!(event, Event::NewName { .. }) {
                return event;
            }
        }
        kept.extend(soon(events.next()).await.unwrap());
    }
}

#[tokio::test]
async fn zuul_s_7_zuul_is_answered_while_the_rest_of_the_process_stands_still() {
    // Ours and immediate: each submit makes an event, and nobody takes any; far more of them than may wait.
    let local = names(&[b"build:x"], &[b"stop:us"]);
    let limits = Limits { waiting_events: 64, ..Limits::default() };
    let (server, _events) = start_with(Options { local, limits, ..options() });
    let mut zuul = connect(&server).await;
    let mut last = Vec::new();
    for number in 0..1_000 {
        let unique = format!("u{number}");
        let function: &[u8] = if number % 2 == 0 { b"build:x" } else { b"stop:us" };
        last = soon(zuul.submit(Level::Normal, function, unique.as_bytes(), b"{}")).await.unwrap().to_vec();
    }
    let lines = soon(zuul.ask_list("status")).await.unwrap();
    assert_eq!(lines[0], "build:x\t500\t0\t1", "all are there, none is in the house: it has no room yet");
    let queued = soon(zuul.submit(Level::Normal, b"build:x", b"late", b"{}")).await.unwrap();
    for handle in [&queued[..], &last] {
        let cancel = format!("cancel job {}", String::from_utf8_lossy(handle));
        assert_eq!(soon(zuul.ask(&cancel)).await.unwrap(), "OK");
    }
    end(server).await;
}

#[tokio::test]
async fn a_build_of_ours_from_assignment_to_end() {
    let (server, mut events) = start_with(Options { local: names(&[b"build:x"], &[]), ..options() });
    let mut kept = Vec::new();
    let mut client = connect(&server).await;
    let text = soon(client.submit(Level::Normal, b"build:x", b"uuid", b"{}")).await.unwrap();
    server.send(Command::Room { credits: 1, seen: 0 }).await.unwrap();
    let Event::Assigned { handle, function, unique, data, bounded, .. } = event(&mut events, &mut kept).await
    else {
        panic!()
    };
    assert_eq!(
        (&function[..], &unique[..], &data[..], bounded),
        (&b"build:x"[..], &b"uuid"[..], &b"{}"[..], true)
    );
    assert_eq!(handle.as_str().as_bytes(), &text[..]);
    server.send(Command::Data { handle: handle.clone(), data: "{\"number\":1}".into() }).await.unwrap();
    server.send(Command::Status { handle: handle.clone(), numerator: 0, denominator: 100 }).await.unwrap();
    server.send(Command::Complete { handle, data: "{\"result\":\"SUCCESS\"}".into() }).await.unwrap();
    for expected in [kind::WORK_DATA, kind::WORK_STATUS, kind::WORK_COMPLETE] {
        assert_eq!(packet(&mut client).await.0, expected);
    }
    end(server).await;
    assert_eq!(soon(events.next()).await, None);
}

#[tokio::test]
async fn ownership_changes_live_under_a_sleeping_worker() {
    let (server, mut events) = start(Limits::default());
    let mut kept = Vec::new();
    let (mut client, mut worker) = (connect(&server).await, connect(&server).await);
    worker.can_do(&[b"build:x"]).await.unwrap();
    assert_eq!(soon(worker.grab()).await.unwrap(), None);
    worker.send(kind::PRE_SLEEP, &[]).await.unwrap();
    server.send(Command::SetLocal(names(&[b"build:x"], &[]))).await.unwrap();
    server.send(Command::Room { credits: 8, seen: 0 }).await.unwrap();
    soon(client.submit(Level::Normal, b"build:x", b"ours", b"")).await.unwrap();
    assert!(matches!(event(&mut events, &mut kept).await, Event::Assigned { .. }));
    server.send(Command::SetLocal(LocalNames::default())).await.unwrap();
    soon(client.submit(Level::Normal, b"build:x", b"theirs", b"")).await.unwrap();
    assert_eq!(packet(&mut worker).await.0, kind::NOOP);
    assert_eq!(soon(worker.grab()).await.unwrap().unwrap().unique, "theirs");
    end(server).await;
}

#[tokio::test]
async fn zuul_8_3_the_gap_of_our_own_and_of_an_external_worker() {
    let (server, mut events) = start_with(Options { local: names(&[b"build:ours"], &[]), ..options() });
    let mut kept = Vec::new();
    server.send(Command::Room { credits: 8, seen: 0 }).await.unwrap();
    let mut client = connect(&server).await;
    let text = soon(client.submit(Level::Normal, b"build:ours", b"u", b"")).await.unwrap();
    assert!(matches!(event(&mut events, &mut kept).await, Event::Assigned { .. }));
    let cancel = |text: &[u8]| format!("cancel job {}", String::from_utf8_lossy(text));
    assert_eq!(soon(client.ask(&cancel(&text))).await.unwrap(), "OK");
    assert!(
        matches!(event(&mut events, &mut kept).await, Event::Cancelled { handle } if handle.as_str().as_bytes() == &text[..])
    );

    let (mut client, mut worker, text) = super::running(&server, b"build:theirs").await;
    assert_eq!(soon(client.ask(&cancel(&text))).await.unwrap(), "OK");
    worker.send(kind::WORK_DATA, &[&text, b"{\"number\":3,\"manager\":\"m\"}"]).await.unwrap();
    let Event::GapData { function, data, .. } = event(&mut events, &mut kept).await else { panic!() };
    assert_eq!((function, data), ("build:theirs".into(), "{\"number\":3,\"manager\":\"m\"}".into()));
    let stop = Command::Submit {
        function: "stop:m".into(),
        unique: "".into(),
        data: "{}".into(),
        level: Level::High,
    };
    server.send(stop).await.unwrap();
    worker.can_do(&[b"stop:m"]).await.unwrap();
    let job = soon(worker.work()).await.unwrap();
    assert_eq!((job.function, job.unique.is_empty()), ("stop:m".into(), false));
    end(server).await;
}

#[tokio::test]
async fn a_lost_client_of_ours_is_told() {
    let (server, mut events) = start_with(Options { local: names(&[b"build:x"], &[]), ..options() });
    let mut kept = Vec::new();
    server.send(Command::Room { credits: 1, seen: 0 }).await.unwrap();
    let mut client = connect(&server).await;
    soon(client.submit(Level::Normal, b"build:x", b"u", b"")).await.unwrap();
    let Event::Assigned { handle, .. } = event(&mut events, &mut kept).await else { panic!() };
    drop(client);
    assert_eq!(event(&mut events, &mut kept).await, Event::ClientGone { handle });
    end(server).await;
}
