//! What follows a commit: answers, and the tasks that work on nodes.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Reconciler;
use super::connect::{NoKeeper, connect};
use super::launch::Launch;
use super::leases::directory;
use super::removal::Removal;
use crate::keeper::Keeper;
use crate::model::{LeaseId, NodeId, NodeState};
use crate::pool::handle::PoolError;
use crate::pool::lease::LeaseFailure;
use crate::pool::message::{Holder, Message, News};
use crate::pool::provider::NodeSpec;

/// Something that may be done or said only when what it is about is stored.
pub(super) enum Effect {
    /// A launch may go on, or not.
    Advanced(oneshot::Sender<bool>, bool),
    /// A request is in the queue.
    Queued(oneshot::Sender<Result<LeaseId, PoolError>>, LeaseId),
    /// A lease has its node.
    Grant(LeaseId),
    /// A lease will never have one.
    Refuse(Holder, LeaseFailure),
    /// A lease is over.
    Released(oneshot::Sender<()>),
    /// A node is to be made, from the state that it is in.
    Launch(NodeId),
    /// A node failed; its last words are wanted.
    Diagnose(NodeId),
    /// A node is to be taken away.
    Remove(NodeId),
    /// A node in stock needs a stream to its keeper.
    Connect(NodeId),
    /// The stream to this keeper is to be watched.
    Watch(NodeId, Keeper),
}

impl Reconciler {
    /// Whoever is to be told may be gone: what he asked for stands all the same.
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Advanced(answer, goes_on) => drop(answer.send(goes_on)),
            Effect::Queued(answer, lease) => drop(answer.send(Ok(lease))),
            Effect::Grant(lease) => self.grant(lease),
            Effect::Refuse(waiter, failure) => drop(waiter.granted.send(Err(failure))),
            Effect::Released(answer) => drop(answer.send(())),
            Effect::Launch(node) => self.launch(node),
            Effect::Diagnose(node) => match self.removal(node) {
                Some(removal) if removal.made => self.spawn(removal.diagnose()),
                _ => {
                    self.remove(node, "could not be made");
                    self.again = true;
                }
            },
            Effect::Remove(node) => {
                if let Some(removal) = self.removal(node) {
                    self.spawn(removal.run());
                }
            }
            Effect::Connect(node) => self.connect(node),
            Effect::Watch(node, keeper) => self.watch(node, keeper),
        }
    }

    fn grant(&mut self, id: LeaseId) {
        let Some(node) = self.node_of(id) else { return };
        let granted = self.hold(id, node);
        let Some(lease) = self.leases.get_mut(&id) else { return };
        let Some(waiter) = lease.waiter.take() else { return };
        if waiter.granted.send(granted).is_err() {
            // The ticket was dropped at this moment: the next turn finds the lease without holder.
            self.again = true;
        }
    }

    fn launch(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        let (Some(provider), Some(label)) = (node.provider, &node.definition) else { return };
        let entry = &self.providers[provider];
        let launch = Launch {
            spec: NodeSpec {
                node: id,
                instance: self.instance.clone(),
                label: label.as_ref().clone(),
                directory: directory(&self.nodes_dir, id),
            },
            provider: Arc::clone(&entry.driver),
            messages: self.messages.clone(),
            timing: self.timing.clone(),
            slots: Arc::clone(&entry.launches),
            cancel: node.cancel.clone(),
        };
        self.spawn(launch.run(node.row.state));
    }

    fn removal(&mut self, id: NodeId) -> Option<Removal> {
        let node = self.nodes.get_mut(&id)?;
        let entry = &self.providers[node.provider?];
        Some(Removal {
            node: id,
            provider: Arc::clone(&entry.driver),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            messages: self.messages.clone(),
            timing: self.timing.clone(),
            slots: Arc::clone(&entry.removals),
            made: node.made,
            keeper: node.farewell.take(),
        })
    }

    /// Looks for the keeper of a node in stock until it is found or the provider says that the node is gone.
    fn connect(&self, id: NodeId) {
        let Some(node) = self.nodes.get(&id).filter(|node| node.row.state == NodeState::Ready) else {
            return;
        };
        let Some(provider) = node.provider else { return };
        let provider = Arc::clone(&self.providers[provider].driver);
        let (messages, timing, cancel) = (self.messages.clone(), self.timing.clone(), node.cancel.clone());
        self.spawn(async move {
            let found = tokio::select! {
                () = cancel.cancelled() => return,
                found = connect(&provider, id, &timing, None) => found,
            };
            let news = match found {
                Ok(keeper) => News::Connected(keeper),
                Err(NoKeeper::Gone(text) | NoKeeper::Unreachable(text)) => News::Lost(text),
            };
            let _ = messages.send(Message::Node { node: id, news }).await;
        });
    }

    fn watch(&self, id: NodeId, keeper: Keeper) {
        let messages = self.messages.clone();
        self.spawn(async move {
            keeper.closed().await;
            drop(keeper);
            let _ = messages.send(Message::Node { node: id, news: News::Closed }).await;
        });
    }
}
