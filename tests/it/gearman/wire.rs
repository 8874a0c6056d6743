//! Bytes on the wire: any split, garbage, sizes, text among packets (zuul-B-1, B-2, B-5, T-1).

use causeway::gearman::client::Message;
use causeway::gearman::limits::Limits;
use causeway::gearman::packet::{Level, kind, put_request};

use super::{closed, connect, end, line, packet, running, serves, soon, start};

fn script() -> Vec<u8> {
    let mut bytes = Vec::new();
    put_request(&mut bytes, kind::SET_CLIENT_ID, &[b"GearmanWorker:17"]);
    put_request(&mut bytes, kind::ECHO_REQ, &[b"one\0two"]);
    bytes.extend_from_slice(b"version\r\nstatus\n");
    put_request(&mut bytes, kind::SUBMIT_JOB_HIGH, &[b"build:split", b"unique", b"A\0B\0"]);
    put_request(&mut bytes, 99, &[b"unknown"]);
    put_request(&mut bytes, kind::GET_STATUS, &[b"H:none:1"]);
    bytes
}

async fn answers(client: &mut causeway::gearman::client::Client) -> Vec<String> {
    let mut answers = Vec::new();
    loop {
        let text = match soon(client.next()).await.unwrap() {
            Message::Packet { kind: kind::JOB_CREATED, .. } => "created".to_owned(),
            Message::Packet { kind, body } => format!("{kind} {}", String::from_utf8_lossy(&body)),
            Message::Line(line) if line.starts_with(b"build:split\t") => continue,
            Message::Line(line) => String::from_utf8_lossy(&line).into_owned(),
        };
        let last = text.starts_with(&kind::STATUS_RES.to_string());
        answers.push(text);
        if last {
            return answers;
        }
    }
}

