//! One task per build: lease, workspace, steps, post steps, collection, release.
//!
//! Owns the order in which a recipe is carried out and what each end means (jjb-T1 to T3, pools-12.9). Everything it does is told to
//! [`Builds`](crate::build::Builds) before it has an effect, and the same code that runs a build takes it up again after a restart: a step that
//! the record calls ended is not run, one that it calls started is followed from where the console ends. Never: knowing Zuul,
//! Gearman or HTTP, or what kind of engine a node lives on. Start with `run`.

mod archive;
mod build_image;
mod commit;
mod condition;
mod conditional;
mod context;
mod disk;
mod ending;
mod engine_step;
mod environment;
mod expand;
mod guard;
mod image_record;
mod image_source;
mod inject;
mod limits;
mod mail;
mod order;
mod publish;
mod pull_image;
mod room;
mod room_spec;
mod run;
mod secrets;
mod session;
mod ssh_agent;
mod starts_after;
mod steps;
mod stop;
mod test_report;
mod trigger;
mod turn;
mod verdict;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use context::{Context, Settings};
pub use expand::expand;
pub use mail::{Mailer, Message};
pub use secrets::{Secret, SecretFailure, SecretStore};

use crate::model::BuildId;

/// Takes up every accepted build until `shutdown`. Then the tasks are let go where they stand: their builds go on on their nodes and
/// are taken up by the next process (pools-P9).
pub async fn execute(context: Context, mut accepted: mpsc::Receiver<BuildId>, shutdown: CancellationToken) {
    let context = Arc::new(context);
    let turns = Arc::new(turn::Turns::default());
    let tasks = TaskTracker::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            id = accepted.recv() => {
                let Some(id) = id else { break };
                // A build that had its node when the former process ended has its job's turn before any other.
                let running = context.builds.watch(id).filter(|record| record.borrow().lease.is_some());
                let turn = running.and_then(|record| turns.take(&record.borrow().request.job));
                let build = run::run(Arc::clone(&context), Arc::clone(&turns), turn, id);
                // On the heap by itself: whatever waits for a future by value holds its state two or three times (perf-M3).
                tasks.spawn(shutdown.clone().run_until_cancelled_owned(Box::pin(build)));
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}
