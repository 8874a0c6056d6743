//! Peers that come, go and do not read (zuul-S-5, S-15, S-16, limits).

use causeway::gearman::limits::Limits;
use causeway::gearman::packet::{Level, kind};
use causeway::gearman::server::{Event, Options};

use super::{closed, connect, end, options, packet, running, serves, soon, start, start_with, until};

#[tokio::test]
async fn zuul_s_15_a_worker_that_vanishes_fails_its_job() {
    let (server, _events) = start(Limits::default());
    let (mut client, worker, handle) = running(&server, b"f").await;
    drop(worker);
    assert_eq!(packet(&mut client).await, (kind::WORK_FAIL, handle));
    end(server).await;
}

#[tokio::test]
async fn zuul_s_16_a_client_that_vanishes_takes_its_queued_jobs_along() {
    let (server, _events) = start(Limits::default());
    let (mut client, mut worker, handle) = running(&server, b"f").await;
    for _ in 0..10 {
        soon(client.submit(Level::Low, b"f", b"u", b"d")).await.unwrap();
    }
    until(&server, |stats| stats.queued == [0, 0, 10]).await;
    drop(client);
    until(&server, |stats| stats.queued == [0, 0, 0]).await;
    worker.send(kind::WORK_COMPLETE, &[&handle, b"nobody"]).await.unwrap();
    assert_eq!(soon(worker.grab()).await.unwrap(), None);
    assert_eq!(server.stats().await.unwrap().running, 0);
    end(server).await;
}

#[tokio::test]
async fn zuul_z_7_a_merger_that_vanishes_fails_its_merge_at_once_and_the_others_go_on() {
    let (server, _events) = start(Limits::default());
    // Three merges, two mergers, a build in front of them that nobody runs.
    let (mut zuul, mut first, mut second) =
        (connect(&server).await, connect(&server).await, connect(&server).await);
    soon(zuul.submit(Level::High, b"build:nobody", b"b", b"{}")).await.unwrap();
    let mut merges = Vec::new();
    for unique in [b"1", b"2", b"3"] {
        merges.push(
            soon(zuul.submit(Level::Normal, b"merger:merge", unique, b"{\"items\": []}")).await.unwrap(),
        );
    }
    for merger in [&mut first, &mut second] {
        merger.can_do(&[b"merger:merge", b"merger:update"]).await.unwrap();
    }
    assert_eq!(soon(first.work()).await.unwrap().handle, merges[0]);
    let job = soon(second.work()).await.unwrap();
    drop(first);
    assert_eq!(packet(&mut zuul).await, (kind::WORK_FAIL, merges[0].to_vec()));
    // What a merger says reaches Zuul as it is: it is not about a build.
    let answer = b"{\"merged\": true, \"commit\": \"c0ffee\", \"zuul_url\": \"ssh://merger\"}";
    for handle in &merges[1..] {
        second.send(kind::WORK_COMPLETE, &[handle, answer]).await.unwrap();
        assert_eq!(packet(&mut zuul).await, (kind::WORK_COMPLETE, [&handle[..], b"\0", answer].concat()));
        if *handle == job.handle {
            assert_eq!(
                soon(second.work()).await.unwrap().handle,
                merges[2],
                "nothing was lost or queued again"
            );
        }
    }
    end(server).await;
}

#[tokio::test]
async fn zuul_s_5_and_z_2_names_outlive_a_restart_through_the_store() {
    let (server, mut events) = start(Limits::default());
    let mut worker = connect(&server).await;
    worker.can_do(&[b"build:a", b"build:b"]).await.unwrap();
    let mut names: Vec<Vec<u8>> = Vec::new();
    while names.len() < 2 {
        for event in soon(events.next()).await.unwrap() {
            let Event::NewName { name } = event else { panic!("{event:?}") };
            names.push(name.to_vec());
        }
    }
    end(server).await;
    let (server, _events) = start_with(Options { known_names: names, ..options() });
    let mut client = connect(&server).await;
    let lines = soon(client.ask_list("status")).await.unwrap();
    assert_eq!(lines, ["build:a\t0\t0\t0", "build:b\t0\t0\t0"]);
    end(server).await;
}

#[tokio::test]
async fn a_reader_that_stops_is_closed_at_the_limit_and_nobody_else_suffers() {
    let (server, _events) = start(Limits { unsent_bytes: 1 << 20, ..Limits::default() });
    let (client, mut worker, handle) = running(&server, b"f").await;
    let piece = vec![b'x'; 256 << 10];
    // The client reads nothing. The kernel holds some mebibytes, the server one, then the connection ends.
    let flood = async {
        loop {
            worker.send(kind::WORK_DATA, &[&handle, &piece]).await.unwrap();
            if server.stats().await.unwrap().slow_readers_closed == 1 {
                break;
            }
        }
    };
    soon(flood).await;
    serves(&server).await;
    drop(client);
    // The worker alone is left.
    until(&server, |stats| stats.unsent_bytes == 0 && stats.connections == 1).await;
    end(server).await;
}

#[tokio::test]
async fn a_slow_reader_below_the_limit_gets_everything() {
    let (server, _events) = start(Limits::default());
    let (mut client, mut worker, handle) = running(&server, b"f").await;
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..20 {
        worker.send(kind::WORK_DATA, &[&handle, &piece]).await.unwrap();
    }
    worker.send(kind::WORK_COMPLETE, &[&handle, b"end"]).await.unwrap();
    until(&server, |stats| stats.ended == 1).await;
    assert!(server.stats().await.unwrap().unsent_bytes > 0);
    for _ in 0..20 {
        let (kind, body) = packet(&mut client).await;
        assert_eq!((kind, body.len()), (kind::WORK_DATA, piece.len() + handle.len() + 1));
    }
    assert_eq!(packet(&mut client).await.0, kind::WORK_COMPLETE);
    assert_eq!(until(&server, |stats| stats.unsent_bytes == 0).await.slow_readers_closed, 0);
    end(server).await;
}

#[tokio::test]
async fn a_peer_that_only_asks_is_not_read_from_until_it_takes_its_answers() {
    let (server, _events) = start(Limits { pause_reading_bytes: 64 << 10, ..Limits::default() });
    let mut greedy = connect(&server).await;
    let echo = vec![b'e'; 64 << 10];
    let mut written = 0;
    let ask = async {
        loop {
            greedy.send(kind::ECHO_REQ, &[&echo]).await.unwrap();
            written += 1;
        }
    };
    // It writes until nothing is taken any more: that is the brake.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(500), ask).await;
    let stats = server.stats().await.unwrap();
    assert!(stats.unsent_bytes < 2 << 20, "{} bytes wait", stats.unsent_bytes);
    for _ in 0..written {
        assert_eq!(packet(&mut greedy).await.0, kind::ECHO_RES);
    }
    end(server).await;
}

#[tokio::test]
async fn past_the_limit_a_connection_is_refused_and_the_others_go_on() {
    let (server, _events) = start(Limits { connections: 2, ..Limits::default() });
    let (mut first, second) = (connect(&server).await, connect(&server).await);
    soon(first.ask("version")).await.unwrap();
    until(&server, |stats| stats.connections == 2).await;
    let mut third = connect(&server).await;
    closed(&mut third).await;
    assert_eq!(server.stats().await.unwrap().connections_refused, 1);
    soon(first.ask("version")).await.unwrap();
    drop(second);
    until(&server, |stats| stats.connections == 1).await;
    serves(&server).await;
    end(server).await;
}
