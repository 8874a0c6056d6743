//! The `docker-pull-image` builder (docker-M7).

use super::build_image::pulled;
use super::engine_step::{Failed, Worked};
use super::limits::Span;
use super::room::{shown, unusable};
use super::run::Trouble;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::catalog::recipe::PullImage;
use crate::image::Reference;

/// The builder's name.
const BUILDER: &str = "docker-pull-image";

impl Steps<'_> {
    /// Pulls an image, always.
    ///
    /// # Errors
    /// When the engine or the registry does not answer.
    pub async fn pull_image(
        &self,
        index: u32,
        pull: &PullImage,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<Option<Effect>, Trouble> {
        self.engine_step(index, BUILDER, span, stop, self.pull(pull)).await
    }

    async fn pull(&self, pull: &PullImage) -> Worked {
        let name = match Reference::parse(&self.expand(&pull.image)) {
            Ok(name) => name,
            Err(error) => return Ok(Err(Failed::because(error.to_string()))),
        };
        let Some(workshop) = self.session().lease().workshop() else {
            return Ok(Err(Failed::because("the node's provider has no engine (docker-M28)")));
        };
        let login = match self.login_of(pull.credential.as_deref()).await {
            Ok(login) => login,
            Err(text) => return Ok(Err(Failed::because(text))),
        };
        match workshop.pull(&name, true, login.as_ref()).await {
            Ok(facts) => {
                self.say(&shown(&facts)).await;
                let record = pulled(&facts, pull.credential.as_deref());
                self.remember_image(BUILDER, &pull.place, record).await;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(Failed::because(unusable(&name.to_string(), error)?))),
        }
    }
}
