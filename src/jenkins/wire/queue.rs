//! The queue of a master: what a trigger answers, and what becomes of an item (jenkins-rest 3).

use std::fmt;

use serde::Deserialize;

use super::{Refusal, Reply};

/// An item of a master's queue. Two triggers may answer with the same one: they were folded (jenkins-rest 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub struct QueueId(pub u64);

impl fmt::Display for QueueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueState {
    /// It waits. The text is the master's and translated: for people only.
    Waiting {
        /// Why.
        why: Option<String>,
    },
    /// It became this build.
    Started {
        /// Its number.
        number: u64,
    },
    /// It was cancelled and never becomes a build.
    Cancelled,
    /// It has left the queue and does not say yet as what: to be asked again.
    Leaving,
}

/// An item as the master tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueItem {
    /// Its id.
    pub id: QueueId,
    /// Where it stands.
    pub state: QueueState,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(rename = "_class", default)]
    class: String,
    id: Option<u64>,
    why: Option<String>,
    cancelled: Option<bool>,
    executable: Option<Executable>,
}

#[derive(Deserialize)]
struct Executable {
    number: Option<u64>,
}

impl QueueItem {
    /// What to ask, below the base.
    pub fn path(id: QueueId) -> String {
        format!("queue/item/{id}/api/json")
    }

    /// Reads the answer about the item `id`. A 404 is [`Refusal::NotFound`]: the item is older than five minutes or the master
    /// was restarted, and the build is to be looked for by its `queueId` (jenkins-rest 3.3).
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read(id: QueueId, reply: &Reply) -> Result<QueueItem, Refusal> {
        let raw: Raw = reply.json()?;
        let number = raw.executable.and_then(|executable| executable.number);
        let state = match number {
            Some(number) => QueueState::Started { number },
            None if raw.cancelled == Some(true) => QueueState::Cancelled,
            None if raw.class.ends_with("LeftItem") => QueueState::Leaving,
            None => QueueState::Waiting { why: raw.why },
        };
        Ok(QueueItem { id: raw.id.map_or(id, QueueId), state })
    }
}

/// Reads the answer to a trigger: the item that it became. `None`: the master took it and does not say as what (`Location` names
/// the job), so the item is to be looked for (jenkins-rest 3.1).
///
/// # Errors
/// When the master did not take it.
pub fn queued(reply: &Reply) -> Result<Option<QueueId>, Refusal> {
    let reply = reply.accepted()?;
    if reply.status != 201 {
        return Err(Refusal::NotJenkins { detail: format!("status {} to a trigger", reply.status) });
    }
    let location = reply.header("location").unwrap_or_default().trim_end_matches('/');
    let mut parts = location.rsplit('/');
    let id = parts.next().and_then(|id| id.parse().ok()).map(QueueId);
    Ok(id.filter(|_| parts.next() == Some("item") && parts.next() == Some("queue")))
}

/// Reads the answer to a cancel: whether the item was cancelled by it. `false`: it had just left the queue, and its build is to be
/// stopped instead (jenkins-rest 3.3).
///
/// # Errors
/// When the master refuses.
pub fn cancelled(reply: &Reply) -> Result<bool, Refusal> {
    match reply.accepted() {
        Ok(_) => Ok(true),
        Err(Refusal::Status { status: 500 }) => Ok(false),
        Err(refusal) => Err(refusal),
    }
}
