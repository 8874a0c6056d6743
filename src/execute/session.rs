//! A build on its node: steps are started and followed over whatever stream there is, and over the next one when it breaks.

use std::time::Duration;

use tracing::{debug, info};

use super::stop::StopWatch;
use crate::console::{Console, Masker, Masks};
use crate::keeper::{Keeper, KeeperError, LogEvent, StepEnd, StepSpec};
use crate::pool::{Lease, LeaseFailure};
use crate::sys::failpoint;

/// The lease of a build and the way to its node.
pub(super) struct Session {
    lease: Lease,
}

/// One step, with the place of its output.
pub(super) struct StepCall {
    /// What to run.
    pub spec: StepSpec,
    /// How many bytes of its log are in the console already.
    pub stored: u64,
    /// What is kept out of the console.
    pub masks: Masks,
    /// Between TERM and KILL on a stop.
    pub grace: Duration,
}

impl Session {
    /// A session on that lease.
    pub fn new(lease: Lease) -> Session {
        Session { lease }
    }

    /// The lease.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Gives the node back.
    pub async fn release(self) {
        self.lease.release().await;
    }

    /// Runs or takes up a step and copies its output to the console until it ends. Each byte is copied once, however often the
    /// stream breaks.
    ///
    /// # Errors
    /// When the node is lost or cannot do what is asked.
    pub async fn run(
        &self,
        call: StepCall,
        console: &Console,
        stop: &mut StopWatch,
    ) -> Result<StepEnd, LeaseFailure> {
        // A secret may lie across the place where the console ends.
        let again = call.masks.reach().min(call.stored);
        let mut log =
            StepLog { taken: call.stored - again, masker: Masker::new(&call.masks, again), console };
        let mut stopping = false;
        loop {
            let keeper = self.lease.keeper().await?;
            match follow(&keeper, &call, &mut log, stop, &mut stopping).await {
                Ok(end) => return Ok(end),
                Err(error) if error.is_retryable() => {
                    info!(node.id = %self.lease.node(), %error, "stream to the node broke; opening another");
                }
                Err(error) => {
                    return Err(LeaseFailure::Infrastructure(format!("the node's keeper failed: {error}")));
                }
            }
        }
    }

    /// Ends what steps have left behind and still has all of `cookie` in its environment (jjb-T14). Returns how many that were.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn sweep(&self, cookie: Vec<String>, grace: Duration) -> Result<u32, LeaseFailure> {
        let sweep = |keeper: Keeper| {
            let cookie = cookie.clone();
            async move { keeper.sweep(cookie, grace).await }
        };
        self.with_keeper(sweep).await
    }

    /// Does something that may be repeated, over as many streams as it needs.
    ///
    /// # Errors
    /// When the node is lost or refuses.
    pub async fn with_keeper<T, F>(&self, action: impl Fn(Keeper) -> F) -> Result<T, LeaseFailure>
    where
        F: Future<Output = Result<T, KeeperError>>,
    {
        loop {
            let keeper = self.lease.keeper().await?;
            match action(keeper).await {
                Ok(value) => return Ok(value),
                Err(error) if error.is_retryable() => {
                    debug!(node.id = %self.lease.node(), %error, "stream to the node broke; trying again");
                }
                Err(error) => {
                    return Err(LeaseFailure::Infrastructure(format!("the node's keeper failed: {error}")));
                }
            }
        }
    }
}

/// The way of a step's output into the console.
struct StepLog<'a> {
    /// How many bytes of it were taken.
    taken: u64,
    masker: Masker,
    console: &'a Console,
}

async fn follow(
    keeper: &Keeper,
    call: &StepCall,
    into: &mut StepLog<'_>,
    stop: &mut StopWatch,
    stopping: &mut bool,
) -> Result<StepEnd, KeeperError> {
    // Starting a step that exists answers with its state and runs nothing twice.
    keeper.start_step(call.spec.clone()).await?;
    if *stopping {
        keeper.stop(call.spec.step, call.grace).await?;
    }
    let mut log = keeper.follow(call.spec.step, into.taken).await?;
    loop {
        tokio::select! {
            () = stop.asked(), if !*stopping => {
                *stopping = true;
                keeper.stop(call.spec.step, call.grace).await?;
            }
            followed = log.next() => match followed? {
                LogEvent::Data { bytes, .. } => {
                    failpoint::hit("before-first-byte");
                    let mut pieces = vec![bytes];
                    pieces.extend(log.more());
                    into.taken += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
                    let masked = pieces.into_iter().map(|piece| into.masker.push(piece));
                    let masked = masked.filter(|piece| !piece.is_empty()).collect();
                    // Only fails when the process ends; the next one follows from what is stored.
                    let _ = into.console.append_all(masked).await;
                    failpoint::hit("after-first-byte");
                }
                LogEvent::Ended(end) => {
                    let _ = into.console.append(into.masker.finish()).await;
                    return Ok(end);
                }
            }
        }
    }
}
