//! Looks at each provider: does it answer, and what of ours does it have (pools-P54 to P58).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Reconciler;
use super::effects::Effect;
use super::launch::limited;
use super::nodes::Node;
use super::sweep::{Memory, Row, Verdict};
use crate::model::{BuildState, Millis, NodeId, NodeState};
use crate::pool::message::{Message, News};
use crate::pool::provider::{Health, Listing, ProviderError};

/// A look's calls have this long (pools-V2).
const CALL: Duration = Duration::from_secs(60);
/// A keeper in stock answers within this time or its stream is given up (pools-P37).
const PING: Duration = Duration::from_secs(2);

/// Looks in a row without an answer after which a provider counts as out of reach (pools 11.2).
const MISSES: u32 = 3;
/// Until then the next look comes so soon.
const AGAIN: Duration = Duration::from_secs(5);

/// What is known from looking at a provider.
#[derive(Default)]
pub(super) struct Look {
    memory: Memory,
    /// A look is under way.
    looking: bool,
    /// When the next one is due; at once, before the first.
    due: Option<Instant>,
    /// Looks in a row that had no answer.
    misses: u32,
    /// Whether it answers, and in what words.
    pub(super) health: Option<Result<String, String>>,
    pub(super) unmanaged: u32,
    pub(super) leaked: u32,
    pub(super) alert: Option<String>,
    /// Somebody confirmed that much may be removed.
    confirmed: bool,
}

impl Look {
    /// When the loop has to wake for it.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.filter(|_| !self.looking)
    }

    /// Takes in whether it answered. One that did is not out of reach before it was missed several times in a row.
    fn answered(&mut self, health: Result<String, String>) {
        self.misses = if health.is_ok() { 0 } else { self.misses.saturating_add(1) };
        if health.is_err() && self.misses < MISSES {
            self.due = self.due.map(|due| due.min(Instant::now() + AGAIN));
            if matches!(self.health, Some(Ok(_))) {
                return;
            }
        }
        self.health = Some(health);
    }
}

impl Reconciler {
    /// Starts the looks that are due.
    pub(super) fn start_looks(&mut self) {
        let now = Instant::now();
        let mut any = false;
        for provider in 0..self.providers.len() {
            let look = &mut self.providers[provider].look;
            if look.looking || look.due.is_some_and(|due| due > now) {
                continue;
            }
            look.looking = true;
            look.due = Some(now + self.timing.sweep);
            any = true;
            self.look(provider);
        }
        if any {
            self.ping_stock();
            self.ask_for_orphans();
        }
    }

