//! Who is woken, and when more are: one sleeper for each job, the longest asleep first; a job not grabbed after 20 ms wakes
//! two more, then four, then all (zuul-gearman 2.4: executors of one Jenkins node take turns and grab late).

use std::collections::VecDeque;
use std::time::Duration;

use super::Queue;
use super::connections::Rest;
use super::heads::Taker;
use crate::gearman::packet::kind;

/// How long a woken worker may take before others are woken for the same job.
const LATE_GRAB: Duration = Duration::from_millis(20);
/// Classes looked at for a sleeper in one go; the rest are looked at by the next stage.
const CLASSES_SEEN: usize = 64;

/// One function whose waiting jobs are watched.
#[derive(Debug)]
struct Watch {
    function: u32,
    number: u32,
    grabs: u32,
    stage: u8,
}

/// The functions whose sleepers were woken and whose jobs still wait.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// Begun in this turn: the turn's end gives them their time.
    fresh: Vec<Watch>,
    /// In the order of their deadlines, since all wait equally long.
    due: VecDeque<(Duration, Watch)>,
    numbers: u32,
    /// Turns the choice among classes.
    turn: usize,
}

impl Watches {
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.due.front().map(|(deadline, _)| *deadline)
    }
}

impl Queue {
    /// Puts a connection that has fallen asleep into its class's list.
    pub(super) fn add_sleeper(&mut self, slot: u32) {
        const SLACK: usize = 32;
        let connection = &self.connections[slot];
        let class = &mut self.classes[connection.class];
        class.asleep += 1;
        class.sleepers.push_back((slot, connection.sleep));
        if class.sleepers.len() > 2 * class.asleep as usize + SLACK {
            let connections = &self.connections;
            class.sleepers.retain(|(slot, sleep)| {
                connections[*slot].rest == Rest::Asleep && connections[*slot].sleep == *sleep
            });
        }
    }

    /// Sends a sleeping connection its NOOP.
    pub(super) fn wake(&mut self, slot: u32) {
        self.set_rest(slot, Rest::Woken);
        self.stats.noops += 1;
        self.connections.send(slot, kind::NOOP, &[]);
    }

    /// Wakes the longest asleep of a class; false when none sleeps.
    fn wake_in(&mut self, class: u32) -> bool {
        while self.classes[class].asleep > 0 {
            let Some((slot, sleep)) = self.classes[class].sleepers.pop_front() else { return false };
            let connection = &self.connections[slot];
            if connection.rest == Rest::Asleep && connection.sleep == sleep && connection.class == class {
                self.wake(slot);
                return true;
            }
        }
        false
    }

    /// Wakes up to `count` sleepers that have the function; how many were woken.
    fn wake_some(&mut self, function: u32, count: usize) -> usize {
        let classes = self.names[function].classes.len();
        let mut woken = 0;
        for _ in 0..classes.min(CLASSES_SEEN.max(count)) {
            self.watches.turn = self.watches.turn.wrapping_add(1);
            let class = self.names[function].classes[self.watches.turn % classes];
            while woken < count && self.wake_in(class) {
                woken += 1;
            }
            if woken >= count {
                break;
            }
        }
        woken
    }

    /// A job has arrived: one sleeper is woken for it.
    pub(super) fn wake_one(&mut self, function: u32) {
        let woken = match self.names[function].classes[..] {
            [] => false,
            [class] => self.wake_in(class),
            _ => self.wake_some(function, 1) > 0,
        };
        if woken {
            self.watch(function);
        }
    }

    /// After a grab: a woken worker may have taken an older job than the one it was woken for.
    pub(super) fn wake_after_grab(&mut self, class: u32) {
        if self.classes[class].woken == 0 && self.classes[class].asleep > 0 {
            self.wake_for_waiting(class);
        }
    }

    /// Wakes a sleeper of the class if a job waits for it.
    pub(super) fn wake_for_waiting(&mut self, class: u32) {
        if self.classes[class].asleep > 0
            && let Some(job) = self.next_job(Taker::Class(class))
            && self.wake_in(class)
        {
            self.watch(self.jobs[job].function);
        }
    }

    /// Watches the function's waiting jobs, unless they are watched already.
    fn watch(&mut self, function: u32) {
        let entry = &mut self.names[function];
        if entry.watch != 0 {
            return;
        }
        self.watches.numbers = self.watches.numbers.wrapping_add(1).max(1);
        entry.watch = self.watches.numbers;
        self.watches.fresh.push(Watch { function, number: entry.watch, grabs: entry.grabs, stage: 0 });
    }

    /// The function's last waiting job is gone: nobody is late any more.
    pub(super) fn calm(&mut self, function: u32) {
        if !self.names[function].has_waiting() {
            self.names[function].watch = 0;
        }
    }

    /// Looks at what was woken too long ago, and gives the watches of this turn their time.
    pub(super) fn wake_late(&mut self, now: Duration) {
        while let Some((deadline, _)) = self.watches.due.front() {
            let current = |watch: &Watch, names: &super::Names| names[watch.function].watch == watch.number;
            if *deadline > now {
                // Watches of jobs that were grabbed in time need no timer.
                match self.watches.due.front() {
                    Some((_, watch)) if !current(watch, &self.names) => {}
                    _ => break,
                }
            }
            let Some((_, watch)) = self.watches.due.pop_front() else { break };
            if current(&watch, &self.names) {
                self.wake_more(watch);
            }
        }
        for watch in self.watches.fresh.drain(..) {
            if self.names[watch.function].watch == watch.number {
                self.watches.due.push_back((now + LATE_GRAB, watch));
            }
        }
    }

    fn wake_more(&mut self, mut watch: Watch) {
        let entry = &self.names[watch.function];
        if entry.grabs != watch.grabs {
            // Someone grabs: begin again for the jobs that are still there.
            watch.grabs = entry.grabs;
            watch.stage = 0;
        }
        let count = match watch.stage {
            0 => 2,
            1 => 4,
            _ => usize::MAX,
        };
        watch.stage = (watch.stage + 1).min(2);
        if entry.is_local() || self.wake_some(watch.function, count) == 0 {
            // Nobody sleeps: whoever goes to sleep while the job waits is woken by its PRE_SLEEP.
            self.names[watch.function].watch = 0;
            return;
        }
        self.watches.fresh.push(watch);
    }
}
