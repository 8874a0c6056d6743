//! A build on its node: steps are started and followed over whatever stream there is, and over the next one when it breaks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::{debug, info};

use super::room::{Room, RoomLost};
use super::stop::StopWatch;
use crate::console::{Console, Masker, Masks};
use crate::keeper::{EndedBy, Exit, Keeper, KeeperError, LogEvent, StepEnd, StepSpec};
use crate::pool::{Lease, LeaseFailure};
use crate::sys::failpoint;

/// The lease of a build and the way to its node.
pub(super) struct Session {
    lease: Lease,
    /// The container in which steps run, while it is another than the node.
    room: Mutex<Option<Arc<Room>>>,
}

/// Whose keeper does it.
#[derive(Clone, Copy)]
enum By {
    /// The node's.
    Node,
    /// That of the container in which steps run.
    Steps,
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
        Session { lease, room: Mutex::default() }
    }

    /// The lease.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// From now on steps run in this container.
    pub fn enter(&self, room: Arc<Room>) {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
    }

    /// From now on steps run on the node itself.
    pub fn leave(&self) -> Option<Arc<Room>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The container in which steps run, if it is another than the node.
    pub fn room(&self) -> Option<Arc<Room>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keeper by which steps are run.
    async fn keeper_of_steps(&self) -> Result<Keeper, RoomLost> {
        match self.room() {
            Some(room) => room.keeper(&self.lease).await,
            None => self.lease.keeper().await.map_err(RoomLost::Failed),
        }
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
            let keeper = match self.keeper_of_steps().await {
                Ok(keeper) => keeper,
                Err(RoomLost::Failed(failure)) => return Err(failure),
                Err(RoomLost::Ended(text)) => return Ok(lost(text)),
            };
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

    /// Does something that may be repeated, over as many streams to the node as it needs.
    ///
    /// # Errors
    /// When the node is lost or refuses.
    pub async fn with_keeper<T, F>(&self, action: impl Fn(Keeper) -> F) -> Result<T, LeaseFailure>
    where
        F: Future<Output = Result<T, KeeperError>>,
    {
        self.repeat(By::Node, action).await
    }

    /// The same by the keeper that runs the steps.
    ///
    /// # Errors
    /// When node or container are lost or refuse.
    pub async fn with_keeper_of_steps<T, F>(&self, action: impl Fn(Keeper) -> F) -> Result<T, LeaseFailure>
    where
        F: Future<Output = Result<T, KeeperError>>,
    {
        self.repeat(By::Steps, action).await
    }

    async fn repeat<T, F>(&self, by: By, action: impl Fn(Keeper) -> F) -> Result<T, LeaseFailure>
    where
        F: Future<Output = Result<T, KeeperError>>,
    {
        loop {
            let keeper = match by {
                By::Node => self.lease.keeper().await?,
                By::Steps => match self.keeper_of_steps().await {
                    Ok(keeper) => keeper,
                    Err(RoomLost::Failed(failure)) => return Err(failure),
                    Err(RoomLost::Ended(text)) => return Err(LeaseFailure::Infrastructure(text)),
                },
            };
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

/// The end of a step whose container ended under it (docker-M27).
fn lost(text: String) -> StepEnd {
    StepEnd {
        exit: Exit::NotStarted { code: 125, text },
        by: EndedBy::Itself,
        memory_kills: 0,
        processes_refused: 0,
        memory_limit: None,
        memory_peak: None,
        log_length: 0,
        log_dropped: 0,
        started_at: 0,
        ended_at: 0,
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
