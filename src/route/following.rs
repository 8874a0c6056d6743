//! A build that runs on its master: its log, its end (jenkins-rest 4.2, 4.3, 4.5), its stop.

use std::time::Duration;

use tokio::time::Instant;

use super::MasterError;
use super::log::with_line_feeds;
use super::run::{OnMaster, lost};
use super::watch::RunSight;
use crate::jenkins::wire::{Phase, QueueId, Verdict};
use crate::model::{Cause, MasterRun, MasterStep, Outcome, ResultWord};
use crate::sys::Backoff;

/// The place in the log is stored this often; what lies behind it is fetched again after a crash.
const STORED_EVERY: Duration = Duration::from_secs(5);
/// A stop is said again when the build still runs after this time.
const STOP_AGAIN: Duration = Duration::from_secs(10);
/// How long the last lines of a build that is over are waited for.
const LAST_LINES_WITHIN: Duration = Duration::from_secs(300);
/// Looks at which a build of the same start of the master is not there before it is lost.
const GONE_LOOKS: u32 = 3;

impl OnMaster<'_> {
    /// Follows the build to its end.
    pub(super) async fn follow(&mut self, run: &mut MasterRun, number: u64) -> Result<Outcome, Outcome> {
        if let MasterStep::Started { item: Some(item), .. } = run.step {
            self.watched.started(QueueId(item));
        }
        self.begin(run, number).await?;
        let mut sight = self.watched.run(&self.job, number);
        let (mut stopped_at, mut gone) = (None::<Instant>, 0);
        let mut next_log = Instant::now();
        let mut stored = Instant::now();
        loop {
            if self.stop().is_some() && stopped_at.is_none_or(|at| at.elapsed() >= STOP_AGAIN) {
                let asked = self.master().stop(&self.job, number).await;
                stopped_at = asked.is_ok().then(Instant::now);
            }
            tokio::select! {
                changed = sight.changed() => if changed.is_err() { return Err(lost("the masters are not watched any more")) },
                () = tokio::time::sleep_until(next_log) => {
                    // A master that does not answer is asked again; what is missing comes then.
                    let _ = self.pull(run, number).await;
                    next_log = Instant::now() + self.watched.log_pause();
                    if stored.elapsed() >= STORED_EVERY {
                        stored = Instant::now();
                        self.store(run).await?;
                    }
                    continue;
                }
                () = self.stop_asked(), if stopped_at.is_none() => {
                    tokio::time::sleep(if self.watched.trouble().is_some() { STOP_AGAIN / 10 } else { Duration::ZERO }).await;
                    continue;
                }
            }
            let seen = sight.borrow_and_update().clone();
            match seen {
                RunSight::Unknown => {}
                RunSight::Running(estimated) => self.estimate(run, estimated).await?,
                RunSight::Facts(facts, _) => {
                    gone = 0;
                    match facts.phase {
                        Phase::Running => self.estimate(run, facts.estimated_ms).await?,
                        Phase::Closing(verdict) | Phase::Over(verdict) => {
                            self.last_lines(run, number).await;
                            return Ok(self.outcome(verdict));
                        }
                    }
                }
                RunSight::Gone(_) => {
                    gone += 1;
                    self.is_lost(run, number, gone).await?;
                }
            }
        }
    }

    /// What is learnt once when it starts: the master's start, the address, and what Zuul had said about it before.
    async fn begin(&mut self, run: &mut MasterRun, number: u64) -> Result<(), Outcome> {
        if run.url.is_some() {
            return Ok(());
        }
        run.session = self.patiently(|| self.master().session()).await.ok().flatten();
        run.url = Some(self.master().url(&self.job, number));
        self.store(run).await?;
        let description = self.now().description.clone();
        if !description.is_empty() {
            let _ = self.master().describe(&self.job, number, &description).await;
        }
        Ok(())
    }

    async fn estimate(&self, run: &mut MasterRun, estimated: Option<u64>) -> Result<(), Outcome> {
        if estimated.is_none() || run.estimated_ms == estimated {
            return Ok(());
        }
        run.estimated_ms = estimated;
        self.store(run).await
    }

    /// A build that its master does not know any more: gone with a restart, or said so often enough (jenkins-rest 4.5).
    async fn is_lost(&self, run: &MasterRun, number: u64, gone: u32) -> Result<(), Outcome> {
        let Ok(session) = self.master().session().await else { return Ok(()) };
        let name = self.watched.name();
        if session != run.session {
            return Err(lost(format!("master {name} was restarted while build #{number} ran there")));
        }
        if gone >= GONE_LOOKS {
            return Err(lost(format!("master {name} does not know build #{number} any more")));
        }
        Ok(())
    }

    /// Takes what is new of the log; whether more is to come.
    async fn pull(&mut self, run: &mut MasterRun, number: u64) -> Result<bool, MasterError> {
        let part = {
            let _place = self.watched.request().await;
            self.master().log(&self.job, number, run.log.next).await?
        };
        if part.again {
            run.log.carriage_return = false;
            self.say("\nThe master's log has become shorter; it begins anew.\n").await;
        }
        let text = with_line_feeds(&part.text, &mut run.log.carriage_return);
        let limit = self.context.log_limit;
        let before = self.console.length();
        if before < limit {
            let over = before + text.len() as u64 >= limit;
            // Only fails when the process ends; the next one fetches it again.
            if let Ok(length) = self.console.append(text).await {
                run.log.console_end = length;
            }
            if over {
                self.say("\nThe log is longer than 'builds.log_limit'; the rest is on the master.\n").await;
            }
        }
        run.log.next = part.next;
        Ok(part.more)
    }

    /// The log counts when an answer says that nothing more comes (jenkins-rest 4.2).
    async fn last_lines(&mut self, run: &mut MasterRun, number: u64) {
        let until = Instant::now() + LAST_LINES_WITHIN;
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(2));
        loop {
            match self.pull(run, number).await {
                Ok(false) => {
                    if std::mem::take(&mut run.log.carriage_return) {
                        self.say("\r").await;
                    }
                    self.log_ended = true;
                    return;
                }
                // Gone meanwhile, or the master does not answer: the result is known, its last lines are worth a while.
                Ok(true) | Err(_) if Instant::now() < until => {}
                Ok(true) | Err(_) => {
                    self.say("\nThe last lines of the log are missing: the master does not give them.\n")
                        .await;
                    return;
                }
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    /// The master's word as it is (zuul 8.5).
    fn outcome(&self, verdict: Verdict) -> Outcome {
        let result = match verdict {
            Verdict::Success => ResultWord::Success,
            Verdict::Unstable => ResultWord::Unstable,
            Verdict::Failure => ResultWord::Failure,
            Verdict::NotBuilt => ResultWord::NotBuilt,
            Verdict::Aborted => return self.stopped(),
        };
        Outcome { result: Some(result), cause: Cause::Finished }
    }
}
