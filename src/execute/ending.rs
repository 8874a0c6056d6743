//! What the end of a step means for the build (pools-12.9, jjb-T13).

use super::limits::Limits;
use super::verdict::Effect;
use crate::catalog::recipe::TimeLimitAction;
use crate::model::{Cause, ResultWord, StepEnd};

/// What the step does to its build; `None` when it ended well.
pub(super) fn judge(
    end: &StepEnd,
    title: &str,
    unstable_return: Option<i32>,
    limits: Limits,
) -> Option<Effect> {
    let step = title.to_owned();
    let on_limit = match limits.action {
        Some(TimeLimitAction::Abort) => ResultWord::Aborted,
        Some(TimeLimitAction::Fail) | None => ResultWord::Failure,
    };
    let (word, cause) = match end {
        StepEnd::Exit(0) => return None,
        StepEnd::Exit(code) if unstable_return == Some(*code) => {
            (ResultWord::Unstable, Cause::Exit { step, code: *code })
        }
        StepEnd::Exit(code) => (ResultWord::Failure, Cause::Exit { step, code: *code }),
        StepEnd::Signal(signal) => (ResultWord::Failure, Cause::Signal { step, signal: *signal }),
        StepEnd::Memory(memory) => (ResultWord::Failure, Cause::Memory { step, memory: *memory }),
        StepEnd::Processes(code) if unstable_return == Some(*code) => {
            (ResultWord::Unstable, Cause::Exit { step, code: *code })
        }
        StepEnd::Processes(code) => (ResultWord::Failure, Cause::Processes { step, code: *code }),
        StepEnd::Output => (ResultWord::Failure, Cause::Output { step }),
        StepEnd::Timeout => (on_limit, Cause::Timeout { limit: limits.absolute.unwrap_or_default() }),
        StepEnd::Inactivity => (on_limit, Cause::Inactivity { limit: limits.inactivity.unwrap_or_default() }),
        StepEnd::CannotStart { code, detail } => {
            (ResultWord::Failure, Cause::CannotStart { step, code: *code, detail: detail.clone() })
        }
        // Whoever asked for the stop is named by the build's stop mark.
        StepEnd::Stopped => (ResultWord::Aborted, Cause::Stopped { by: String::new() }),
    };
    Some(Effect::of(word, cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(end: StepEnd, action: Option<TimeLimitAction>) -> Option<ResultWord> {
        judge(&end, "step 1", Some(3), Limits { action, ..Limits::default() }).map(|effect| effect.word)
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
