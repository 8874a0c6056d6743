//! The builders `docker-build-publish` and `build-publish-docker-image` (docker-M6, M36): built once, then named and pushed name by name.

use super::engine_step::{Failed, Worked};
use super::limits::Span;
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::catalog::recipe::{BuildImage, Recipe, Step};
use crate::image::{Login, Reference, Workshop};
use crate::pool::provider::ProviderError;

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
        // The state of a build and of its pushes is large; it lives only as long as the step.
        let work = Box::pin(self.build_and_publish(image));
        self.engine_step(index, &image.component, span, stop, work).await
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
                match self.built(&*workshop, &spec).await? {
                    Ok(built) => built.id,
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
            Err(ProviderError::Permanent(text)) => Ok(Err(Failed::because(text))),
            Err(ProviderError::NotFound) => Ok(Err(Failed::because(format!("no such image: {name}")))),
            Err(other) => Err(Trouble::Infrastructure(format!("the image {name} cannot be had: {other}"))),
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
        self.keep_image_variable("ID", id.to_owned());
        for (at, name) in names.iter().enumerate() {
            match workshop.publish(id, name, image.push, login).await {
                Ok(digest) => {
                    let line = match &digest {
                        Some(digest) => format!("Pushed {name}: {digest}\n"),
                        None => format!("Tagged {name}\n"),
                    };
                    self.say(&line).await;
                    self.keep_image_variable("REF", name.to_string());
                    self.keep_image_variable("DIGEST", digest.unwrap_or_default());
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
        if images.is_empty() && !builds {
            return;
        }
        let Some(workshop) = self.session().lease().workshop() else { return };
        let names = images.iter().filter(|image| image.source.is_some()).flat_map(|image| {
            let further =
                image.source.as_ref().map(|source| source.words.tags.as_slice()).unwrap_or_default();
            self.image_names(&image.names, further).unwrap_or_default()
        });
        let names: Vec<Reference> = names.collect();
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