    fn look(&self, provider: usize) {
        let driver = Arc::clone(&self.providers[provider].driver);
        let (messages, began) = (self.messages.clone(), self.clock.now());
        self.spawn(async move {
            let health = limited(CALL, "check", driver.check()).await;
            let listing = match &health {
                Ok(_) => limited(CALL, "list", driver.list()).await,
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = &listing {
                tracing::warn!(provider.name = driver.name(), %error, "a provider could not be looked at");
            }
            let message = Message::Looked { provider, began, health, listing: listing.ok() };
            let _ = messages.send(message).await;
        });
    }

    /// Makes sure that the keepers of the stock answer; a stream that says nothing is opened anew (pools-P37).
    fn ping_stock(&self) {
        let in_stock = |node: &&Node| node.row.state == NodeState::Ready;
        for node in self.nodes.values().filter(in_stock) {
            let (Some(keeper), id, stream) = (node.keeper.clone(), node.row.id, node.stream) else {
                continue;
            };
            let messages = self.messages.clone();
            self.spawn(async move {
                if !matches!(timeout(PING, keeper.ping()).await, Ok(Ok(()))) {
                    let news = News::Silent { stream };
                    let _ = messages.send(Message::Node { node: id, news }).await;
                }
            });
        }
    }

    /// A stream in stock gave no sign of life: another one is opened, unless that has happened already.
    pub(super) fn silent(&mut self, id: NodeId, stream: u64) {
        let node = self.nodes.get_mut(&id).filter(|node| node.row.state == NodeState::Ready);
        if let Some(node) = node.filter(|node| node.stream == stream && node.keeper.is_some()) {
            node.keeper = None;
            self.effects.push(Effect::Connect(id));
        }
    }

    /// Leases that nobody holds end when their build has: a holder that died cannot give its node back.
    fn ask_for_orphans(&self) {
        let alone: Vec<_> = self
            .leases
            .values()
            .filter(|lease| !lease.is_held())
            .map(|lease| (lease.row.id, lease.row.build))
            .collect();
        for (lease, build) in alone {
            let (store, messages) = (Arc::clone(&self.store), self.messages.clone());
            self.spawn(async move {
                let over = match store.build(build).await {
                    Ok(Some(record)) => matches!(record.state, BuildState::Ended(_)),
                    Ok(None) => true,
                    // Looked at again with the next sweep.
                    Err(_) => false,
                };
                if over {
                    let _ = messages.send(Message::Orphaned { lease }).await;
                }
            });
        }
    }

    /// Takes in what a look saw.
    pub(super) fn looked(
        &mut self,
        provider: usize,
        began: Millis,
        health: Result<Health, ProviderError>,
        listing: Option<Listing>,
    ) {
        let rows: HashMap<NodeId, Row> = self
            .nodes
            .values()
            .filter(|node| node.provider == Some(provider))
            .map(|node| (node.row.id, Row { state: node.row.state, since: node.row.since }))
            .collect();
        let grace = self.timing.leak_grace;
        let look = &mut self.providers[provider].look;
        look.looking = false;
        look.answered(health.map(|health| health.summary).map_err(|error| error.to_string()));
        let Some(listing) = listing else { return };
        let verdict = look.memory.judge(&listing, &rows, began, grace);
        look.unmanaged = listing.unmanaged;
        if listing.complete {
            look.leaked = u32::try_from(verdict.leaked).unwrap_or(u32::MAX);
            look.alert.clone_from(&verdict.alert);
        }
        for node in &verdict.lost {
            self.lost(*node, "the provider does not have it any more");
        }
        for (node, text) in &verdict.exited {
            self.lost(*node, &format!("it ended by itself: {text}"));
        }
        let old = |node: &&Node| {
            node.row.state == NodeState::Ready && began.since(node.row.since) >= self.timing.sweep
        };
        for label in self.nodes.values().filter(old).filter_map(|node| node.label) {
            self.labels[label].health.survived();
        }
        self.remove_leaks(provider, verdict);
    }

    fn remove_leaks(&mut self, provider: usize, verdict: Verdict) {
        let entry = &mut self.providers[provider];
        if let Some(alert) = verdict.alert.filter(|_| !entry.look.confirmed) {
            tracing::error!(provider.name = entry.driver.name(), reason = alert, "a sweep was stopped");
            return;
        }
        entry.look.confirmed = false;
        for node in verdict.remove {
            let (driver, slots) = (Arc::clone(&entry.driver), Arc::clone(&entry.removals));
            let limit = self.timing.delete_timeout;
            tracing::warn!(node.id = %node, provider.name = driver.name(), "an object of ours without a row is removed");
            let shutdown = self.shutdown.clone();
            self.tasks.spawn(async move {
                let work = async {
                    let _slot = slots.acquire().await;
                    if let Err(error) = limited(limit, "delete", driver.destroy(node)).await {
                        // It is seen again with the next sweep.
                        tracing::warn!(node.id = %node, %error, "an object without a row could not be removed");
                    }
                };
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = work => {}
                }
            });
        }
    }

    /// Lets sweeps remove what they held back, and looks at once.
    pub(super) fn purge_leaks(&mut self) {
        for provider in &mut self.providers {
            if provider.look.alert.is_some() {
                provider.look.confirmed = true;
                provider.look.due = None;
            }
        }
    }

    /// Tells those who wait for an empty pool, once it is.
    pub(super) fn answer_cleared(&mut self) {
        let mut left = self.nodes.values().filter(|node| node.row.lease.is_none());
        if let Some(waiting) = self.clearing.as_mut().filter(|_| left.next().is_none()) {
            for answer in waiting.drain(..) {
                // Whoever asked may be gone.
                let _ = answer.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_11_2_a_provider_is_out_of_reach_after_three_misses() {
        let no = || Err("no answer".to_owned());
        let mut look = Look::default();
        look.answered(no());
        assert_eq!(look.health, Some(no()), "one that never answered is not ready");
        for _ in 0..2 {
            look.answered(Ok("here".to_owned()));
            look.due = Some(Instant::now() + Duration::from_secs(60));
            for miss in 1..MISSES {
                look.answered(no());
                assert_eq!(look.health, Some(Ok("here".to_owned())), "{miss} in a row");
                assert!(
                    look.due.is_some_and(|due| due <= Instant::now() + AGAIN),
                    "it is looked at again soon"
                );
            }
            look.answered(no());
            assert_eq!(look.health, Some(no()));
        }
    }
}
