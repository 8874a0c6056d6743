//! Pauses between tries.

use std::time::Duration;

/// Pauses that double from one to the next, up to a longest.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// Begins with `first`; no pause is longer than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Backoff {
        Backoff { next: first.min(longest), longest }
    }

    /// The pause before the next try.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(100));
        let pauses = [(); 5].map(|()| backoff.pause().as_millis());
        assert_eq!(pauses, [20, 40, 80, 100, 100]);
        assert_eq!(
            Backoff::new(Duration::from_secs(9), Duration::from_secs(1)).pause(),
            Duration::from_secs(1)
        );
    }
}
