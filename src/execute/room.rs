//! The build container of `docker-custom-build-env` (docker-M1): made before the first builder, removed before the first publisher.
//! What runs in it is started and followed as on the node, by a keeper of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::room_spec::Place;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::catalog::recipe::{BuildContainer, ContainerImage};
use crate::image::{Login, ROOM, Reference, RoomFacts, RoomSpec, Workshop};
use crate::keeper::Keeper;
use crate::model::{BuildState, Cause, NodeId, ResultWord};
use crate::pool::provider::{ImageFacts, ProviderError};
use crate::pool::{Lease, LeaseFailure};

/// The wrapper's name, for causes.
const WRAPPER: &str = "docker-custom-build-env";
/// How long an engine that does not answer is asked again.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// A build container with a keeper in it.
pub(super) struct Room {
    workshop: Arc<dyn Workshop>,
    node: NodeId,
    directory: PathBuf,
    keeper: Mutex<Option<Keeper>>,
}

/// Why there is no stream to the keeper of a build container.
#[derive(Debug)]
pub(super) enum RoomLost {
    /// The container has ended, and its node lives: the job's own doing (docker-M27).
    Ended(String),
    /// Everything else.
    Failed(LeaseFailure),
}

impl Room {
    fn new(workshop: Arc<dyn Workshop>, lease: &Lease) -> Room {
        let directory = lease.directory().join(ROOM);
        Room { workshop, node: lease.node(), directory, keeper: Mutex::default() }
    }

    /// The directory of its keeper.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its keeper: over the open stream, or over a new one.
    pub async fn keeper(&self, lease: &Lease) -> Result<Keeper, RoomLost> {
        let mut open = self.keeper.lock().await;
        if let Some(keeper) = open.as_ref().filter(|keeper| !keeper.is_closed()) {
            return Ok(keeper.clone());
        }
        let begun = Instant::now();
        loop {
            let failure = match self.workshop.join_room().await {
                Ok(stream) => match Keeper::connect(stream, self.node).await {
                    Ok(keeper) => return Ok(open.insert(keeper).clone()),
                    Err(error) => error.to_string(),
                },
                Err(ProviderError::Permanent(text)) => {
                    // When the whole node is gone, that is the reason.
                    lease.keeper().await.map_err(RoomLost::Failed)?;
                    return Err(RoomLost::Ended(text));
                }
                Err(error) => error.to_string(),
            };
            if begun.elapsed() > PATIENCE {
                return Err(RoomLost::Failed(LeaseFailure::Infrastructure(failure)));
            }
            info!(node.id = %self.node, error = failure, "no stream to a build container yet");
            sleep(PAUSE).await;
        }
    }

    async fn open(&self, spec: &RoomSpec) -> Result<(), ProviderError> {
        let stream = self.workshop.open_room(spec).await?;
        let keeper = Keeper::connect(stream, self.node).await;
        let keeper = keeper.map_err(|error| ProviderError::Transient(error.to_string()))?;
        *self.keeper.lock().await = Some(keeper);
        Ok(())
    }

    /// What is known of it; nothing is said when the engine does not tell.
    pub async fn facts(&self) -> Option<RoomFacts> {
        self.workshop.room().await.ok()
    }
}

/// What became of the wrapper.
enum Prepared {
    Ready(Arc<Room>),
    Not(Effect),
}

