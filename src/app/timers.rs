//! Starts by the clock: jobs whose YAML has a `timed` trigger (jjb 23).
//!
//! Each start has an id made of the job and the minute, so that a restart within the minute starts nothing twice. Minutes in which
//! Causeway did not run are not made up for, as in Jenkins.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::build::Builds;
use crate::catalog::cron::{Cron, Minute, STARTED_BY_CLOCK};
use crate::catalog::{Catalog, CatalogHandle};
use crate::model::{BuildId, BuildRequest, JobName, Origin, Parameters, Precedence};
use crate::sys::SharedClock;

const MINUTE_MILLIS: u64 = 60_000;
/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Minutes that are made up for when the machine stood still.
const MINUTES_MOST: u64 = 10;

/// What starts builds.
pub(super) struct Timers {
    pub catalog: CatalogHandle,
    pub builds: Builds,
    pub clock: SharedClock,
}

impl Timers {
    /// Looks at the clock until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        // The minute that runs has begun without us.
        let mut last = self.clock.now().0 / MINUTE_MILLIS;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = self.clock.now().0 / MINUTE_MILLIS;
            for minute in (last + 1).max(now.saturating_sub(MINUTES_MOST))..=now {
                self.start(minute).await;
            }
            last = now.max(last);
        }
    }

    async fn start(&self, minute: u64) {
        let catalog = self.catalog.current();
        for job in due(&catalog, minute * MINUTE_MILLIS) {
            let id = id(&job, minute);
            let request = BuildRequest {
                route: None,
                job: job.clone(),
                label: None,
                parameters: Parameters::default(),
                precedence: Precedence::Low,
                origin: Origin::Http { user: STARTED_BY_CLOCK.to_owned() },
            };
            let recipe: Arc<str> = catalog.compiled(&job).to_text().into();
            match self.builds.submit_once(id, request, recipe, catalog.first_number(&job)).await {
                Ok(accepted) => {
                    info!(job.name = %job, build.number = accepted.number, "a timed build begins")
                }
                Err(refusal) => warn!(job.name = %job, error = %refusal, "a timed build was not started"),
            }
        }
    }
}

/// The jobs of ours that start in the minute that begins then.
fn due(catalog: &Catalog, millis: u64) -> Vec<JobName> {
    let owned = catalog.jobs().filter(|(_, entry)| entry.owned());
    let due =
        owned.filter(|(job, entry)| entry.recipe.timers.iter().any(|text| fits(text, job.as_str(), millis)));
    due.map(|(job, _)| job.clone()).collect()
}

fn fits(text: &str, job: &str, millis: u64) -> bool {
    let Ok(cron) = Cron::read(text, job) else { return false };
    let zone =
        cron.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or_else(TimeZone::system);
    Minute::of(millis, zone).is_some_and(|minute| cron.has(minute))
}

fn id(job: &JobName, minute: u64) -> BuildId {
    let digest = Sha256::digest(format!("timed {job} {minute}"));
    let random = digest.iter().take(5).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    BuildId::new(minute * MINUTE_MILLIS, random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_23_times_count_in_their_zone() {
        // 2026-03-02, a Monday, 08:05 UTC.
        let at = 1_772_438_700_000;
        for (text, want) in [
            ("* * * * *", true),
            ("TZ=UTC\n5 8 * * 1", true),
            ("TZ=UTC\n5 8 * * 2", false),
            ("TZ=Europe/Berlin\n5 9 2 3 *", true),
            ("TZ=Europe/Berlin\n5 8 * * *", false),
            ("TZ=Asia/Kolkata\n35 13 * * *", true),
        ] {
            assert_eq!(fits(text, "job", at), want, "{text}");
        }
    }

    #[test]
    fn one_start_a_minute_and_job() {
        let [one, other]: [JobName; 2] = ["a", "b"].map(|name| name.parse().unwrap());
        assert_eq!(id(&one, 7), id(&one, 7));
        assert!(id(&one, 7) != id(&other, 7) && id(&one, 7) != id(&one, 8));
    }
}
