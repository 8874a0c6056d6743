//! What the fake provider has, and how it changes.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::{Calls, Fault, Script};
use crate::model::NodeId;
use crate::pool::provider::{Observed, ObservedState, ProviderError};

/// Everything there is.
#[derive(Default)]
pub(super) struct World {
    pub(super) script: Script,
    pub(super) calls: Calls,
    pub(super) objects: BTreeMap<NodeId, Object>,
    /// Objects that appear after so many further calls.
    late: Vec<(NodeId, u32)>,
}

/// One node.
pub(super) struct Object {
    pub(super) state: ObservedState,
    pub(super) fault: Option<Fault>,
    pub(super) streams: CancellationToken,
}

impl Object {
    pub(super) fn new(fault: Option<Fault>) -> Object {
        Object { state: ObservedState::Created, fault, streams: CancellationToken::new() }
    }

    pub(super) fn end(&mut self, text: &str) {
        self.state = ObservedState::Exited(text.to_owned());
        self.drop_streams();
    }

    pub(super) fn drop_streams(&mut self) {
        std::mem::take(&mut self.streams).cancel();
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.streams.cancel();
    }
}

impl World {
    pub(super) fn new(script: Script) -> World {
        World { script, ..World::default() }
    }

    /// A call was made: what comes late comes nearer.
    pub(super) fn tick(&mut self) {
        for (node, left) in &mut self.late {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.objects.entry(*node).or_insert_with(|| Object::new(None));
            }
        }
        self.late.retain(|(_, left)| *left > 0);
        self.calls.peak = self.calls.peak.max(self.objects.len());
    }

    pub(super) fn create(&mut self, node: NodeId) -> Result<String, ProviderError> {
        self.calls.creates += 1;
        let lost = || ProviderError::Ambiguous("connection reset".to_owned());
        let fault = self.script.faults.remove(&self.calls.creates).or(self.script.always);
        if self.script.room.is_some_and(|room| self.objects.len() >= room) || fault == Some(Fault::Quota) {
            return Err(ProviderError::Quota(format!("{} nodes are there already", self.objects.len())));
        }
        match fault {
            Some(Fault::Transient) => return Err(ProviderError::Transient("try again".to_owned())),
            Some(Fault::Permanent) => return Err(ProviderError::Permanent("never heard of it".to_owned())),
            Some(Fault::LoseRequest) => return Err(lost()),
            Some(Fault::Late(calls)) => {
                self.late.push((node, calls));
                return Err(lost());
            }
            _ => {}
        }
        self.objects.entry(node).or_insert_with(|| Object::new(fault));
        self.calls.peak = self.calls.peak.max(self.objects.len());
        match fault {
            Some(Fault::LoseAnswer) => Err(lost()),
            _ => Ok(external_id(node)),
        }
    }

    pub(super) fn start(&mut self, node: NodeId) -> Result<(), ProviderError> {
        self.calls.starts += 1;
        let object = self.objects.get_mut(&node).ok_or(ProviderError::NotFound)?;
        if object.fault == Some(Fault::EndAtStart) {
            object.end("code 127");
        } else if object.state == ObservedState::Created {
            object.state = ObservedState::Running;
        }
        Ok(())
    }

    pub(super) fn destroy(&mut self, node: NodeId) -> Result<(), ProviderError> {
        self.calls.destroys += 1;
        if self.script.stuck_deletes > 0 {
            self.script.stuck_deletes -= 1;
            return Err(ProviderError::Transient("removal in progress".to_owned()));
        }
        self.objects.remove(&node);
        Ok(())
    }

    pub(super) fn observe(&self, node: NodeId) -> Option<Observed> {
        let object = self.objects.get(&node)?;
        Some(Observed { node, external_id: external_id(node), state: object.state.clone() })
    }
}

fn external_id(node: NodeId) -> String {
    format!("fake-{node}")
}
