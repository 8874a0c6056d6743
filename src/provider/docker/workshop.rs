//! The engine's side of [`Workshop`]: images for one lease, and its build container.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StartContainerOptions,
};
use tokio::sync::mpsc;

use super::DockerConfig;
use super::container::{self, Seen};
use super::engine::Engine;
use super::error::{self, Phase};
use super::guard::control_group;
use super::image::Images;
use super::keeper_file::KeeperFile;
use super::permit::Permits;
use super::{archive, stream};
use crate::image::{
    BuildFailure, BuildSpec, Built, Committed, Login, PushFailure, ROOM, Reference, RoomFacts, RoomSpec,
    Workshop,
};
use crate::pool::label::PullPolicy;
use crate::pool::provider::{BoxStream, DoorSpec, ImageFacts, ObservedState, ProviderError};
use crate::provider::directory::{self, Mark};

/// What a lease's engine does for it.
pub(super) struct DockerWorkshop {
    pub config: DockerConfig,
    pub mark: Mark,
    pub engine: Arc<Engine>,
    pub images: Arc<Images>,
    pub keeper: Arc<KeeperFile>,
    pub permits: Arc<Permits>,
    pub lease: DoorSpec,
}

impl DockerWorkshop {
    fn name(&self) -> String {
        container::room_name(&self.config, self.lease.node)
    }

    /// An image, pulled if need be, that this login may use.
    pub(super) async fn had(
        &self,
        docker: &Docker,
        image: &Reference,
        always: bool,
        login: Option<&Login>,
    ) -> Result<ImageFacts, ProviderError> {
        let policy = if always { PullPolicy::Always } else { PullPolicy::IfAbsent };
        let facts = self.images.prepare(docker, &image.to_string(), policy, login).await?;
        if facts.pulled_in.is_none() {
            self.permits.check(docker, image, login).await?;
        }
        Ok(facts)
    }

    /// The directory of the build container's keeper.
    fn directory(&self) -> PathBuf {
        self.lease.workspace.with_file_name(ROOM)
    }

    /// The build container, if there is one and it is ours.
    async fn look_at_room(&self) -> Result<Option<Seen>, ProviderError> {
        let docker = self.engine.client().await?;
        let found = container::inspect(&docker, &self.name()).await?;
        Ok(found.map(|found| container::seen_room(&found, &self.config)).filter(|seen| seen.ours))
    }

    /// Makes the directories that it needs. Nothing of the job's has run on the node yet, so no link is in the way.
    async fn make_directories(&self, room: &RoomSpec) -> Result<(), ProviderError> {
        let (path, node, mark) = (self.directory(), self.lease.node, self.mark.clone());
        let made = room.made.clone();
        directory::off_the_loop(move || {
            let all = directory::make(&path, node, &mark).and_then(|()| {
                made.iter().try_for_each(|directory| directory::open_to_all(directory, &path))
            });
            all.map_err(|error| directory::trouble(&path, &error))
        })
        .await?
    }

    async fn create(&self, room: &RoomSpec) -> Result<String, ProviderError> {
        let keeper = self.keeper.directory().await?;
        self.make_directories(room).await?;
        let parent = match self.config.engine.strip_prefix("unix://") {
            Some(socket) => {
                control_group(socket.into(), &container::external_name(&self.config, self.lease.node)).await?
            }
            None => None,
        };
        let body = container::room(room, &self.lease, &self.config, &keeper, &self.directory(), parent)?;
        let docker = self.engine.client().await?;
        let options = CreateContainerOptionsBuilder::default().name(&self.name()).build();
        let made = docker.create_container(Some(options), body).await;
        made.map(|made| made.id).map_err(|error| error::classify(&error, Phase::Repeatable))
    }
}

#[async_trait]
impl Workshop for DockerWorkshop {
    async fn pull(
        &self,
        image: &Reference,
        always: bool,
        login: Option<&Login>,
    ) -> Result<ImageFacts, ProviderError> {
        let docker = self.engine.client().await?;
        self.had(&docker, image, always, login).await
    }

    async fn build(&self, spec: &BuildSpec, log: &mpsc::Sender<String>) -> Result<Built, BuildFailure> {
        self.make(spec, log).await
    }

    async fn publish(
        &self,
        id: &str,
        name: &Reference,
        push: bool,
        login: Option<&Login>,
    ) -> Result<Option<String>, PushFailure> {
        self.name_and_push(id, name, push, login).await
    }

    async fn commit(&self, of_room: bool) -> Result<Committed, ProviderError> {
        self.make_image(of_room).await
    }

    async fn clean(&self, names: &[Reference]) {
        self.tidy(names).await;
    }

    async fn open_room(&self, room: &RoomSpec) -> Result<BoxStream, ProviderError> {
        let id = match self.look_at_room().await? {
            Some(Seen { state: ObservedState::Created, id, .. }) => id,
            Some(_) => return self.join_room().await,
            None => self.create(room).await?,
        };
        let docker = self.engine.client().await?;
        let stream = stream::attach(&docker, &id, self.lease.node).await?;
        let started = docker.start_container(&id, None::<StartContainerOptions>).await;
        started.map_err(|error| error::classify(&error, Phase::Repeatable))?;
        Ok(stream)
    }

    async fn join_room(&self) -> Result<BoxStream, ProviderError> {
        let gone = |text: &str| Err(ProviderError::Permanent(format!("the build container {text}")));
        match self.look_at_room().await? {
            None => gone("is gone"),
            Some(Seen { state: ObservedState::Exited(how), .. }) => gone(&how),
            Some(seen) => {
                let docker = self.engine.client().await?;
                stream::join(&docker, &seen.id, self.lease.node, &self.directory()).await
            }
        }
    }

    async fn room(&self) -> Result<RoomFacts, ProviderError> {
        let docker = self.engine.client().await?;
        let name = self.name();
        let found = container::inspect(&docker, &name).await?.ok_or(ProviderError::NotFound)?;
        let user = found.config.and_then(|config| config.user).unwrap_or_default();
        let users = archive::file(&docker, &name, "/etc/passwd").await?.unwrap_or_default();
        Ok(RoomFacts { id: found.id.unwrap_or_default(), knows_user: knows(&users, &user) })
    }

    async fn close_room(&self) -> Result<(), ProviderError> {
        let Some(seen) = self.look_at_room().await? else { return Ok(()) };
        let docker = self.engine.client().await?;
        let options = RemoveContainerOptionsBuilder::default().v(true).force(true).build();
        match docker.remove_container(&seen.id, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) => match error::classify(&error, Phase::Repeatable) {
                ProviderError::NotFound => Ok(()),
                other => Err(other),
            },
        }
    }
}

/// Whether `/etc/passwd` has a line of that user, whose number comes first in `USER:GROUP`.
fn knows(users: &[u8], user: &str) -> bool {
    let number = user.split(':').next().unwrap_or_default();
    let users = String::from_utf8_lossy(users);
    users.lines().any(|line| {
        let mut fields = line.split(':');
        fields.next() == Some(number) || fields.nth(1) == Some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_m22_a_user_is_known_by_its_number() {
        let users = b"root:x:0:0:root:/root:/bin/sh\njenkins:x:1000:1000::/home/j:/bin/sh\n";
        assert!(knows(users, "1000:1000") && knows(users, "0") && knows(users, "jenkins"));
        assert!(!knows(users, "1001:1000") && !knows(b"", "1000"));
    }
}
