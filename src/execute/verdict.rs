//! The result so far: it only gets worse (jjb-T1), and the first cause of the worst word is the one that people read.

use crate::model::{Cause, Outcome, ResultWord};

/// What a step does to its build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    /// What the result becomes at least.
    pub word: ResultWord,
    /// Why.
    pub cause: Cause,
    /// Whether the steps that follow are not run.
    pub ends: bool,
}

impl Effect {
    /// A step that ended with this word: all but UNSTABLE end what follows (jjb-T1).
    pub fn of(word: ResultWord, cause: Cause) -> Effect {
        Effect { word, cause, ends: word > ResultWord::Unstable }
    }

    /// Both together: the worse word, the first cause of it.
    pub fn and(self, other: Effect) -> Effect {
        let ends = self.ends || other.ends;
        let worse = if other.word > self.word { other } else { self };
        Effect { ends, ..worse }
    }
}

/// Result and cause so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    word: ResultWord,
    cause: Cause,
}

impl Verdict {
    /// As good as it can be.
    pub fn new() -> Verdict {
        Verdict { word: ResultWord::Success, cause: Cause::Finished }
    }

    /// The word so far.
    pub fn word(&self) -> ResultWord {
        self.word
    }

    /// Makes the result `word` for that cause, unless it is as bad already.
    pub fn worsen(&mut self, word: ResultWord, cause: Cause) {
        if word > self.word {
            *self = Verdict { word, cause };
        }
    }

    /// The end. A build that is FAILURE only because a build that it waited for met with trouble of ours has no word either: the
    /// change is not to blame, and Zuul launches it again (design A13).
    pub fn outcome(self) -> Outcome {
        match (self.word, &self.cause) {
            (ResultWord::Failure, Cause::Infrastructure { .. }) => {
                Outcome { result: None, cause: self.cause }
            }
            (word, _) => Outcome { result: Some(word), cause: self.cause },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: i32) -> Cause {
        Cause::Exit { step: "step 1".into(), code }
    }

    #[test]
    fn jjb_t1_a_result_only_gets_worse() {
        let mut verdict = Verdict::new();
        verdict.worsen(ResultWord::Failure, exit(1));
        verdict.worsen(ResultWord::Unstable, exit(2));
        verdict.worsen(ResultWord::Failure, exit(3));
        assert_eq!(verdict.outcome(), Outcome { result: Some(ResultWord::Failure), cause: exit(1) });
    }

    #[test]
    fn a_13_a_lost_build_that_was_waited_for_blames_nobody() {
        let lost = Cause::Infrastructure { detail: "lint #3 was lost".into() };
        let mut verdict = Verdict::new();
        verdict.worsen(ResultWord::Failure, lost.clone());
        assert_eq!(verdict.clone().outcome(), Outcome { result: None, cause: lost });
        verdict.worsen(ResultWord::Aborted, exit(1));
        assert_eq!(verdict.outcome().result, Some(ResultWord::Aborted));
    }

    #[test]
    fn effects_add_up() {
        let unstable = Effect::of(ResultWord::Unstable, exit(1));
        let failed = Effect { ends: false, ..Effect::of(ResultWord::Failure, exit(2)) };
        assert!(!unstable.ends && !unstable.clone().and(failed.clone()).ends);
        assert_eq!(unstable.and(failed).cause, exit(2));
    }
}
