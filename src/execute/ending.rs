//! What the end of a step means for the build (pools-12.9, jjb-T13).

use std::time::Duration;

use crate::catalog::recipe::{ShellStep, TimeLimitAction};
use crate::model::{Cause, ResultWord, StepEnd};

/// The limits that a step ran under, for the words of its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    /// The whole time limit of the build, as the job says it.
    pub absolute: Option<Duration>,
    /// The limit for silence.
    pub inactivity: Option<Duration>,
    /// What a passed limit makes of the build.
    pub action: Option<TimeLimitAction>,
}

/// The result and its cause; `None` when the step ended well.
pub(super) fn judge(
    end: &StepEnd,
    title: &str,
    shell: &ShellStep,
    limits: Limits,
) -> Option<(ResultWord, Cause)> {
    let step = title.to_owned();
    let on_limit = match limits.action {
        Some(TimeLimitAction::Abort) => ResultWord::Aborted,
        Some(TimeLimitAction::Fail) | None => ResultWord::Failure,
    };
    match end {
        StepEnd::Exit(0) => None,
        StepEnd::Exit(code) if shell.unstable_return == Some(*code) => {
            Some((ResultWord::Unstable, Cause::Exit { step, code: *code }))
        }
        StepEnd::Exit(code) => Some((ResultWord::Failure, Cause::Exit { step, code: *code })),
        StepEnd::Signal(signal) => Some((ResultWord::Failure, Cause::Signal { step, signal: *signal })),
        StepEnd::Memory => Some((ResultWord::Failure, Cause::Memory { step })),
        StepEnd::Timeout => Some((on_limit, Cause::Timeout { limit: limits.absolute.unwrap_or_default() })),
        StepEnd::Inactivity => {
            Some((on_limit, Cause::Inactivity { limit: limits.inactivity.unwrap_or_default() }))
        }
        StepEnd::CannotStart(detail) => {
            Some((ResultWord::Failure, Cause::CannotStart { step, detail: detail.clone() }))
        }
        // Whoever asked for the stop is named by the build's stop mark.
        StepEnd::Stopped => Some((ResultWord::Aborted, Cause::Stopped { by: String::new() })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(unstable_return: Option<i32>) -> ShellStep {
        ShellStep {
            interpreter: vec!["/bin/sh".into()],
            script: String::new(),
            unstable_return,
            place: Default::default(),
        }
    }

    fn word(end: StepEnd, action: Option<TimeLimitAction>) -> Option<ResultWord> {
        judge(&end, "step 1", &shell(Some(3)), Limits { action, ..Limits::default() }).map(|(word, _)| word)
    }

    #[test]
    fn jjb_t13_exit_codes() {
        assert_eq!(word(StepEnd::Exit(0), None), None);
        assert_eq!(word(StepEnd::Exit(3), None), Some(ResultWord::Unstable));
        assert_eq!(word(StepEnd::Exit(4), None), Some(ResultWord::Failure));
    }

    #[test]
    fn a_passed_limit_is_what_the_job_says() {
        assert_eq!(word(StepEnd::Timeout, Some(TimeLimitAction::Abort)), Some(ResultWord::Aborted));
        assert_eq!(word(StepEnd::Inactivity, Some(TimeLimitAction::Fail)), Some(ResultWord::Failure));
    }
}
