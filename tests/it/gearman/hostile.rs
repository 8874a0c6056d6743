//! Peers that mean harm: the server stays within stated bounds and serves the others. Short forms; counts and bytes only.

use causeway::gearman::limits::Limits;
use causeway::gearman::packet::{Level, kind, put_request};

use super::{connect, end, serves, soon, start, until};

#[tokio::test]
async fn silent_connections_cost_little_and_block_nobody() {
    let (server, _events) = start(Limits::default());
    let mut silent = Vec::new();
    for _ in 0..500 {
        silent.push(tokio::net::TcpStream::connect(server.address()).await.unwrap());
    }
    until(&server, |stats| stats.connections == 500).await;
    serves(&server).await;
    drop(silent);
    until(&server, |stats| stats.connections == 0).await;
    end(server).await;
}

#[tokio::test]
async fn many_registrations_are_one_class_and_bounded() {
    let limits = Limits { names: 1_000, names_per_connection: 1_000, ..Limits::default() };
    let (server, _events) = start(limits);
    let mut bytes = Vec::new();
    for number in 0..3_000 {
        put_request(&mut bytes, kind::CAN_DO, &[format!("name:{number}").as_bytes()]);
    }
    put_request(&mut bytes, kind::GRAB_JOB_UNIQ, &[]);
    let mut workers = Vec::new();
    for _ in 0..20 {
        let mut worker = connect(&server).await;
        worker.send_bytes(&bytes).await.unwrap();
        assert_eq!(soon(worker.packet()).await.unwrap().0, kind::NO_JOB);
        workers.push(worker);
    }
    let stats = server.stats().await.unwrap();
    assert_eq!((stats.names, stats.classes, stats.workers, stats.names_refused), (1_000, 1, 20, 40_000));
    end(server).await;
}

#[tokio::test]
async fn a_flood_of_submits_ends_at_the_limit_with_an_answer() {
    let (server, _events) = start(Limits { queued_bytes: 1 << 20, ..Limits::default() });
    let mut client = connect(&server).await;
    let mut bytes = Vec::new();
    for _ in 0..2_000 {
        put_request(&mut bytes, kind::SUBMIT_JOB, &[b"f", b"u", &[0; 1024]]);
    }
    client.send_bytes(&bytes).await.unwrap();
    let (mut created, mut refused) = (0, 0);
    for _ in 0..2_000 {
        match soon(client.packet()).await.unwrap() {
            (kind::JOB_CREATED, _) => created += 1,
            (kind::ERROR, body) => {
                assert!(body.starts_with(b"QUEUE_FULL\0"));
                refused += 1;
            }
            (other, _) => panic!("packet {other}"),
        }
    }
    assert!(created > 900 && created <= 1_024, "{created} were taken, {refused} refused");
    drop(client);
    until(&server, |stats| stats.queued_bytes == 0).await;
    serves(&server).await;
    end(server).await;
}

#[tokio::test]
async fn a_worker_that_grabs_and_never_ends_holds_only_what_it_grabbed() {
    let (server, _events) = start(Limits::default());
    let (mut client, mut worker) = (connect(&server).await, connect(&server).await);
    worker.can_do(&[b"f"]).await.unwrap();
    for _ in 0..200 {
        soon(client.submit(Level::Normal, b"f", b"u", b"")).await.unwrap();
        assert!(soon(worker.grab()).await.unwrap().is_some());
    }
    assert_eq!(server.stats().await.unwrap().running, 200);
    drop(worker);
    for _ in 0..200 {
        assert_eq!(soon(client.packet()).await.unwrap().0, kind::WORK_FAIL);
    }
    assert_eq!(server.stats().await.unwrap().running, 0);
    end(server).await;
}

#[tokio::test]
async fn reconnect_storms_leave_nothing_behind() {
    let (server, _events) = start(Limits::default());
    for round in 0..20 {
        let mut peers = Vec::new();
        for number in 0..50 {
            let mut peer = connect(&server).await;
            peer.can_do(&[b"f", format!("own:{number}").as_bytes()]).await.unwrap();
            peer.send(kind::PRE_SLEEP, &[]).await.unwrap();
            if number % 3 == round % 3 {
                peer.send_bytes(b"\0REQ\0\0\0\x07\0\0").await.unwrap();
            }
            peers.push(peer);
        }
    }
    let stats = until(&server, |stats| stats.connections == 0).await;
    assert_eq!((stats.workers, stats.classes, stats.running), (0, 0, 0));
    serves(&server).await;
    end(server).await;
}
