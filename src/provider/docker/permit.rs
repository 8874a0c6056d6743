//! A private image that is on the engine is only for jobs whose credentials could have pulled it (pools-D54).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

use super::image::credentials;
use crate::image::{Login, Reference};
use crate::pool::provider::ProviderError;

/// How long an answer of a registry counts (pools-D54).
const COUNTS: Duration = Duration::from_secs(600);
/// How long a registry may take. One that does not answer refuses nobody: it cannot be asked by the build either.
const LIMIT: Duration = Duration::from_secs(10);
/// Answers that are kept; with more, the old ones are asked for again.
const KEPT: usize = 4096;
/// How registries say no.
const REFUSALS: [&str; 4] = ["unauthorized", "denied", "no basic auth", "authentication required"];

/// Who may use what, by the registries' answers.
#[derive(Default)]
pub(super) struct Permits {
    given: Mutex<HashMap<(String, Vec<u8>), Instant>>,
}

impl Permits {
    /// Makes sure that an image that was there may be used with this login.
    ///
    /// # Errors
    /// `Permanent`: its registry says no.
    pub async fn check(
        &self,
        docker: &Docker,
        image: &Reference,
        login: Option<&Login>,
    ) -> Result<(), ProviderError> {
        let found = docker.inspect_image(&image.to_string()).await.ok();
        let digests = found.and_then(|found| found.repo_digests).unwrap_or_default();
        // What was imported or only named here is in no registry under this name.
        if !digests
            .iter()
            .any(|digest| digest.strip_prefix(image.name()).is_some_and(|rest| rest.starts_with('@')))
        {
            return Ok(());
        }
        // Not the password itself is kept.
        let user = login.map(|login| Sha256::digest(format!("{}\n{}", login.user, login.password)).to_vec());
        let key = (image.to_string(), user.unwrap_or_default());
        if self.is_known(&key) {
            return Ok(());
        }
        let name = image.to_string();
        let asked = docker.inspect_registry_image(&name, login.map(credentials));
        if let Ok(Err(error)) = timeout(LIMIT, asked).await {
            let text = error.to_string();
            let lower = text.to_ascii_lowercase();
            if REFUSALS.iter().any(|refusal| lower.contains(refusal)) {
                return Err(ProviderError::Permanent(format!(
                    "{image} is on the engine, and its registry does not give it to this job (pools-D54): {text}"
                )));
            }
            tracing::debug!(image = %image, error = text, "the registry of an image that is there did not answer");
            return Ok(());
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= KEPT {
            given.clear();
        }
        given.insert(key, Instant::now());
        Ok(())
    }

    fn is_known(&self, key: &(String, Vec<u8>)) -> bool {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.get(key).is_some_and(|at| at.elapsed() < COUNTS)
    }
}
