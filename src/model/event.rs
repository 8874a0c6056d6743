//! What happened to builds, nodes and leases, kept as a log (pools-P4).

use std::borrow::Cow;
use std::fmt;

use super::{
    BuildId, BuildRecord, BuildState, Cause, LeaseId, MasterStep, Millis, NodeId, Origin, ResultWord,
};

/// Longer causes are cut: a provider's whole text stands in the log of the process and in the row itself.
const CAUSE_BYTES: usize = 500;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A build.
    Build(BuildId),
    /// A node.
    Node(NodeId),
    /// A lease.
    Lease(LeaseId),
}

impl Subject {
    /// The kind's word, used in the store and in listings.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Build(_) => "build",
            Subject::Node(_) => "node",
            Subject::Lease(_) => "lease",
        }
    }

    /// The id as text; ids of different kinds are never equal.
    pub fn id(&self) -> &str {
        match self {
            Subject::Build(id) => id.as_str(),
            Subject::Node(id) => id.as_str(),
            Subject::Lease(id) => id.as_str(),
        }
    }

    /// A subject read back from its two words.
    pub fn from_parts(kind: &str, id: &str) -> Option<Subject> {
        match kind {
            "build" => id.parse().ok().map(Subject::Build),
            "node" => id.parse().ok().map(Subject::Node),
            "lease" => id.parse().ok().map(Subject::Lease),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind(), self.id())
    }
}

/// One transition (pools-P4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Millis,
    /// Of what.
    pub subject: Subject,
    /// The state before; `None` when it came to be.
    pub from: Option<Cow<'static, str>>,
    /// The state after.
    pub to: Cow<'static, str>,
    /// Why, for people.
    pub cause: String,
    /// Who did it: a part of Causeway, `Zuul`, or a user.
    pub actor: Cow<'static, str>,
}

impl Event {
    /// The cause with everything else; what is too long of it is cut.
    pub fn new(
        at: Millis,
        subject: Subject,
        (from, to): (Option<&'static str>, &'static str),
        mut cause: String,
        actor: impl Into<Cow<'static, str>>,
    ) -> Event {
        cause.truncate(cause.floor_char_boundary(CAUSE_BYTES));
        Event { at, subject, from: from.map(Cow::Borrowed), to: to.into(), cause, actor: actor.into() }
    }

    /// A build that was accepted.
    pub fn accepted(record: &BuildRecord) -> Event {
        let (cause, actor) = match &record.request.origin {
            Origin::Gearman { unique } => (format!("asked for by Zuul as {unique}"), "Zuul".into()),
            Origin::Http { user } => ("asked for over HTTP".to_owned(), Cow::Owned(user.clone())),
            Origin::Build(parent) => {
                (format!("started by {} #{}", parent.job, parent.number), Cow::Owned(parent.id.to_string()))
            }
        };
        let subject = Subject::Build(record.id);
        Event::new(record.accepted_at, subject, (None, stage(record)), cause, actor)
    }

    /// What made a build's record `after` of `before`, if that is a transition: a step that ends is none.
    pub fn of_build(before: &BuildRecord, after: &BuildRecord, at: Millis) -> Option<Event> {
        let stages = (stage(before), stage(after));
        if stages.0 == stages.1 && before.lease == after.lease {
            return None;
        }
        let cause = match (&after.state, &after.stop) {
            (BuildState::Ended(outcome), _) => {
                let word = outcome.result.map_or("no result", ResultWord::as_str);
                format!("{word}: {}", outcome.cause)
            }
            (_, Some(stop)) => stop.cause.to_string(),
            (BuildState::Waiting { reason }, None) if after.lease.is_none() => reason.clone(),
            (BuildState::Publishing, None) => "post steps and results".to_owned(),
            (BuildState::Running, None) if after.master.is_some() => {
                match after.master.as_ref().map(|run| run.step) {
                    Some(MasterStep::Started { number, .. }) => format!("runs as #{number} on its master"),
                    Some(MasterStep::Asking | MasterStep::Queued { .. }) | None => String::new(),
                }
            }
            (BuildState::Running, None) if before.lease == after.lease => {
                let step = after.steps.last().map_or("a step", |step| &step.title);
                format!("{step} begins")
            }
            (BuildState::Accepted | BuildState::Waiting { .. } | BuildState::Running, None) => {
                after.lease.map(|(lease, node)| format!("node {node} by lease {lease}")).unwrap_or_default()
            }
        };
        let actor = match (&before.stop, &after.stop) {
            (None, Some(stop)) => who(&stop.cause),
            _ => Cow::Borrowed("dispatcher"),
        };
        Some(Event::new(at, Subject::Build(after.id), (Some(stages.0), stages.1), cause, actor))
    }
}

/// Where a build stands for people: its state, or what it has been given or asked for since.
fn stage(record: &BuildRecord) -> &'static str {
    match &record.state {
        BuildState::Ended(_) => "ended",
        _ if record.stop.is_some() => "stopping",
        BuildState::Accepted | BuildState::Waiting { .. } if record.lease.is_some() => "leased",
        state => state.as_str(),
    }
}

/// Who asked for a stop: the words before what he says about it.
fn who(cause: &Cause) -> Cow<'static, str> {
    match cause {
        Cause::Stopped { by } => by.split([',', ':']).next().unwrap_or_default().to_owned().into(),
        _ => "dispatcher".into(),
    }
}
