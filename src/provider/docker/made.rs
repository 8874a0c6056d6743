//! What this process has made and knows without asking: fewer calls in the way of a build that is nothing special (perf-D1).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::NodeId;
use crate::pool::label::NetworkMode;
use crate::pool::provider::NodeSpec;

/// A container that this process has made.
pub(super) struct Made {
    /// The engine's id of it: nobody else's object ever has it.
    pub id: String,
    /// Its image.
    pub image: Option<String>,
    /// Whether it has a network of its own.
    pub isolated: bool,
    /// Whether something beside it may have been made for its build.
    pub beside: Beside,
    started: bool,
}

/// Whether anything was made beside a node; set before it is.
#[derive(Clone, Default)]
pub(super) struct Beside(Arc<AtomicBool>);

impl Beside {
    /// From now on there may be something.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether there may be.
    pub fn is_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The containers that this process has made and not been told to destroy. Of others, of former processes too, nothing is known here.
#[derive(Default)]
pub(super) struct AllMade(Mutex<HashMap<NodeId, Made>>);

impl AllMade {
    fn all(&self) -> MutexGuard<'_, HashMap<NodeId, Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a new container.
    pub fn made(&self, spec: &NodeSpec, id: &str) {
        let made = Made {
            id: id.to_owned(),
            image: spec.label.image.clone(),
            isolated: spec.label.network == NetworkMode::Isolated,
            beside: Beside::default(),
            started: false,
        };
        self.all().insert(spec.node, made);
    }

    /// The id of a container that was not started yet: nobody else can have started it. Once.
    pub fn to_start(&self, node: NodeId) -> Option<String> {
        let mut all = self.all();
        let made = all.get_mut(&node).filter(|made| !made.started)?;
        made.started = true;
        Some(made.id.clone())
    }

    /// The mark of what is beside a node.
    pub fn beside(&self, node: NodeId) -> Beside {
        self.all().get(&node).map(|made| made.beside.clone()).unwrap_or_default()
    }

    /// What is known of a node that is to go; once, so that a second try looks for itself.
    pub fn take(&self, node: NodeId) -> Option<Made> {
        self.all().remove(&node)
    }
}
