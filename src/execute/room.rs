//! The build container of `docker-custom-build-env` (docker-M1): made before the first builder, removed before the first publisher.
//! What runs in it is started and followed as on the node, by a keeper of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::build_image::{made, pulled};
use super::ending::judge;
use super::limits::Span;
use super::room_spec::Place;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::catalog::recipe::{self, BuildContainer, ContainerImage, ImageSource};
use crate::image::{BuildWords, Login, ROOM, Reference, RoomFacts, RoomSpec, Workshop};
use crate::keeper::Keeper;
use crate::model::{BuildState, Cause, NodeId, ResultWord, StepEnd};
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
    pub async fn enter_room(&mut self, span: Span, stop: &mut StopWatch) -> Result<Option<Effect>, Trouble> {
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
                let effect = stopped.mark().map(|mark| Effect::of(mark.word(), mark.cause));
                return Ok(effect.or_else(|| Some(Effect::of(ResultWord::Aborted, Cause::Finished))));
            }
            () = over(span.left(self.now())) => return Ok(judge(&StepEnd::Timeout, WRAPPER, None, span.limits)),
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
        let login = match self.login_of(wanted.credential.as_deref()).await {
            Ok(login) => login,
            Err(text) => return Ok(Prepared::Not(refused(text))),
        };
        let had = match &wanted.image {
            ContainerImage::Pull(image) => {
                self.pulled_for_room(&self.expand(image), wanted, &*workshop, login).await?
            }
            ContainerImage::Dockerfile { context, dockerfile } => {
                let path = |path: &str| if path.is_empty() { "." } else { path }.to_owned();
                let context = path(context);
                let source = ImageSource {
                    dockerfile: Some(format!("{context}/{dockerfile}")),
                    context,
                    no_cache: false,
                    words: BuildWords { pull: wanted.force_pull, ..BuildWords::default() },
                };
                self.built_for_room(&source, &wanted.place, &*workshop).await?
            }
        };
        let (name, id) = match had {
            Ok(had) => had,
            Err(effect) => return Ok(Prepared::Not(effect)),
        };
        let lease = self.session().lease();
        let label = lease.label();
        let (directory, workspace) = (lease.directory(), self.workspace());
        let place = Place { label: &label, directory, workspace: workspace.as_ref() };
        let spec = match place.room(wanted, &name, id, |text| self.expand(text)) {
            Ok(spec) => spec,
            Err(text) => return Ok(Prepared::Not(refused(text))),
        };
        let room = Room::new(workshop, lease);
        match room.open(&spec).await {
            Ok(()) => Ok(Prepared::Ready(Arc::new(room))),
            Err(error) => Ok(Prepared::Not(refused(unusable(&name, error)?))),
        }
    }

    /// The image's name and id, or the effect of not having it.
    async fn pulled_for_room(
        &self,
        image: &str,
        wanted: &BuildContainer,
        workshop: &dyn Workshop,
        login: Option<Login>,
    ) -> Result<Result<(String, String), Effect>, Trouble> {
        let name = match Reference::parse(image) {
            Ok(name) => name,
            Err(error) => return Ok(Err(refused(error.to_string()))),
        };
        self.say(&format!("Builders run in the image {name}\n")).await;
        match workshop.pull(&name, wanted.force_pull, login.as_ref()).await {
            Ok(facts) => {
                self.say(&shown(&facts)).await;
                let record = pulled(&facts, wanted.credential.as_deref());
                self.remember_image(WRAPPER, &wanted.place, record).await;
                Ok(Ok((image.to_owned(), facts.id)))
            }
            Err(error) => Ok(Err(refused(unusable(&name.to_string(), error)?))),
        }
    }

    /// The same for an image that is built from the workspace (docker-M2).
    async fn built_for_room(
        &self,
        source: &ImageSource,
        place: &recipe::Place,
        workshop: &dyn Workshop,
    ) -> Result<Result<(String, String), Effect>, Trouble> {
        self.say("Builders run in an image that is built from the workspace\n").await;
        let spec = match self.build_spec(source, None) {
            Ok(spec) => spec,
            Err(text) => return Ok(Err(refused(text))),
        };
        let begun = Instant::now();
        match self.built(workshop, &spec).await? {
            Ok(built) => {
                self.remember_image(WRAPPER, place, made(&built, begun)).await;
                Ok(Ok((String::new(), built.id)))
            }
            Err(failed) => Ok(Err(refused(failed.detail))),
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

/// An image that cannot be used is the job's fault, which is told in words, or the engine's.
pub(super) fn unusable(image: &str, error: ProviderError) -> Result<String, Trouble> {
    match error {
        ProviderError::Permanent(text) => Ok(text),
        ProviderError::NotFound => Ok(format!("no such image: {image}")),
        other => Err(Trouble::Infrastructure(format!("the image {image} cannot be had: {other}"))),
    }
}

/// Resolves when that time is over; never without a limit.
pub(super) async fn over(left: Option<Duration>) {
    match left {
        Some(left) => sleep(left).await,
        None => std::future::pending().await,
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
