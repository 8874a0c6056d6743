//! Progressive logs (jenkins-rest 4.3).

use bytes::Bytes;

use super::{Refusal, Reply};

/// One part of a build's log. Lines end in CRLF here and in LF in `consoleText`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// The bytes.
    pub text: Bytes,
    /// Where to go on. It counts hidden markup that the text lacks, so it is never computed from the text's length.
    pub next: u64,
    /// More is to come. Only an answer without it ends the log.
    pub more: bool,
    /// The master's log is shorter than what was asked for: this is all of it, from the beginning.
    pub again: bool,
}

impl LogPart {
    /// What to ask below the build's path.
    pub fn path(start: u64) -> String {
        format!("logText/progressiveText?start={start}")
    }

    /// Reads the answer to a question from `start` on.
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read(start: u64, reply: &Reply) -> Result<LogPart, Refusal> {
        let reply = reply.accepted()?;
        let size = reply.header("x-text-size").and_then(|size| size.trim().parse().ok());
        let next: u64 = size.ok_or_else(|| Refusal::NotJenkins {
            detail: "a log without X-Text-Size; does a proxy take it away?".to_owned(),
        })?;
        let more = reply.header("x-more-data").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        Ok(LogPart { text: reply.body.clone(), next, more, again: next < start })
    }
}
