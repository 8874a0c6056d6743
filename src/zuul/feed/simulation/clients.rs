//! Clients as Zuul is one: submits, `cancel job`, `stop:`, and a connection that may end.

use std::collections::VecDeque;

use crate::gearman::codec::{Decoded, Frame, decode};
use crate::gearman::limits::Limits;
use crate::gearman::packet::{Level, arguments, kind, put_request};
use crate::gearman::server::ConnectionId;

use super::model::Model;

/// One client.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub connection: Option<ConnectionId>,
    /// Submits that wait for JOB_CREATED.
    created: VecDeque<(String, Level)>,
    /// Cancels that wait for their line.
    cancels: VecDeque<String>,
    received: Vec<u8>,
}

impl Client {
    /// The bytes of a submit.
    pub fn submit(&mut self, function: &str, level: Level, unique: &str, data: &str) -> Vec<u8> {
        self.created.push_back((function.to_owned(), level));
        let mut bytes = Vec::new();
        put_request(
            &mut bytes,
            level.submit_kind(),
            &[function.as_bytes(), unique.as_bytes(), data.as_bytes()],
        );
        bytes
    }

    /// The bytes of `cancel job`.
    pub fn cancel(&mut self, handle: &str) -> Vec<u8> {
        self.cancels.push_back(handle.to_owned());
        format!("cancel job {handle}\n").into_bytes()
    }

    /// The connection is gone.
    pub fn disconnect(&mut self) {
        *self = Client::default();
    }

    /// Reads what the server has sent and holds it against the model.
    pub fn receive(&mut self, me: usize, bytes: &[u8], model: &mut Model) -> Result<(), String> {
        self.received.extend_from_slice(bytes);
        let received = std::mem::take(&mut self.received);
        let mut rest = received.as_slice();
        loop {
            match decode(rest, &Limits::default())
                .map_err(|error| format!("the server sent rubbish: {error}"))?
            {
                Decoded::Incomplete(_) => break,
                Decoded::Frame(frame, length) => {
                    self.frame(me, frame, model)?;
                    rest = &rest[length..];
                }
            }
        }
        self.received = rest.to_vec();
        Ok(())
    }

    fn frame(&mut self, me: usize, frame: Frame<'_>, model: &mut Model) -> Result<(), String> {
        match frame {
            Frame::Line(line) => self.line(line, model),
            Frame::Packet { kind, body, .. } => self.packet(me, kind, body, model),
        }
    }

    fn line(&mut self, line: &[u8], model: &mut Model) -> Result<(), String> {
        let handle = self.cancels.pop_front().ok_or("a line that nobody asked for")?;
        match line {
            b"OK" => model.cancelled(&handle),
            b"ERR UNKNOWN_JOB" => {}
            other => return Err(format!("cancel was answered {:?}", String::from_utf8_lossy(other))),
        }
        Ok(())
    }

    fn packet(&mut self, me: usize, kind: u32, body: &[u8], model: &mut Model) -> Result<(), String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match kind {
            kind::JOB_CREATED => {
                let (function, level) = self.created.pop_front().ok_or("JOB_CREATED without a submit")?;
                model.created(text(body), me, function, level)
            }
            kind::WORK_DATA => {
                let [handle, data] = arguments(body).ok_or("WORK_DATA without data")?;
                let job = model.heard(&text(handle), me, "WORK_DATA")?;
                job.number.get_or_insert(number(&job.function, data)?);
                Ok(())
            }
            kind::WORK_STATUS => {
                let [handle, _, _] = arguments(body).ok_or("WORK_STATUS without numbers")?;
                let job = model.heard(&text(handle), me, "WORK_STATUS")?;
                let early = job.function.starts_with("build:") && job.number.is_none();
                if early { Err("zuul-Z-5: WORK_STATUS before the first data".into()) } else { Ok(()) }
            }
            kind::WORK_COMPLETE | kind::WORK_EXCEPTION => {
                let [handle, _] = arguments(body).ok_or("an end without data")?;
                self.end(me, &text(handle), model)
            }
            kind::WORK_FAIL => self.end(me, &text(body), model),
            other => Err(format!("a client was sent packet {other}")),
        }
    }

    fn end(&self, me: usize, handle: &str, model: &mut Model) -> Result<(), String> {
        model.heard(handle, me, "an end")?;
        model.end(handle);
        Ok(())
    }
}

/// The number in a build's first data (zuul-Z-4, Z-5); other trades may say what they like.
fn number(function: &str, data: &[u8]) -> Result<u64, String> {
    if !function.starts_with("build:") {
        return Ok(0);
    }
    let object: serde_json::Value =
        serde_json::from_slice(data).map_err(|error| format!("zuul-Z-4: {error}"))?;
    object["number"].as_u64().ok_or_else(|| format!("zuul-Z-5: no number in {object}"))
}
