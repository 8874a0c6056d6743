//! Who may be launched at the moment, after what went wrong (pools-P26, P27, P39). Pure.

use std::time::Duration;

use crate::model::Millis;
use crate::pool::config::PoolTiming;
use crate::pool::planner::{Gate, Shut};

/// After so many failures in a row a label is tried with one node at a time until one succeeds (pools-P27).
const FAILURES_BEFORE_PROBES: u32 = 10;
/// Waits differ by up to so many hundredths, so that labels that failed together do not come back together (pools-P27).
const JITTER: u64 = 20;

/// How a label at its provider fares.
#[derive(Debug, Default, Clone)]
pub(super) struct LabelHealth {
    /// In a row.
    failures: u32,
    /// How often it was left alone since the last success.
    rounds: u32,
    until: Option<Millis>,
    broken: bool,
    /// A node was ready and ended by itself before anybody used it: being ready proves nothing then.
    died: bool,
    text: String,
}

impl LabelHealth {
    /// A launch failed for a reason that may pass.
    pub(super) fn failed(&mut self, text: &str, now: Millis, random: u64, timing: &PoolTiming) {
        self.text = text.to_owned();
        self.failures = self.failures.saturating_add(1);
        let left_alone = self.until.is_some_and(|until| now < until);
        // What was on its way when the wait began is part of the same trouble.
        if self.broken || left_alone || self.failures < timing.failures_before_back_off {
            return;
        }
        let doubled = timing.back_off_first.saturating_mul(1 << self.rounds.min(16));
        self.rounds = self.rounds.saturating_add(1);
        self.until = Some(now.plus(jittered(doubled.min(timing.back_off_longest), random)));
    }

    /// A launch was refused for a reason that stays until something is changed.
    pub(super) fn refused(&mut self, text: &str, now: Millis, timing: &PoolTiming) {
        self.text = text.to_owned();
        self.failures = self.failures.saturating_add(1);
        self.broken = true;
        self.until = Some(now.plus(timing.broken_for));
    }

    /// A node that was ready ended by itself. An image whose nodes end after a second must not be launched without end (pools-P27).
    pub(super) fn died(&mut self, text: &str, now: Millis, random: u64, timing: &PoolTiming) {
        self.died = true;
        self.failed(text, now, random, timing);
    }

    /// A node became ready.
    pub(super) fn ready(&mut self) {
        if !self.died {
            *self = LabelHealth::default();
        }
    }

    /// A node was given out, or is there long after it became ready: from here on a node that becomes ready proves something again.
    pub(super) fn survived(&mut self) {
        self.died = false;
    }

    /// Whether nodes of this label may be launched.
    pub(super) fn gate(&self, now: Millis) -> Gate {
        match self.until {
            Some(until) if now < until && self.broken => Gate::Shut(Shut::Broken),
            Some(until) if now < until => Gate::Shut(Shut::BackOff),
            _ if self.broken || self.failures >= FAILURES_BEFORE_PROBES => Gate::Probe,
            _ => Gate::Open,
        }
    }

    /// When the gate opens again, if it is shut.
    pub(super) fn opens_at(&self, now: Millis) -> Option<Millis> {
        self.until.filter(|until| now < *until)
    }

    /// What went wrong last; empty after a success.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Failures in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }
}

/// Whether a provider has room, by its own words.
#[derive(Debug, Default, Clone)]
pub(super) struct QuotaHealth {
    until: Option<Millis>,
    text: String,
}

impl QuotaHealth {
    /// The provider said that it is full (pools-P39).
    pub(super) fn refused(&mut self, text: &str, now: Millis, timing: &PoolTiming) {
        self.text = text.to_owned();
        self.until = Some(now.plus(timing.quota_pause));
    }

    /// Something of ours is gone, or a create went through: there is room.
    pub(super) fn has_room(&mut self) {
        *self = QuotaHealth::default();
    }

    /// Whether anything may be created.
    pub(super) fn gate(&self, now: Millis) -> Gate {
        match self.until {
            Some(until) if now < until => Gate::Shut(Shut::Quota),
            Some(_) => Gate::Probe,
            None => Gate::Open,
        }
    }

    /// When the gate opens again, if it is shut.
    pub(super) fn opens_at(&self, now: Millis) -> Option<Millis> {
        self.until.filter(|until| now < *until)
    }

    /// The provider's words.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

fn jittered(wait: Duration, random: u64) -> Duration {
    let hundredths = u32::try_from(100 + random % (JITTER + 1)).unwrap_or(100);
    wait.saturating_mul(hundredths) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1000;

    #[test]
    fn pools_p27_three_failures_in_a_row_then_doubling_waits_then_probes() {
        let timing = PoolTiming::default();
        let mut health = LabelHealth::default();
        let mut now = Millis(0);
        let mut waits = Vec::new();
        for _ in 0..12 {
            health.failed("no", now, 0, &timing);
            if let Some(until) = health.opens_at(now) {
                assert_eq!(health.gate(now), Gate::Shut(Shut::BackOff));
                waits.push((until.0 - now.0) / SECOND);
                now = until;
            }
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300, 300, 300]);
        assert_eq!(health.gate(now), Gate::Probe);
        health.ready();
        assert_eq!(health.gate(now), Gate::Open);
        health.failed("no", now, 0, &timing);
        assert_eq!(health.gate(now), Gate::Open, "one failure after a success is one failure");
    }

    #[test]
    fn pools_p27_failures_of_one_burst_count_as_one_wait() {
        let timing = PoolTiming::default();
        let mut health = LabelHealth::default();
        for _ in 0..50 {
            health.failed("no", Millis(0), 19, &timing);
        }
        assert_eq!(health.opens_at(Millis(0)), Some(Millis(11_900)), "10 s and 19 hundredths of jitter");
        assert_eq!(health.gate(Millis(12_000)), Gate::Probe);
    }

    #[test]
    fn pools_p27_nodes_that_end_in_stock_count_until_one_is_used() {
        let timing = PoolTiming::default();
        let mut health = LabelHealth::default();
        for _ in 0..3 {
            health.ready();
            health.died("code 1", Millis(0), 0, &timing);
        }
        assert_eq!(health.gate(Millis(0)), Gate::Shut(Shut::BackOff));
        health.survived();
        health.ready();
        assert_eq!(health.gate(Millis(0)), Gate::Open);
    }

    #[test]
    fn pools_p26_a_refusal_stays_for_five_minutes_then_one_probe() {
        let timing = PoolTiming::default();
        let mut health = LabelHealth::default();
        health.refused("no such image", Millis(0), &timing);
        assert_eq!(health.gate(Millis(299_999)), Gate::Shut(Shut::Broken));
        assert_eq!(health.gate(Millis(300_000)), Gate::Probe);
        assert_eq!(health.text(), "no such image");
    }

    #[test]
    fn pools_p39_a_full_provider_is_asked_again_when_something_went_or_after_a_minute() {
        let timing = PoolTiming::default();
        let mut health = QuotaHealth::default();
        assert_eq!(health.gate(Millis(0)), Gate::Open);
        health.refused("8 of 8 used", Millis(0), &timing);
        assert_eq!(health.gate(Millis(59_999)), Gate::Shut(Shut::Quota));
        assert_eq!(health.gate(Millis(60_000)), Gate::Probe);
        health.has_room();
        assert_eq!(health.gate(Millis(1)), Gate::Open);
    }
}
