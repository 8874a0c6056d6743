//! The keeper of a fake node: says hello, answers pings, refuses the rest.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::keeper::wire::frame::{HEAD, head};
use crate::keeper::wire::{FromNode, Refusal, RefusalCode, Reply, Request, ToNode, VERSION};
use crate::model::NodeId;

/// Speaks until the stream or the node ends.
pub(super) async fn run(
    mut stream: DuplexStream,
    node: NodeId,
    boot: Duration,
    silent: bool,
    over: CancellationToken,
) {
    let talk = async {
        if silent {
            std::future::pending::<()>().await;
        }
        sleep(boot).await;
        talk(&mut stream, node).await
    };
    tokio::select! {
        () = over.cancelled() => {}
        // A stream that ends is how every talk ends; nobody is left who could be told.
        _ = talk => {}
    }
}

async fn talk(stream: &mut DuplexStream, node: NodeId) -> std::io::Result<()> {
    let mut read = Vec::new();
    let mut answers = Vec::new();
    FromNode::Hello { version: VERSION, node: node.to_string() }.write(&mut answers);
    loop {
        stream.write_all(&answers).await?;
        answers.clear();
        while let Some(length) = answer(&read, &mut answers).map_err(std::io::Error::other)? {
            read.drain(..length);
        }
        if answers.is_empty() && stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// Answers the first frame of `read`, if it is there, and says how long it was.
fn answer(read: &[u8], answers: &mut Vec<u8>) -> Result<Option<usize>, crate::keeper::wire::Malformed> {
    let Some(head) = head(read)? else { return Ok(None) };
    let length = HEAD + head.length;
    let Some(body) = read.get(HEAD..length) else { return Ok(None) };
    if let ToNode::Request { id, request } = ToNode::read(head.kind, body)? {
        let reply = match request {
            Request::Ping => Ok(Reply::Done),
            _ => Err(Refusal::new(RefusalCode::Invalid, "a fake node runs nothing")),
        };
        FromNode::Reply { id, reply }.write(answers);
    }
    Ok(Some(length))
}
