//! The `docker-container` property (docker-M5): an image of the build's container, after a success and never after anything else.

use super::run::Trouble;
use super::steps::Steps;
use super::verdict::Verdict;
use crate::catalog::recipe::CommitContainer;
use crate::image::{Committed, ImageRecord, Reference, Workshop};
use crate::model::{BuildState, Cause, ResultWord};
use crate::pool::provider::ProviderError;

/// The property's name.
const PROPERTY: &str = "docker-container";

impl Steps<'_> {
    /// Makes the image of a build container, before that is removed; of a node it is made at the end.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn commit_room(&self, verdict: &mut Verdict) -> Result<Option<Committed>, Trouble> {
        let wanted = self.recipe().commit.is_some() && self.recipe().build_container.is_some();
        if !wanted || verdict.word() != ResultWord::Success {
            return Ok(None);
        }
        if self.record().state == BuildState::Publishing {
            self.fail_commit(
                verdict,
                "the build container went with a restart of Causeway before its image was pushed",
            )
            .await;
            return Ok(None);
        }
        self.commit(true, verdict).await
    }

    /// Names and pushes the image after the publishers, if the build is a success still.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn publish_commit(
        &self,
        of_room: Option<Committed>,
        verdict: &mut Verdict,
    ) -> Result<(), Trouble> {
        let Some(wanted) = &self.recipe().commit else { return Ok(()) };
        if verdict.word() != ResultWord::Success {
            self.say(&format!("{PROPERTY}: no image is made, because the build is not successful\n")).await;
            return Ok(());
        }
        let made = match of_room {
            Some(made) => Some(made),
            None if self.recipe().build_container.is_some() => None,
            None => self.commit(false, verdict).await?,
        };
        let (Some(made), Some(workshop)) = (made, self.session().lease().workshop()) else { return Ok(()) };
        if let Err(detail) = self.push_commit(wanted, &made, &*workshop).await {
            self.fail_commit(verdict, &detail).await;
        }
        Ok(())
    }

    async fn commit(&self, of_room: bool, verdict: &mut Verdict) -> Result<Option<Committed>, Trouble> {
        let Some(workshop) = self.session().lease().workshop() else {
            self.fail_commit(verdict, "the node's provider has no engine (docker-M28)").await;
            return Ok(None);
        };
        match workshop.commit(of_room).await {
            Ok(made) => Ok(Some(made)),
            Err(ProviderError::Permanent(text)) => {
                self.fail_commit(verdict, &text).await;
                Ok(None)
            }
            Err(other) => Err(Trouble::Infrastructure(other.to_string())),
        }
    }

    async fn push_commit(
        &self,
        wanted: &CommitContainer,
        made: &Committed,
        workshop: &dyn Workshop,
    ) -> Result<(), String> {
        if self.secrets().masks.found_in(&made.configuration) {
            return Err("a secret of the build stands in the image's configuration (docker-M37)".to_owned());
        }
        self.say(&format!("{PROPERTY}: made {}; the workspace is no part of it\n", made.id)).await;
        let login = self.login_of(wanted.credential.as_deref()).await?;
        for (name, push) in self.commit_names(wanted)? {
            let pushed = workshop.publish(&made.id, &name, push, login.as_ref()).await;
            let digest = pushed.map_err(|failure| format!("{name} was not pushed: {failure}"))?;
            if let Some(digest) = &digest {
                self.say(&format!("Pushed {name}: {digest}\n")).await;
            }
            let record = ImageRecord {
                what: if push { "pushed" } else { "committed" }.to_owned(),
                reference: name.to_string(),
                id: made.id.clone(),
                digest: digest.unwrap_or_default(),
                credential: wanted.credential.clone().unwrap_or_default(),
                ..ImageRecord::default()
            };
            self.remember_image(PROPERTY, &wanted.place, record).await;
        }
        Ok(())
    }

    /// The names of the image, and whether each is pushed.
    ///
    /// # Errors
    /// A text that is no name.
    pub fn commit_names(&self, wanted: &CommitContainer) -> Result<Vec<(Reference, bool)>, String> {
        let own = format!("{}:b{}", cleaned(self.record().request.job.as_str()), self.record().number);
        let mut names = vec![(own, false)];
        let further = self.expand(&wanted.tag);
        if !further.is_empty() {
            names.push((further, wanted.push));
        }
        let read = |(name, push): (String, bool)| match Reference::parse(&name) {
            Ok(name) => Ok((name, push)),
            Err(error) => Err(error.to_string()),
        };
        names.into_iter().map(read).collect()
    }

    async fn fail_commit(&self, verdict: &mut Verdict, detail: &str) {
        let detail = self.secrets().masks.hide(detail);
        self.say(&format!("{PROPERTY}: {detail}\n")).await;
        verdict.worsen(ResultWord::Failure, Cause::Publisher { name: PROPERTY.to_owned(), detail });
    }
}

/// A job's name as a repository can have it: small letters and digits, with single signs in between.
fn cleaned(job: &str) -> String {
    let mut name = String::new();
    for letter in job.to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "job".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_m5_names_of_jobs_become_names_of_images() {
        for (job, name) in [("ops/Unit tests", "ops-unit-tests"), ("A__b.", "a-b"), ("ä", "job")] {
            assert_eq!(cleaned(job), name);
            assert!(Reference::parse(&format!("{}:b1", cleaned(job))).is_ok());
        }
    }
}
