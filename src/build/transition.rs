//! What an event makes of a build's record: a pure function.

use super::BuildEvent;
use crate::model::{BuildRecord, BuildState, MasterStep, Millis, StepRecord, StepState, StopMark};

/// An event that does not fit the build's state: a fault of ours, never of the outside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a build that is {state} cannot take {event}")]
pub struct Illegal {
    state: &'static str,
    event: String,
}

/// The record after `event`; `None` when the event changes nothing (a second end, a second stop).
pub(super) fn apply(
    record: &BuildRecord,
    event: &BuildEvent,
    now: Millis,
) -> Result<Option<BuildRecord>, Illegal> {
    let ended = record.state.outcome().is_some();
    let illegal = || Illegal { state: record.state.as_str(), event: format!("{event:?}") };
    let mut next = record.clone();
    match event {
        BuildEvent::Described { text } => next.description.clone_from(text),
        BuildEvent::Ended(_) | BuildEvent::StopAsked { .. } if ended => return Ok(None),
        _ if ended => return Err(illegal()),
        BuildEvent::StopAsked { .. } if record.stop.is_some() => return Ok(None),
        BuildEvent::StopAsked { cause } => next.stop = Some(StopMark { at: now, cause: cause.clone() }),
        BuildEvent::Ended(outcome) => {
            next.state = BuildState::Ended(outcome.clone());
            next.ended_at = Some(now);
        }
        BuildEvent::Waiting { reason } => match record.state {
            BuildState::Accepted | BuildState::Waiting { .. } => {
                next.state = BuildState::Waiting { reason: reason.clone() }
            }
            _ => return Err(illegal()),
        },
        BuildEvent::Leased { lease, node } => next.lease = Some((*lease, *node)),
        BuildEvent::OnMaster(run) => {
            if let MasterStep::Started { .. } = run.step {
                next.started_at.get_or_insert(now);
                next.state = BuildState::Running;
            }
            next.master = Some(run.clone());
        }
        BuildEvent::StepStarted { index, title, console_start } => {
            if next.steps.iter().any(|step| step.state == StepState::Started || step.index >= *index) {
                return Err(illegal());
            }
            next.started_at.get_or_insert(now);
            if !matches!(record.state, BuildState::Publishing) {
                next.state = BuildState::Running;
            }
            next.steps.push(StepRecord {
                index: *index,
                title: title.clone(),
                console_start: *console_start,
                started_at: now,
                state: StepState::Started,
            });
        }
        BuildEvent::StepEnded { index, end, console_end } => {
            let step = next.steps.iter_mut().find(|step| step.index == *index).ok_or_else(illegal)?;
            if step.state != StepState::Started {
                return Err(illegal());
            }
            step.state = StepState::Ended { end: end.clone(), console_end: *console_end, at: now };
        }
        BuildEvent::Publishing => next.state = BuildState::Publishing,
    }
    Ok((next != *record).then_some(next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::testing::record;
    use crate::model::{Cause, Outcome, ResultWord, StepEnd};

    fn after(record: &BuildRecord, event: &BuildEvent) -> BuildRecord {
        apply(record, event, Millis(7)).unwrap().unwrap()
    }

    fn ended(result: ResultWord) -> BuildEvent {
        BuildEvent::Ended(Outcome { result: Some(result), cause: Cause::Finished })
    }

    #[test]
    fn pools_d63_a_second_end_keeps_the_first() {
        let end = after(&record("unit"), &ended(ResultWord::Success));
        assert_eq!(apply(&end, &ended(ResultWord::Failure), Millis(9)), Ok(None));
    }

    #[test]
    fn pools_d66_a_second_stop_changes_nothing() {
        let stop = BuildEvent::StopAsked { cause: Cause::Stopped { by: "zuul".into() } };
        let stopped = after(&record("unit"), &stop);
        assert_eq!(apply(&stopped, &stop, Millis(9)), Ok(None));
    }

    #[test]
    fn zuul_6_6_a_finished_build_takes_a_description() {
        let end = after(&record("unit"), &ended(ResultWord::Success));
        let described = after(&end, &BuildEvent::Described { text: "late".into() });
        assert_eq!(described.description, "late");
    }

    #[test]
    fn steps_run_one_after_another() {
        let start = |index| BuildEvent::StepStarted { index, title: "step".into(), console_start: 10 };
        let first = after(&record("unit"), &start(1));
        assert_eq!(first.state, BuildState::Running);
        assert!(apply(&first, &start(2), Millis(8)).is_err());
        let ended =
            after(&first, &BuildEvent::StepEnded { index: 1, end: StepEnd::Exit(0), console_end: 20 });
        assert!(apply(&ended, &start(1), Millis(8)).is_err());
        assert_eq!(after(&ended, &start(2)).steps.len(), 2);
    }

    #[test]
    fn nothing_runs_after_the_end() {
        let end = after(&record("unit"), &ended(ResultWord::Success));
        assert!(apply(&end, &BuildEvent::Publishing, Millis(8)).is_err());
    }
}