#[tokio::test]
async fn zuul_b_1_any_split_means_the_same() {
    let (server, _events) = start(Limits::default());
    let script = script();
    let mut whole = connect(&server).await;
    whole.send_bytes(&script).await.unwrap();
    let expected = answers(&mut whole).await;
    assert_eq!(expected.len(), 5);
    for split in 1..script.len() {
        let mut client = connect(&server).await;
        client.send_bytes(&script[..split]).await.unwrap();
        // The first part is with the server before the second is sent: it answered what was complete, or has nothing yet.
        super::until(&server, |stats| stats.connections >= 2).await;
        client.send_bytes(&script[split..]).await.unwrap();
        assert_eq!(answers(&mut client).await, expected, "split at {split}");
    }
    let mut client = connect(&server).await;
    for byte in &script {
        client.send_bytes(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(answers(&mut client).await, expected, "a byte at a time");
    end(server).await;
}

#[tokio::test]
async fn zuul_b_5_a_header_of_four_gibibytes_closes_before_anything_is_allocated() {
    let (server, _events) = start(Limits::default());
    for size in [[0xff; 4], (64 * 1024 * 1024u32 + 1).to_be_bytes()] {
        let mut client = connect(&server).await;
        let header = [b"\0REQ".as_slice(), &kind::SUBMIT_JOB.to_be_bytes(), &size].concat();
        client.send_bytes(&header).await.unwrap();
        closed(&mut client).await;
    }
    serves(&server).await;
    end(server).await;
}

#[tokio::test]
async fn garbage_closes_and_harms_nobody() {
    let (server, _events) = start(Limits::default());
    for garbage in [
        b"\0BAD".to_vec(),
        b"\0\0\0\0".to_vec(),
        vec![b'x'; 100_000],
        [b"\0REQ\0\0\0\x07\0\0\0\x03".as_slice(), b"a\0b"].concat(),
        [b"\0REQ\0\0\0\x0c\0\0\0\x01".as_slice(), b"a"].concat(),
    ] {
        let mut client = connect(&server).await;
        // The server may close before everything is written.
        let _ = client.send_bytes(&garbage).await;
        closed(&mut client).await;
    }
    let mut client = connect(&server).await;
    client.send_bytes(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    for _ in 0..3 {
        assert!(line(&mut client).await.starts_with(b"ERR UNKNOWN_COMMAND"));
    }
    serves(&server).await;
    end(server).await;
}

#[tokio::test]
async fn wrong_magic_in_mid_stream_answers_what_came_before() {
    let (server, _events) = start(Limits::default());
    let mut client = connect(&server).await;
    let mut bytes = Vec::new();
    put_request(&mut bytes, kind::ECHO_REQ, &[b"x"]);
    bytes.extend_from_slice(b"\0QER\0\0\0\0\0\0\0\0");
    client.send_bytes(&bytes).await.unwrap();
    assert_eq!(packet(&mut client).await, (kind::ECHO_RES, b"x".to_vec()));
    closed(&mut client).await;
    end(server).await;
}

#[tokio::test]
async fn response_magic_is_taken_as_a_request() {
    let (server, _events) = start(Limits::default());
    let mut client = connect(&server).await;
    client.send_bytes(b"\0RES\0\0\0\x10\0\0\0\x01x").await.unwrap();
    assert_eq!(packet(&mut client).await, (kind::ECHO_RES, b"x".to_vec()));
    end(server).await;
}

#[tokio::test]
async fn large_data_goes_through_unchanged() {
    let (server, _events) = start(Limits::default());
    let (mut client, mut worker, handle) = running(&server, b"large").await;
    let large: Vec<u8> = (0..5_000_000u32).map(|number| (number % 251) as u8).collect();
    let (kind, body) = super::relay(&mut worker, &mut client, kind::WORK_DATA, &[&handle, &large]).await;
    assert_eq!(kind, kind::WORK_DATA);
    assert!(body[handle.len() + 1..] == large);
    end(server).await;
}

#[tokio::test]
async fn zuul_b_6_names_uniques_and_handles_are_bytes() {
    let (server, _events) = start(Limits::default());
    // No UTF-8, two spellings of one letter, a case of its own: four names.
    let names: [&[u8]; 4] =
        [b"build:\xff\xfe", "build:\u{e9}".as_bytes(), "build:e\u{301}".as_bytes(), b"BUILD:\xff\xfe"];
    let mut client = connect(&server).await;
    let mut handles = Vec::new();
    for name in names {
        handles.push(soon(client.submit(Level::Normal, name, &[name, b"\x80"].concat(), b"")).await.unwrap());
    }
    for (name, handle) in names.into_iter().zip(handles).rev() {
        let mut worker = connect(&server).await;
        worker.can_do(&[name]).await.unwrap();
        let job = soon(worker.work()).await.unwrap();
        let unique = [name, b"\x80"].concat();
        assert_eq!((&job.function[..], &job.unique[..], &job.handle), (name, &unique[..], &handle));
        assert_eq!(soon(worker.grab()).await.unwrap(), None, "no other name is its own");
        worker.send(kind::WORK_COMPLETE, &[&handle, b"\xff"]).await.unwrap();
        assert_eq!(packet(&mut client).await, (kind::WORK_COMPLETE, [&handle[..], b"\0\xff"].concat()));
    }
    end(server).await;
}

#[tokio::test]
async fn zuul_b_2_a_text_answer_is_in_one_piece_among_packets() {
    let (server, _events) = start(Limits::default());
    let (mut client, mut worker, handle) = running(&server, b"noisy").await;
    for number in 0..2_000 {
        let name = format!("name:{number:04}");
        worker.can_do(&[name.as_bytes()]).await.unwrap();
    }
    for _ in 0..50 {
        client.send_bytes(b"status\n").await.unwrap();
        worker.send(kind::WORK_DATA, &[&handle, b"{}"]).await.unwrap();
    }
    let (mut packets, mut lists, mut inside) = (0, 0, false);
    while packets < 50 || lists < 50 {
        match soon(client.next()).await.unwrap() {
            Message::Packet { kind: kind::WORK_DATA, .. } => {
                assert!(!inside, "a packet in the middle of a text answer");
                packets += 1;
            }
            Message::Packet { kind, .. } => panic!("packet {kind}"),
            Message::Line(line) => {
                inside = &line[..] != b".";
                lists += usize::from(!inside);
            }
        }
    }
    end(server).await;
}

#[tokio::test]
async fn a_peer_that_shuts_its_side_down_still_gets_its_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (server, _events) = start(Limits::default());
    let mut stream = tokio::net::TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"version\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    soon(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("OK causeway-"), "{answer}");
    let mut client = connect(&server).await;
    soon(client.submit(Level::Low, b"f", b"", b"")).await.unwrap();
    end(server).await;
}
