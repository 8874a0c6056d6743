//! A wall clock that does not jump at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Clock, SystemClock};
use crate::model::Millis;

/// A step of the wall clock that is larger than this is a jump: somebody set the clock, or the machine slept (pools-P5).
const JUMP: i64 = 60_000;
/// A jump is followed when it has lasted so long; until then time goes on as before, so that nothing expires by it.
const BELIEVED_AFTER: i64 = 60_000;

/// The machine's wall clock, held against its monotonic one (pools-P5): small corrections are followed at once; a jump of more
/// than a minute is logged, and believed only when it is still there a minute later. A clock that was set wrong and set right
/// again therefore never ends a lease or a hold early.
pub struct SteadyClock {
    source: SystemClock,
    started: Instant,
    course: Mutex<Course>,
}

impl SteadyClock {
    /// A clock that begins with what the machine says now.
    pub fn new() -> SteadyClock {
        let source = SystemClock;
        let course = Course { offset: signed(source.now().0), jump: None };
        SteadyClock { source, started: Instant::now(), course: Mutex::new(course) }
    }
}

impl Default for SteadyClock {
    fn default() -> SteadyClock {
        SteadyClock::new()
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Millis {
        let steady = whole(self.started.elapsed());
        let wall = signed(self.source.now().0);
        // A panic elsewhere left no half-written course behind: its fields are written together.
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        Millis(u64::try_from(course.read(steady, wall)).unwrap_or(0))
    }

    fn random(&self) -> u64 {
        self.source.random()
    }
}

/// How far the wall clock is ahead of the monotonic one, in milliseconds, and a jump that is not believed yet.
#[derive(Debug)]
struct Course {
    offset: i64,
    jump: Option<Jump>,
}

#[derive(Debug, Clone, Copy)]
struct Jump {
    seen: i64,
    offset: i64,
}

impl Course {
    /// The time to go by, when the monotonic clock reads `steady` and the wall clock `wall`.
    fn read(&mut self, steady: i64, wall: i64) -> i64 {
        let offset = wall.saturating_sub(steady);
        let by = offset.saturating_sub(self.offset);
        if by.abs() <= JUMP {
            if self.jump.take().is_some() {
                tracing::warn!("the wall clock is back on its course");
            }
            self.offset = offset;
            return wall;
        }
        match self.jump {
            Some(jump) if offset.saturating_sub(jump.offset).abs() <= JUMP => {
                if steady - jump.seen >= BELIEVED_AFTER {
                    tracing::warn!(
                        seconds = by / 1000,
                        "the wall clock's jump has lasted a minute; it is followed now"
                    );
                    *self = Course { offset, jump: None };
                }
            }
            _ => {
                tracing::warn!(
                    seconds = by / 1000,
                    "the wall clock jumped; it is followed when it still says so in a minute"
                );
                self.jump = Some(Jump { seen: steady, offset });
            }
        }
        steady.saturating_add(self.offset)
    }
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

fn whole(elapsed: Duration) -> i64 {
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: i64 = 1_000_000_000;

    fn course() -> Course {
        Course { offset: BEGAN, jump: None }
    }

    #[test]
    fn pools_p5_small_corrections_are_followed_at_once() {
        let mut course = course();
        assert_eq!(course.read(1_000, BEGAN + 1_000), BEGAN + 1_000);
        assert_eq!(course.read(2_000, BEGAN + 32_000), BEGAN + 32_000);
        assert_eq!(course.read(3_000, BEGAN + 3_000), BEGAN + 3_000);
    }

    #[test]
    fn pools_p5_a_jump_that_is_taken_back_is_never_seen() {
        for by in [-86_400_000, -61_000, 61_000, 86_400_000] {
            let mut course = course();
            assert_eq!(course.read(1_000, BEGAN + by + 1_000), BEGAN + 1_000);
            assert_eq!(course.read(50_000, BEGAN + by + 50_000), BEGAN + 50_000);
            assert_eq!(course.read(51_000, BEGAN + 51_000), BEGAN + 51_000);
            // Another one later has its own minute.
            assert_eq!(course.read(90_000, BEGAN + by + 90_000), BEGAN + 90_000);
        }
    }

    #[test]
    fn pools_p5_a_jump_that_lasts_is_followed_a_minute_later() {
        let mut course = course();
        let by = 7_200_000;
        assert_eq!(course.read(1_000, BEGAN + by + 1_000), BEGAN + 1_000);
        assert_eq!(course.read(60_999, BEGAN + by + 60_999), BEGAN + 60_999);
        assert_eq!(course.read(61_000, BEGAN + by + 61_000), BEGAN + by + 61_000);
    }

    #[test]
    fn the_machines_own_clock_is_read() {
        let by = SteadyClock::new().now().0.abs_diff(SystemClock.now().0);
        assert!(by < 10_000, "{by}");
    }
}
