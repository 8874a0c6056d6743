//! The builders `docker-build-publish` and `build-publish-docker-image` (docker-M6, M36): built once, then named and pushed name by name.

use tokio::time::Instant;

use super::engine_step::{Failed, Worked};
use super::limits::Span;
use super::room::unusable;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::catalog::recipe::{BuildImage, Recipe, Step};
use crate::image::{Built, ImageRecord, Login, Reference, Workshop};
use crate::pool::provider::ImageFacts;

impl Steps<'_> {
    /// Builds, names, pushes.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn build_image(
        &self,
        index: u32,
        image: &BuildImage,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<Option<Effect>, Trouble> {
        self.engine_step(index, &image.component, span, stop, self.build_and_publish(image)).await
    }

    async fn build_and_publish(&self, image: &BuildImage) -> Worked {
        let Some(workshop) = self.session().lease().workshop() else {
            return Ok(Err(Failed::because("the node's provider has no engine (docker-M28)")));
        };
        let further = image.source.as_ref().map(|source| source.words.tags.as_slice()).unwrap_or_default();
        // All of them before anything is built.
        let names = match self.image_names(&image.names, further) {
            Ok(names) => names,
            Err(text) => return Ok(Err(Failed::because(text))),
        };
        let login = match self.login_of(image.credential.as_deref()).await {
            Ok(login) => login,
            Err(text) => return Ok(Err(Failed::because(text))),
        };
        let id = match &image.source {
            Some(source) => {
                let host = names.first().map(|name| name.registry().to_owned());
                let spec = match self.build_spec(source, host.zip(login.clone())) {
                    Ok(spec) => spec,
                    Err(text) => return Ok(Err(Failed::because(text))),
                };
                let begun = Instant::now();
                match self.built(&*workshop, &spec).await? {
                    Ok(built) => {
                        let record = made(&built, begun);
                        self.remember_image(&image.component, &image.place, record).await;
                        built.id
                    }
                    Err(failed) => return Ok(Err(failed)),
                }
            }
            None => match self.present(&*workshop, &names, login.as_ref()).await? {
                Ok(id) => id,
                Err(failed) => return Ok(Err(failed)),
            },
        };
        self.publish(&*workshop, image, &id, &names, login.as_ref()).await
    }

    /// `skip-build`: the image that is there as `latest`, else the registry's.
    async fn present(
        &self,
        workshop: &dyn Workshop,
        names: &[Reference],
        login: Option<&Login>,
    ) -> Result<Result<String, Failed>, Trouble> {
        let Some(name) = names.first().map(|name| name.with_tag("latest")) else {
            return Ok(Err(Failed::because("nothing to build or tag")));
        };
        match workshop.pull(&name, false, login).await {
            Ok(facts) => Ok(Ok(facts.id)),
            Err(error) => Ok(Err(Failed::because(unusable(&name.to_string(), error)?))),
        }
    }

    /// In order; the first name that fails ends the step, and the log says what became of each (docker-M16).
    async fn publish(
        &self,
        workshop: &dyn Workshop,
        image: &BuildImage,
        id: &str,
        names: &[Reference],
        login: Option<&Login>,
    ) -> Worked {
        for (at, name) in names.iter().enumerate() {
            let begun = Instant::now();
            match workshop.publish(id, name, image.push, login).await {
                Ok(digest) => {
                    let line = match &digest {
                        Some(digest) => format!("Pushed {name}: {digest}\n"),
                        None => format!("Tagged {name}\n"),
                    };
                    self.say(&line).await;
                    let record = ImageRecord {
                        what: if digest.is_some() { "pushed" } else { "tagged" }.to_owned(),
                        reference: name.to_string(),
                        id: id.to_owned(),
                        digest: digest.unwrap_or_default(),
                        took_ms: millis(begun),
                        credential: image.credential.clone().unwrap_or_default(),
                        ..ImageRecord::default()
                    };
                    self.remember_image(&image.component, &image.place, record).await;
                }
                Err(failure) => {
                    for left in &names[at + 1..] {
                        self.say(&format!("Not tried: {left}\n")).await;
                    }
                    return Ok(Err(Failed::because(format!("{name} was not pushed: {failure}"))));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Takes away the names that this build gave its images; they go with their build (docker-M18).
    pub async fn clean_images(&self) {
        let mut images = Vec::new();
        collect(self.recipe(), &mut images);
        let builds = matches!(
            self.recipe().build_container.as_ref().map(|container| &container.image),
            Some(crate::catalog::recipe::ContainerImage::Dockerfile { .. })
        );
        let commit = self.recipe().commit.as_ref();
        if images.is_empty() && !builds && commit.is_none() {
            return;
        }
        let Some(workshop) = self.session().lease().workshop() else { return };
        let names = images.iter().filter(|image| image.source.is_some()).flat_map(|image| {
            let further =
                image.source.as_ref().map(|source| source.words.tags.as_slice()).unwrap_or_default();
            self.image_names(&image.names, further).unwrap_or_default()
        });
        let mut names: Vec<Reference> = names.collect();
        let of_commit = commit.and_then(|commit| self.commit_names(commit).ok()).unwrap_or_default();
        names.extend(of_commit.into_iter().map(|(name, _)| name));
        workshop.clean(&names).await;
    }

    /// The login of a credential, if one is named.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub async fn login_of(&self, credential: Option<&str>) -> Result<Option<Login>, String> {
        match credential {
            Some(id) => self.login(id).await.map(Some),
            None => Ok(None),
        }
    }
}

/// What is remembered of an image that was built.
pub(super) fn made(built: &Built, begun: Instant) -> ImageRecord {
    ImageRecord {
        what: "built".to_owned(),
        id: built.id.clone(),
        bases: built.bases.iter().map(|base| format!("{} {}", base.reference, base.digest)).collect(),
        files: built.files,
        bytes: built.bytes,
        took_ms: millis(begun),
        ..ImageRecord::default()
    }
}

/// The same of one that was pulled, or was there.
pub(super) fn pulled(facts: &ImageFacts, credential: Option<&str>) -> ImageRecord {
    ImageRecord {
        what: "pulled".to_owned(),
        reference: facts.reference.clone(),
        id: facts.id.clone(),
        digest: facts.digest.split_once('@').map_or("", |(_, digest)| digest).to_owned(),
        took_ms: facts.pulled_in.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        credential: credential.unwrap_or_default().to_owned(),
        ..ImageRecord::default()
    }
}

fn millis(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn collect<'a>(recipe: &'a Recipe, images: &mut Vec<&'a BuildImage>) {
    fn of<'a>(steps: &'a [Step], images: &mut Vec<&'a BuildImage>) {
        for step in steps {
            match step {
                Step::BuildImage(image) => images.push(image),
                Step::Conditional(conditional) => of(&conditional.steps, images),
                Step::Shell(_) | Step::TriggerBuilds(_) | Step::PullImage(_) | Step::Inject(_) => {}
            }
        }
    }
    of(&recipe.steps, images);
    for publisher in &recipe.publishers {
        if let crate::catalog::recipe::Publisher::PostBuildScript(script) = publisher {
            script.groups.iter().for_each(|group| of(&group.steps, images));
        }
    }
}
