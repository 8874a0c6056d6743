//! A small Gearman client and worker: `demo` submits with it, tests play both sides with it.

use std::net::SocketAddr;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::codec::{self, Decoded, Frame, FrameError, Magic};
use super::limits::Limits;
use super::packet::{self, Level, arguments, kind};

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A packet.
    Packet {
        /// Its type.
        kind: u32,
        /// Its arguments, joined by NUL bytes.
        body: Bytes,
    },
    /// A line of a text answer, without its end.
    Line(Bytes),
}

/// Why the client cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The connection could not be made, or broke.
    #[error("the connection to the Gearman server broke")]
    Connection(#[from] std::io::Error),
    /// The server closed the connection.
    #[error("the Gearman server closed the connection")]
    Closed,
    /// The server sent something that is no packet.
    #[error("the Gearman server broke the protocol")]
    Frame(#[from] FrameError),
    /// The server sent a packet with the magic of requests.
    #[error("the Gearman server sent a request")]
    WrongMagic,
    /// The server answered a request with ERROR.
    #[error("the Gearman server refused: {code}: {text}")]
    Refused {
        /// Its code.
        code: String,
        /// Its text.
        text: String,
    },
    /// The server answered with something else than what was asked for.
    #[error("the Gearman server answered with packet {0}")]
    Unexpected(u32),
}

/// A job that a worker was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The handle.
    pub handle: Bytes,
    /// The function.
    pub function: Bytes,
    /// The unique.
    pub unique: Bytes,
    /// The arguments.
    pub data: Bytes,
}

/// One connection to a Gearman server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    used: usize,
    limits: Limits,
}

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new(), used: 0, limits: Limits::default() })
    }

    /// Sends a packet.
    pub async fn send(&mut self, kind: u32, arguments: &[&[u8]]) -> Result<(), ClientError> {
        let mut bytes = Vec::new();
        packet::put_request(&mut bytes, kind, arguments);
        self.send_bytes(&bytes).await
    }

    /// Sends bytes as they are: text commands, and in tests whatever a broken peer might send.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// The next packet or line. Safe to be cancelled: nothing received is lost.
    pub async fn next(&mut self) -> Result<Message, ClientError> {
        loop {
            if let Some(message) = self.buffered()? {
                return Ok(message);
            }
            self.received.drain(..self.used);
            self.used = 0;
            self.received.reserve(16 << 10);
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(ClientError::Closed);
            }
        }
    }

    fn buffered(&mut self) -> Result<Option<Message>, ClientError> {
        match codec::decode(&self.received[self.used..], &self.limits)? {
            Decoded::Incomplete(_) => Ok(None),
            Decoded::Frame(Frame::Packet { magic: Magic::Request, .. }, _) => Err(ClientError::WrongMagic),
            Decoded::Frame(frame, length) => {
                let message = match frame {
                    Frame::Packet { kind, body, .. } => {
                        Message::Packet { kind, body: Bytes::copy_from_slice(body) }
                    }
                    Frame::Line(line) => Message::Line(Bytes::copy_from_slice(line)),
                };
                self.used += length;
                Ok(Some(message))
            }
        }
    }

    /// The next packet; lines are skipped.
    pub async fn packet(&mut self) -> Result<(u32, Bytes), ClientError> {
        loop {
            if let Message::Packet { kind, body } = self.next().await? {
                return Ok((kind, body));
            }
        }
    }

    /// Submits a foreground job and waits for its handle. Other packets that come meanwhile are dropped, so this is for a
    /// connection that follows one job at a time.
    pub async fn submit(
        &mut self,
        level: Level,
        function: &[u8],
        unique: &[u8],
        data: &[u8],
    ) -> Result<Bytes, ClientError> {
        self.send(level.submit_kind(), &[function, unique, data]).await?;
        loop {
            match self.packet().await? {
                (kind::JOB_CREATED, handle) => return Ok(handle),
                (kind::ERROR, body) => {
                    let [code, text] = arguments::<2>(&body).unwrap_or([&body, b""]);
                    let [code, text] = [code, text].map(|part| String::from_utf8_lossy(part).into_owned());
                    return Err(ClientError::Refused { code, text });
                }
                _ => {}
            }
        }
    }

    /// Sends a text command whose answer is one line.
    pub async fn ask(&mut self, command: &str) -> Result<Bytes, ClientError> {
        self.send_bytes(format!("{command}\n").as_bytes()).await?;
        self.line().await
    }

    /// Sends a text command whose answer ends with a line that holds a dot.
    pub async fn ask_list(&mut self, command: &str) -> Result<Vec<Bytes>, ClientError> {
        self.send_bytes(format!("{command}\n").as_bytes()).await?;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if &line[..] == b"." {
                return Ok(lines);
            }
            lines.push(line);
        }
    }

    async fn line(&mut self) -> Result<Bytes, ClientError> {
        loop {
            if let Message::Line(line) = self.next().await? {
                return Ok(line);
            }
        }
    }

    /// As a worker: registers functions.
    pub async fn can_do(&mut self, functions: &[&[u8]]) -> Result<(), ClientError> {
        let mut bytes = Vec::new();
        for function in functions {
            packet::put_request(&mut bytes, kind::CAN_DO, &[function]);
        }
        self.send_bytes(&bytes).await
    }

    /// As a worker: asks for a job once; none when there is none.
    pub async fn grab(&mut self) -> Result<Option<Assignment>, ClientError> {
        self.send(kind::GRAB_JOB_UNIQ, &[]).await?;
        loop {
            match self.packet().await? {
                (kind::NO_JOB, _) => return Ok(None),
                (kind::NOOP, _) => {}
                (kind::JOB_ASSIGN_UNIQ, body) => {
                    let Some(parts) = arguments::<4>(&body) else {
                        return Err(ClientError::Unexpected(kind::JOB_ASSIGN_UNIQ));
                    };
                    let [handle, function, unique, data] = parts.map(|part| body.slice_ref(part));
                    return Ok(Some(Assignment { handle, function, unique, data }));
                }
                (other, _) => return Err(ClientError::Unexpected(other)),
            }
        }
    }

    /// As a worker: sleeps until there may be a job, and grabs it; goes on until one came.
    pub async fn work(&mut self) -> Result<Assignment, ClientError> {
        loop {
            if let Some(job) = self.grab().await? {
                return Ok(job);
            }
            self.send(kind::PRE_SLEEP, &[]).await?;
            while self.packet().await?.0 != kind::NOOP {}
        }
    }
}
