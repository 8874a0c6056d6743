//! A provider that makes nothing: for dry runs, and to test the pool against everything that a cloud does wrong (pools-V5).
//!
//! Its behaviour is a script; its nodes' keepers say hello and live, and refuse to run steps.

mod peer;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::DuplexStream;
use tokio::time::sleep;

use self::world::{Object, World};
use crate::model::NodeId;
use crate::pool::label::LabelDefinition;
use crate::pool::provider::{
    BoxStream, Health, ImageFacts, Listing, NodeSpec, Observed, ObservedState, Provider, ProviderError,
};

/// A keeper's stream holds so much unread; hello and ping need a few bytes.
const STREAM_BYTES: usize = 4096;

/// What goes wrong with one create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Refused for lack of room.
    Quota,
    /// Refused for now.
    Transient,
    /// Refused for good.
    Permanent,
    /// Made, but the answer is lost.
    LoseAnswer,
    /// Not made, and the answer is lost.
    LoseRequest,
    /// Made after so many further calls to the provider, and the answer is lost (pools-P53).
    Late(u32),
    /// Made, and its keeper never says anything.
    NeverBoot,
    /// Made, and another node's keeper answers (pools-P35).
    WrongNode,
    /// Made, and ends as soon as it is started.
    EndAtStart,
}

/// How the provider behaves. All of it may be changed while it runs.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// How long an image's preparation takes.
    pub prepare: Duration,
    /// How long a create takes.
    pub create: Duration,
    /// How long a start takes.
    pub start: Duration,
    /// How long a keeper takes to its first words.
    pub boot: Duration,
    /// How long a delete takes.
    pub destroy: Duration,
    /// What goes wrong with the nth create, counted from 1.
    pub faults: BTreeMap<u64, Fault>,
    /// What goes wrong with every other create.
    pub always: Option<Fault>,
    /// What is wrong with the image, for good.
    pub image: Option<String>,
    /// No call is answered but with an error.
    pub down: bool,
    /// So many deletes fail before one works.
    pub stuck_deletes: u32,
    /// Listings show nothing and say that they are incomplete (pools-P55).
    pub incomplete: bool,
    /// More objects than this are refused as `Quota`.
    pub room: Option<usize>,
}

/// What was asked of the provider so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// Creates.
    pub creates: u64,
    /// Starts.
    pub starts: u64,
    /// Further streams.
    pub opens: u64,
    /// Deletes.
    pub destroys: u64,
    /// Listings.
    pub lists: u64,
    /// The most objects that there ever were at once.
    pub peak: usize,
}

/// The fake provider. Clones share one world, as two processes share an engine.
#[derive(Clone)]
pub struct FakeProvider {
    name: String,
    world: Arc<Mutex<World>>,
}

impl FakeProvider {
    /// A provider of that name which behaves by the script.
    pub fn new(name: &str, script: Script) -> FakeProvider {
        FakeProvider { name: name.to_owned(), world: Arc::new(Mutex::new(World::new(script))) }
    }

    /// Changes the script from here on.
    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.lock().script);
    }

    /// What was asked so far.
    pub fn calls(&self) -> Calls {
        self.lock().calls
    }

    /// The nodes that exist.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.lock().objects.keys().copied().collect()
    }

    /// Puts an object there of which nobody has a row.
    pub fn plant(&self, node: NodeId) {
        self.lock().objects.insert(node, Object::new(None));
    }

    /// Takes an object away without telling anybody.
    pub fn vanish(&self, node: NodeId) {
        self.lock().objects.remove(&node);
    }

    /// Ends an object's processes without telling anybody.
    pub fn end(&self, node: NodeId, text: &str) {
        if let Some(object) = self.lock().objects.get_mut(&node) {
            object.end(text);
        }
    }

    /// Ends every stream, as a restart of the engine's daemon does; nodes run on.
    pub fn drop_streams(&self) {
        for object in self.lock().objects.values_mut() {
            object.drop_streams();
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // Every change is one step: a panic elsewhere leaves the world whole.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way into every call.
    fn answer(&self) -> Result<MutexGuard<'_, World>, ProviderError> {
        let mut world = self.lock();
        world.tick();
        match world.script.down {
            true => Err(ProviderError::Transient("the fake provider is down".to_owned())),
            false => Ok(world),
        }
    }

    fn delay(&self, of: impl FnOnce(&Script) -> Duration) -> Duration {
        of(&self.lock().script)
    }

    /// A stream to the keeper of a node that runs.
    fn stream(&self, node: NodeId) -> Result<BoxStream, ProviderError> {
        let mut world = self.answer()?;
        let boot = world.script.boot;
        let object = world.objects.get_mut(&node).ok_or(ProviderError::NotFound)?;
        if let ObservedState::Exited(text) = &object.state {
            return Err(ProviderError::Transient(format!("it has ended: {text}")));
        }
        let (ours, theirs): (DuplexStream, DuplexStream) = tokio::io::duplex(STREAM_BYTES);
        let named = match object.fault {
            Some(Fault::WrongNode) => NodeId::new(0, 0),
            _ => node,
        };
        let silent = object.fault == Some(Fault::NeverBoot);
        tokio::spawn(peer::run(theirs, named, boot, silent, object.streams.clone()));
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Provider for FakeProvider {
    fn name(&self) -> &str {
        &self.name
    }

    async fn check(&self) -> Result<Health, ProviderError> {
        drop(self.answer()?);
        Ok(Health { summary: "a fake: its nodes run nothing".to_owned() })
    }

    async fn prepare(&self, label: &LabelDefinition) -> Result<Option<ImageFacts>, ProviderError> {
        sleep(self.delay(|script| script.prepare)).await;
        let world = self.answer()?;
        if let Some(text) = &world.script.image {
            return Err(ProviderError::Permanent(text.clone()));
        }
        let facts = |reference: &String| ImageFacts {
            id: String::new(),
            reference: reference.clone(),
            digest: "sha256:fake".to_owned(),
            created: String::new(),
            size_bytes: 0,
            pulled_in: None,
        };
        Ok(label.image.as_ref().map(facts))
    }

    async fn create(&self, spec: &NodeSpec) -> Result<String, ProviderError> {
        sleep(self.delay(|script| script.create)).await;
        self.answer()?.create(spec.node)
    }

    async fn start(&self, spec: &NodeSpec) -> Result<BoxStream, ProviderError> {
        sleep(self.delay(|script| script.start)).await;
        self.answer()?.start(spec.node)?;
        self.stream(spec.node)
    }

    async fn open(&self, node: NodeId) -> Result<BoxStream, ProviderError> {
        self.answer()?.calls.opens += 1;
        self.stream(node)
    }

    async fn find(&self, node: NodeId) -> Result<Option<Observed>, ProviderError> {
        Ok(self.answer()?.observe(node))
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        let mut world = self.answer()?;
        world.calls.lists += 1;
        if world.script.incomplete {
            return Ok(Listing::default());
        }
        let nodes: Vec<NodeId> = world.objects.keys().copied().collect();
        let objects = nodes.into_iter().filter_map(|node| world.observe(node)).collect();
        Ok(Listing { objects, complete: true, unmanaged: 0 })
    }

    async fn destroy(&self, node: NodeId) -> Result<(), ProviderError> {
        sleep(self.delay(|script| script.destroy)).await;
        self.answer()?.destroy(node)
    }

    async fn diagnose(&self, node: NodeId) -> String {
        match self.answer().ok().and_then(|world| world.observe(node)) {
            Some(object) => format!("a fake node, {:?}", object.state),
            None => String::new(),
        }
    }
}
