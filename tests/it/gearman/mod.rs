//! The Gearman server over loopback, with peers played from scripts.

mod corpus;
mod hostile;
mod local;
mod peers;
mod wire;

use std::time::Duration;

use causeway::gearman::client::{Client, ClientError, Message};
use causeway::gearman::limits::Limits;
use causeway::gearman::packet::{Level, kind};
use causeway::gearman::server::{self, Command, LocalEvents, Options, Server};

/// Nothing on loopback takes this long.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

pub(super) fn options() -> Options {
    Options::new("127.0.0.1:0".parse().unwrap(), "test")
}

pub(super) fn start_with(options: Options) -> (Server, LocalEvents) {
    server::start(options).expect("a port of the kernel's choice is free")
}

pub(super) fn start(limits: Limits) -> (Server, LocalEvents) {
    start_with(Options { limits, ..options() })
}

pub(super) async fn connect(server: &Server) -> Client {
    Client::connect(server.address()).await.unwrap()
}

/// Waits for something, with a limit.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("in time")
}

/// The client's next packet.
pub(super) async fn packet(client: &mut Client) -> (u32, Vec<u8>) {
    let (kind, body) = soon(client.packet()).await.unwrap();
    (kind, body.to_vec())
}

/// Waits until the server has closed this connection.
pub(super) async fn closed(client: &mut Client) {
    loop {
        match soon(client.next()).await {
            Ok(_) => {}
            Err(ClientError::Closed | ClientError::Connection(_)) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A well-behaved client is served.
pub(super) async fn serves(server: &Server) {
    let mut client = connect(server).await;
    let handle = soon(client.submit(Level::High, b"check:alive", b"u", b"")).await.unwrap();
    let answer = soon(client.ask(&format!("cancel job {}", String::from_utf8_lossy(&handle)))).await.unwrap();
    assert_eq!(&answer[..], b"OK");
}

/// Waits until the server's counters satisfy a condition.
pub(super) async fn until(server: &Server, condition: impl Fn(&server::Stats) -> bool) -> server::Stats {
    let wait = async {
        loop {
            let stats = server.stats().await.unwrap();
            if condition(&stats) {
                return stats;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(wait).await
}

/// Ends the server, and waits for its thread.
pub(super) async fn end(server: Server) {
    server.send(Command::Shutdown).await.unwrap();
    soon(server.ended()).await;
}

/// A worker with a job that a client waits for: client, worker, handle.
pub(super) async fn running(server: &Server, function: &[u8]) -> (Client, Client, Vec<u8>) {
    let (mut client, mut worker) = (connect(server).await, connect(server).await);
    worker.can_do(&[function]).await.unwrap();
    let handle = soon(client.submit(Level::Normal, function, b"u", b"data")).await.unwrap();
    let job = soon(worker.work()).await.unwrap();
    assert_eq!(job.handle, handle);
    (client, worker, handle.to_vec())
}

/// Sends from a worker and reads what the client gets.
pub(super) async fn relay(
    worker: &mut Client,
    client: &mut Client,
    kind: u32,
    arguments: &[&[u8]],
) -> (u32, Vec<u8>) {
    worker.send(kind, arguments).await.unwrap();
    packet(client).await
}

/// The next message as a line.
pub(super) async fn line(client: &mut Client) -> Vec<u8> {
    match soon(client.next()).await.unwrap() {
        Message::Line(line) => line.to_vec(),
        Message::Packet { kind, .. } => panic!("packet {kind} where a line was expected"),
    }
}

#[tokio::test]
async fn a_job_goes_from_client_to_worker_and_back() {
    let (server, _events) = start(Limits::default());
    let (mut client, mut worker, handle) = running(&server, b"reverse").await;
    let data = relay(&mut worker, &mut client, kind::WORK_DATA, &[&handle, b"a\0b"]).await;
    assert_eq!(data, (kind::WORK_DATA, [&handle[..], b"\0a\0b"].concat()));
    let end_packet = relay(&mut worker, &mut client, kind::WORK_COMPLETE, &[&handle, b"atad"]).await;
    assert_eq!(end_packet, (kind::WORK_COMPLETE, [&handle[..], b"\0atad"].concat()));
    end(server).await;
    closed(&mut client).await;
}

#[tokio::test]
async fn the_port_in_use_is_an_error_with_its_address() {
    let (server, _events) = start(Limits::default());
    let error = server::start(Options::new(server.address(), "second")).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.address()));
    end(server).await;
}