impl Steps<'_> {
    /// Prepares the build container, if the job has one, and goes in; an effect when there will be none.
    ///
    /// # Errors
    /// When the engine or the node fails.
    pub async fn enter_room(&mut self, stop: &mut StopWatch) -> Result<Option<Effect>, Trouble> {
        let Some(wanted) = &self.recipe().build_container else { return Ok(None) };
        if self.record().state == BuildState::Publishing {
            return Ok(None);
        }
        let Some(workshop) = self.session().lease().workshop() else {
            return Ok(Some(refused("the node's provider has no engine (docker-M28)".to_owned())));
        };
        if !self.record().steps.is_empty() {
            // A former process has gone in; the first step that goes on finds the way.
            let room = Arc::new(Room::new(workshop, self.session().lease()));
            self.go_in(room).await;
            return Ok(None);
        }
        let stopped = stop.clone();
        let prepared = tokio::select! {
            prepared = self.prepare_room(wanted, workshop) => prepared?,
            () = stop.asked() => {
                let cause = stopped.mark().map_or(Cause::Finished, |mark| mark.cause);
                return Ok(Some(Effect::of(ResultWord::Aborted, cause)));
            }
        };
        match prepared {
            Prepared::Ready(room) => {
                self.go_in(room).await;
                Ok(None)
            }
            Prepared::Not(effect) => Ok(Some(effect)),
        }
    }

    async fn prepare_room(
        &self,
        wanted: &BuildContainer,
        workshop: Arc<dyn Workshop>,
    ) -> Result<Prepared, Trouble> {
        let image = match &wanted.image {
            ContainerImage::Pull(image) => self.expand(image),
            ContainerImage::Dockerfile { .. } => {
                return Ok(Prepared::Not(refused("images are not built yet".to_owned())));
            }
        };
        let reference = match Reference::parse(&image) {
            Ok(reference) => reference,
            Err(error) => return Ok(Prepared::Not(refused(error.to_string()))),
        };
        let login = match &wanted.credential {
            Some(id) => match self.login(id).await {
                Ok(login) => Some(login),
                Err(text) => return Ok(Prepared::Not(refused(text))),
            },
            None => None,
        };
        self.say(&format!("Builders run in the image {reference}\n")).await;
        let pulled = workshop.pull(&reference, wanted.force_pull, login.as_ref()).await;
        let facts = match pulled {
            Ok(facts) => facts,
            Err(error) => return unusable(&reference, error),
        };
        self.say(&shown(&facts)).await;
        let lease = self.session().lease();
        let label = lease.label();
        let (directory, workspace) = (lease.directory(), self.workspace());
        let place = Place { label: &label, directory, workspace: workspace.as_ref() };
        let spec = match place.room(wanted, &image, facts.id, |text| self.expand(text)) {
            Ok(spec) => spec,
            Err(text) => return Ok(Prepared::Not(refused(text))),
        };
        let room = Room::new(workshop, lease);
        match room.open(&spec).await {
            Ok(()) => Ok(Prepared::Ready(Arc::new(room))),
            Err(error) => unusable(&reference, error),
        }
    }

    /// Leaves the build container and removes it, with all that still runs in it.
    pub async fn leave_room(&mut self) {
        let room = self.session().leave();
        if self.recipe().build_container.is_none() {
            return;
        }
        let workshop = match room {
            Some(room) => Some(Arc::clone(&room.workshop)),
            None => self.session().lease().workshop(),
        };
        let Some(workshop) = workshop else { return };
        if let Err(error) = workshop.close_room().await {
            warn!(build.id = %self.record().id, %error, "the build container is left until its node goes");
        }
    }

    /// User and password of a credential.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn login(&self, id: &str) -> Result<Login, String> {
        super::secrets::login(&self.context().secrets, id).await
    }
}

/// An image that cannot be used is the job's fault, or the engine's.
fn unusable(reference: &Reference, error: ProviderError) -> Result<Prepared, Trouble> {
    match error {
        ProviderError::Permanent(text) => Ok(Prepared::Not(refused(text))),
        ProviderError::NotFound => Ok(Prepared::Not(refused(format!("no such image: {reference}")))),
        other => Err(Trouble::Infrastructure(format!("the image {reference} cannot be had: {other}"))),
    }
}

/// No step is run, and the publishers are (docker-M27).
fn refused(detail: String) -> Effect {
    Effect::of(ResultWord::Failure, Cause::Publisher { name: WRAPPER.to_owned(), detail })
}

/// An image, for people (pools-D51).
pub(super) fn shown(facts: &ImageFacts) -> String {
    let how = match facts.pulled_in {
        Some(time) => format!("pulled in {} s", time.as_secs()),
        None => "was there".to_owned(),
    };
    let digest = facts.digest.split_once('@').map_or("none: it comes from no registry", |(_, digest)| digest);
    format!("Image {}: id {}, digest {digest}, {how}\n", facts.reference, facts.id)
}
