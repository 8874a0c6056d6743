//! The result so far: it only gets worse (jjb-T1), and the first cause of the worst word is the one that people read.

use crate::model::{Cause, Outcome, ResultWord};

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

    /// The end.
    pub fn outcome(self) -> Outcome {
        Outcome { result: Some(self.word), cause: self.cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_t1_a_result_only_gets_worse() {
        let exit = |code| Cause::Exit { step: "step 1".into(), code };
        let mut verdict = Verdict::new();
        verdict.worsen(ResultWord::Failure, exit(1));
        verdict.worsen(ResultWord::Unstable, exit(2));
        verdict.worsen(ResultWord::Failure, exit(3));
        assert_eq!(verdict.outcome(), Outcome { result: Some(ResultWord::Failure), cause: exit(1) });
    }
}
