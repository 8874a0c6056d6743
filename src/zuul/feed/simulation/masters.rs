//! Masters: external workers that grab, speak, end, and sometimes break.

use crate::gearman::codec::{Decoded, Frame, decode};
use crate::gearman::limits::Limits;
use crate::gearman::packet::{arguments, kind, put_request};
use crate::gearman::server::ConnectionId;

use super::model::Model;

/// One executor of a master.
#[derive(Debug, Default)]
pub(super) struct Master {
    pub connection: Option<ConnectionId>,
    /// The functions it serves.
    pub functions: Vec<String>,
    /// The job that it has, and whether it has said anything about it.
    pub job: Option<(String, bool)>,
    received: Vec<u8>,
}

impl Master {
    /// An executor that serves these functions.
    pub fn serving(functions: &[&str]) -> Master {
        Master { functions: functions.iter().map(|name| (*name).to_owned()).collect(), ..Master::default() }
    }

    /// The bytes of its first words.
    pub fn register(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for function in &self.functions {
            put_request(&mut bytes, kind::CAN_DO, &[function.as_bytes()]);
        }
        bytes
    }

    /// The bytes of a grab.
    pub fn grab(&self) -> Vec<u8> {
        request(kind::GRAB_JOB_UNIQ, &[])
    }

    /// Its next words about its job: data first, then the end.
    pub fn go_on(&mut self, number: u64) -> Vec<u8> {
        match self.job.take() {
            None => request(kind::PRE_SLEEP, &[]),
            Some((handle, false)) => {
                let data = format!(r#"{{"number": {number}, "manager": "master", "name": "ext"}}"#);
                let bytes = request(kind::WORK_DATA, &[handle.as_bytes(), data.as_bytes()]);
                self.job = Some((handle, true));
                bytes
            }
            Some((handle, true)) => {
                request(kind::WORK_COMPLETE, &[handle.as_bytes(), br#"{"result": "SUCCESS"}"#])
            }
        }
    }

    /// The connection is gone.
    pub fn disconnect(&mut self) {
        *self = Master { functions: std::mem::take(&mut self.functions), ..Master::default() };
    }

    /// Reads what the server has sent.
    pub fn receive(&mut self, bytes: &[u8], model: &mut Model) -> Result<(), String> {
        self.received.extend_from_slice(bytes);
        let received = std::mem::take(&mut self.received);
        let mut rest = received.as_slice();
        while let Decoded::Frame(frame, length) =
            decode(rest, &Limits::default()).map_err(|error| format!("the server sent rubbish: {error}"))?
        {
            self.frame(frame, model)?;
            rest = &rest[length..];
        }
        self.received = rest.to_vec();
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>, model: &mut Model) -> Result<(), String> {
        let Frame::Packet { kind, body, .. } = frame else { return Err("a worker was sent a line".into()) };
        match kind {
            kind::NOOP | kind::NO_JOB => Ok(()),
            kind::JOB_ASSIGN_UNIQ => {
                let [handle, function, ..] = arguments::<4>(body).ok_or("a short JOB_ASSIGN_UNIQ")?;
                let handle = String::from_utf8_lossy(handle).into_owned();
                if function == b"stop:master" {
                    // A stop that the feed has submitted for a client that cancelled in the gap: it has no client.
                    self.job = Some((handle, true));
                    return Ok(());
                }
                if function.starts_with(b"build:own") {
                    return Err("decision 9: a job of ours was given to an external worker".into());
                }
                let servable: Vec<String> =
                    self.functions.iter().filter(|name| !name.starts_with("build:own")).cloned().collect();
                model.assigned(&handle, &servable)?;
                self.job = Some((handle, false));
                Ok(())
            }
            other => Err(format!("a worker was sent packet {other} (zuul-gearman 8.6)")),
        }
    }
}

fn request(kind: u32, arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_request(&mut bytes, kind, arguments);
    bytes
}
