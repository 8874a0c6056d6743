//! HTTP, byte by byte: an answer can be lost, cut or late.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::answer::{Answer, Request, answer};
use super::fault::Wrong;
use super::world::World;

/// Where connections come in.
pub struct Door {
    world: Arc<Mutex<World>>,
    address: SocketAddr,
    open: watch::Sender<bool>,
}

impl Door {
    pub fn new(world: Arc<Mutex<World>>, address: SocketAddr) -> Door {
        Door { world, address, open: watch::Sender::new(true) }
    }

    /// A closed door refuses connections and drops those that there are.
    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }

    pub async fn serve(self: Arc<Door>, listener: TcpListener) {
        let mut open = self.open.subscribe();
        let mut listener = Some(listener);
        loop {
            let Some(bound) = &listener else {
                if open.wait_for(|open| *open).await.is_err() {
                    return;
                }
                listener = TcpListener::bind(self.address).await.ok();
                continue;
            };
            tokio::select! {
                accepted = bound.accept() => {
                    if let Ok((stream, _)) = accepted {
                        tokio::spawn(Arc::clone(&self).connection(stream));
                    }
                }
                closed = open.wait_for(|open| !*open) => {
                    if closed.is_err() {
                        return;
                    }
                    listener = None;
                }
            }
        }
    }

    async fn connection(self: Arc<Door>, stream: TcpStream) {
        let mut open = self.open.subscribe();
        tokio::select! {
            () = self.talk(stream) => {}
            _ = open.wait_for(|open| !*open) => {}
        }
    }

    async fn talk(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some((line, request)) = read(&mut stream).await {
            let wrong = {
                let mut world = self.world.lock().unwrap();
                world.requests.push(line.clone());
                world.strike(&line)
            };
            let done = match wrong {
                Some(Wrong::RequestLost) => return,
                Some(Wrong::CarriedOutLate(after)) => {
                    let world = Arc::clone(&self.world);
                    tokio::spawn(async move {
                        tokio::time::sleep(after).await;
                        answer(&mut world.lock().unwrap(), &request);
                    });
                    return;
                }
                Some(Wrong::Status(status)) => Answer::page(status),
                Some(Wrong::Page) => Answer::page(200),
                Some(Wrong::Endless(length)) => Answer { body: padded(length), ..Answer::bare(200) },
                Some(Wrong::AnswerLost | Wrong::AnswerCut | Wrong::AnswerSlow(_)) | None => {
                    answer(&mut self.world.lock().unwrap(), &request)
                }
            };
            let bytes = written(&done);
            match wrong {
                Some(Wrong::AnswerLost) => return,
                Some(Wrong::AnswerCut) => {
                    let _ = stream.write_all(&bytes[..bytes.len() / 2]).await;
                    return;
                }
                Some(Wrong::AnswerSlow(after)) => tokio::time::sleep(after).await,
                _ => {}
            }
            if stream.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }
}

/// JSON that never says anything.
fn padded(length: usize) -> Vec<u8> {
    let mut body = b"{\"jobs\":[".to_vec();
    body.resize(length, b' ');
    body.extend(b"]}");
    body
}

fn written(answer: &Answer) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", answer.status, answer.body.len());
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    [text.into_bytes(), answer.body.clone()].concat()
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, Request)> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let request = Request {
        method: method.clone(),
        path,
        query: pairs(query),
        form: pairs(&String::from_utf8_lossy(&body)),
        headers,
    };
    Some((format!("{method} {target}"), request))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}
