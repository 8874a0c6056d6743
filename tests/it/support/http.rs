//! A small HTTP client: tests look at what is on the wire and need no more.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// No answer of a server on loopback takes longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// An answer, its body decoded as text.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// GETs an `http://HOST:PORT/…` address.
#[track_caller]
pub fn get(url: &str) -> Answer {
    try_get(url).unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

/// The same where no answer is an answer too.
pub fn try_get(url: &str) -> Result<Answer, String> {
    let rest = url.strip_prefix("http://").ok_or("only http:// addresses")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).map_err(|error| error.to_string())?;
    // HTTP/1.0, so that the answer ends with the connection and comes in one piece.
    let text = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(text.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(|error| error.to_string())?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no end of the head")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status")?;
    Ok(Answer { status, body: body.to_owned() })
}
