//! Names of images and pushes to registries (docker-M16, M18).

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use bollard::Docker;
use bollard::query_parameters::{
    ListImagesOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use hyper::Method;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::time::sleep;

use super::answer::Lines;
use super::build::SCOPE;
use super::container::{INSTANCE, mark_value};
use super::error::{self, Phase};
use super::guard::{EngineSocket, empty, request};
use super::image::{FIRST_PAUSE, TRIES};
use super::workshop::DockerWorkshop;
use crate::image::{Login, PushFailure, Reference};

/// Images of builds that are older than this are removed (docker-M14: `build_cache_age`).
const CACHE_AGE_SECONDS: i64 = 24 * 60 * 60;
/// So many in one go: what is left is removed after the next build.
const CLEANED_AT_ONCE: usize = 50;

/// How a push ended that did not succeed.
struct Failed {
    text: String,
    passes: bool,
}

impl DockerWorkshop {
    /// Names an image and pushes it.
    pub(super) async fn name_and_push(
        &self,
        id: &str,
        name: &Reference,
        push: bool,
        login: Option<&Login>,
    ) -> Result<Option<String>, PushFailure> {
        // Two builds with one name: each pushes its own image.
        let _alone = self.images.alone(&name.to_string()).await;
        let docker = self.engine.client().await.map_err(|error| PushFailure(error.to_string()))?;
        let tag = name.tag().unwrap_or_default();
        let options = TagImageOptionsBuilder::default().repo(name.name()).tag(tag).build();
        docker
            .tag_image(id, Some(options))
            .await
            .map_err(|error| PushFailure(error::classify(&error, Phase::Repeatable).to_string()))?;
        if !push {
            return Ok(None);
        }
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            match self.push_once(name, tag, login).await {
                Ok(digest) => return Ok(Some(digest)),
                Err(failed) if failed.passes && tries < TRIES => {
                    tracing::warn!(image = %name, tries, "push failed, trying again: {}", failed.text);
                    sleep(pause).await;
                    pause *= 2;
                    tries += 1;
                }
                Err(failed) => return Err(PushFailure(failed.text)),
            }
        }
    }

    async fn push_once(&self, name: &Reference, tag: &str, login: Option<&Login>) -> Result<String, Failed> {
        let engine = |text: String| Failed { text, passes: true };
        let target = format!("/images/{}/push?tag={tag}", name.name());
        let mut asked =
            request(Method::POST, &target, empty()).map_err(|trouble| engine(trouble.to_string()))?;
        let login = match login {
            Some(login) => {
                json!({"username": login.user, "password": login.password, "serveraddress": name.registry()})
            }
            // Without the header the engine asks for it.
            None => json!({}),
        };
        let mut header = HeaderValue::from_str(&URL_SAFE.encode(login.to_string()))
            .map_err(|error| Failed { text: error.to_string(), passes: false })?;
        header.set_sensitive(true);
        asked.headers_mut().insert(HeaderName::from_static("x-registry-auth"), header);
        let socket = self.config.engine.strip_prefix("unix://").unwrap_or_default();
        let sent = EngineSocket(socket.into()).send(asked).await;
        let response = sent.map_err(|trouble| engine(trouble.to_string()))?;
        let mut lines = Lines::of(response).await.map_err(|(_, text)| failed(text))?;
        let mut digest = None;
        while let Some(line) = lines.next().await.map_err(engine)? {
            if let Some(error) = line.error {
                return Err(failed(error.message));
            }
            if let Some(found) = line.aux.as_ref().and_then(|aux| aux.get("Digest")?.as_str()) {
                digest = Some(found.to_owned());
            }
        }
        digest.ok_or_else(|| engine("the engine's answer ended without a digest".to_owned()))
    }

    /// Takes away names, where the image is one of this installation's builds, and old images of builds.
    pub(super) async fn tidy(&self, names: &[Reference]) {
        let Ok(docker) = self.engine.client().await else { return };
        if !self.lease.label.images.keep {
            for name in names {
                let _alone = self.images.alone(&name.to_string()).await;
                let found = docker.inspect_image(&name.to_string()).await.ok();
                let labels = found.and_then(|image| image.config?.labels).unwrap_or_default();
                if labels.get(INSTANCE) == Some(&mark_value(&self.config.instance))
                    && labels.contains_key(SCOPE)
                {
                    remove(&docker, &name.to_string()).await;
                }
            }
        }
        let label = format!("{INSTANCE}={}", mark_value(&self.config.instance));
        let filters = HashMap::from([("label".to_owned(), vec![SCOPE.to_owned(), label])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let images = docker.list_images(Some(options)).await.unwrap_or_default();
        let before = jiff::Timestamp::now().as_second() - CACHE_AGE_SECONDS;
        for image in images.into_iter().filter(|image| image.created < before).take(CLEANED_AT_ONCE) {
            for name in &image.repo_tags {
                remove(&docker, name).await;
            }
            remove(&docker, &image.id).await;
        }
    }
}

/// What is in use is left; it is tried again after another build.
async fn remove(docker: &Docker, image: &str) {
    let options = RemoveImageOptionsBuilder::default().build();
    if let Err(error) = docker.remove_image(image, Some(options), None).await {
        tracing::debug!(image, %error, "an image of a build was not removed");
    }
}

/// The class of a failure, which only its text tells: the status is 200 or 500 (docker-M16).
fn failed(text: String) -> Failed {
    let lower = text.to_ascii_lowercase();
    let for_good =
        ["unauthorized", "denied", "no basic auth", "http 4", "status: 4", "not found", "no such image"];
    let passes = lower.contains("429")
        || lower.contains("too many")
        || !for_good.iter().any(|word| lower.contains(word));
    Failed { text, passes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_m16_what_will_not_pass_is_not_tried_again() {
        for (text, passes) in [
            ("unauthorized: authentication required", false),
            ("no basic auth credentials", false),
            ("error parsing HTTP 405 response body: invalid character", false),
            ("dial tcp 127.0.0.1:1: connect: connection refused", true),
            ("received unexpected HTTP status: 503 Service Unavailable", true),
            ("toomanyrequests: Too Many Requests (HTTP 429)", true),
        ] {
            assert_eq!(failed(text.to_owned()).passes, passes, "{text}");
        }
    }
}
