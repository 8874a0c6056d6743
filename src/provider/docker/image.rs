//! Images: there, or pulled by the label's policy, once for all who wait (pools-D50 to D53).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep, timeout};

use super::error::{self, Phase};
use crate::image::{Login, Reference};
use crate::pool::label::PullPolicy;
use crate::pool::provider::{ImageFacts, ProviderError};

/// Tries of one pull, with a pause that doubles in between (pools-D53).
pub(super) const TRIES: u32 = 5;
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Images {
    pull_timeout: Duration,
    /// When each image was pulled last; the lock is held while it is.
    pulls: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Instant>>>>>,
}

impl Images {
    pub fn new(pull_timeout: Duration) -> Images {
        Images { pull_timeout, pulls: Mutex::default() }
    }

    /// Makes sure that the image is there.
    pub async fn prepare(
        &self,
        docker: &Docker,
        reference: &str,
        policy: PullPolicy,
        login: Option<&Login>,
    ) -> Result<ImageFacts, ProviderError> {
        let asked = Instant::now();
        let present = inspect(docker, reference).await?;
        let always = match policy {
            PullPolicy::Always => true,
            PullPolicy::Auto => is_moving(reference),
            PullPolicy::IfAbsent | PullPolicy::Never => false,
        };
        match present {
            Some(facts) if !always => return Ok(facts),
            None if policy == PullPolicy::Never => {
                let text =
                    format!("the image {reference} is not there, and the label's policy is never to pull");
                return Err(ProviderError::Permanent(text));
            }
            _ => {}
        }
        let pulled = match login {
            None => self.pull_shared(docker, reference, asked).await,
            // What one may have is nothing that another one may wait for.
            Some(_) => self.pull_limited(docker, reference, login).await,
        };
        match (pulled, present) {
            (Ok(()), _) => {}
            // What moves cannot be looked up now; what is there is used, unless a pull was asked for by word.
            (Err(error), Some(facts)) if policy == PullPolicy::Auto => {
                tracing::warn!(image = reference, %error, "the image could not be refreshed; the one that is there is used");
                return Ok(facts);
            }
            (Err(error), _) => return Err(error),
        }
        let facts = inspect(docker, reference).await?.ok_or_else(|| {
            ProviderError::Transient(format!("the image {reference} went right after its pull"))
        })?;
        Ok(ImageFacts { pulled_in: Some(asked.elapsed()), ..facts })
    }

    /// Keeps a name to oneself: nobody pulls it or gives it to another image meanwhile.
    pub async fn alone(&self, reference: &str) -> OwnedMutexGuard<Option<Instant>> {
        self.place(reference).lock_owned().await
    }

    fn place(&self, reference: &str) -> Arc<tokio::sync::Mutex<Option<Instant>>> {
        let mut pulls = self.pulls.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pulls.entry(reference.to_owned()).or_default())
    }

    /// One pull at a time and image; who waited for one that began after he asked needs no other.
    async fn pull_shared(
        &self,
        docker: &Docker,
        reference: &str,
        asked: Instant,
    ) -> Result<(), ProviderError> {
        let place = self.place(reference);
        let mut last = place.lock().await;
        if last.is_some_and(|last| last >= asked) {
            return Ok(());
        }
        self.pull_limited(docker, reference, None).await?;
        *last = Some(Instant::now());
        Ok(())
    }

    async fn pull_limited(
        &self,
        docker: &Docker,
        reference: &str,
        login: Option<&Login>,
    ) -> Result<(), ProviderError> {
        timeout(self.pull_timeout, pull(docker, reference, login)).await.unwrap_or_else(|_| {
            let text = format!("pulling {reference} took longer than {} s", self.pull_timeout.as_secs());
            Err(ProviderError::Transient(text))
        })
    }
}

async fn pull(docker: &Docker, reference: &str, login: Option<&Login>) -> Result<(), ProviderError> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        match pull_once(docker, reference, login).await {
            Err(ProviderError::Transient(text)) if attempt < TRIES => {
                tracing::warn!(image = reference, attempt, "pull failed, trying again: {text}");
                sleep(pause).await;
                pause *= 2;
            }
            // An image that is nowhere is a mistake in the configuration.
            Err(ProviderError::NotFound) => {
                return Err(ProviderError::Permanent(format!("no such image: {reference}")));
            }
            other => return other,
        }
    }
    Ok(())
}

async fn pull_once(docker: &Docker, reference: &str, login: Option<&Login>) -> Result<(), ProviderError> {
    // Without a tag the engine would pull all of them.
    let tagged = if has_tag(reference) { reference.to_owned() } else { format!("{reference}:latest") };
    let options = CreateImageOptionsBuilder::default().from_image(&tagged).build();
    let mut progress = docker.create_image(Some(options), None, login.map(credentials));
    while let Some(line) = progress.next().await {
        // A failure can also come as a line of a stream that began well.
        line.map_err(|error| error::classify(&error, Phase::Repeatable))?;
    }
    Ok(())
}

/// A login as the engine takes it, in a header.
pub(super) fn credentials(login: &Login) -> DockerCredentials {
    DockerCredentials {
        username: Some(login.user.clone()),
        password: Some(login.password.clone()),
        ..DockerCredentials::default()
    }
}

pub(super) async fn inspect(docker: &Docker, reference: &str) -> Result<Option<ImageFacts>, ProviderError> {
    let found = match docker.inspect_image(reference).await {
        Ok(found) => found,
        Err(error) => {
            return match error::classify(&error, Phase::Look) {
                ProviderError::NotFound => Ok(None),
                other => Err(other),
            };
        }
    };
    let id = found.id.clone().unwrap_or_default();
    // The same image may have come from other registries under other names.
    let name = Reference::parse(reference).map(|reference| format!("{}@", reference.name()));
    let name = name.unwrap_or_default();
    let digests = found.repo_digests.unwrap_or_default();
    let digest = digests.into_iter().find(|digest| !name.is_empty() && digest.starts_with(&name));
    Ok(Some(ImageFacts {
        reference: reference.to_owned(),
        id,
        digest: digest.or(found.id).unwrap_or_default(),
        created: found.created.map(|created| created.to_string()).unwrap_or_default(),
        size_bytes: found.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        pulled_in: None,
    }))
}

fn has_tag(reference: &str) -> bool {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    name.contains(':') || name.contains('@')
}

/// Whether what the reference names may change: no tag, or `latest` (pools-D50).
fn is_moving(reference: &str) -> bool {
    !reference.contains('@') && (!has_tag(reference) || reference.ends_with(":latest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_d50_latest_and_untagged_move() {
        for moving in ["debian", "debian:latest", "registry:5000/ci/debian"] {
            assert!(is_moving(moving), "{moving}");
        }
        for fixed in ["debian:12", "registry:5000/ci/debian:1", "debian@sha256:00", "debian:latest@sha256:00"]
        {
            assert!(!is_moving(fixed), "{fixed}");
        }
    }
}
