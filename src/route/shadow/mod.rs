//! Shadow builds: beside a build that counts on its master, the same one on a node of ours, without effects outside, and a verdict over
//! both (design 4.12).
//!
//! A shadow build is dropped rather than that it delays a build that counts: it is not begun while one waits for a node, and it is
//! stopped when one comes to wait. Its id is made from the master's build, so that a restart starts nothing twice.

mod seen;
mod strip;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use self::seen::{both, other_results};
use self::strip::{Stripped, without_effects};
use crate::artifact::Artifacts;
use crate::build::{Accepted, Builds};
use crate::catalog::CatalogHandle;
use crate::catalog::recipe::Compiled;
use crate::compare::{Verdict, judge};
use crate::console::Consoles;
use crate::model::{
    BuildId, BuildRecord, BuildRequest, BuildState, Cause, Comparison, Origin, Parent, Precedence, Route,
    Side, Stage, VerdictWord,
};
use crate::store::Store;
use crate::sys::Backoff;

/// How often it is looked whether a build that counts waits for the node of a shadow.
const LOOK: Duration = Duration::from_millis(200);

/// What operators say about shadow builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShadowSettings {
    /// Whether they get the credentials of their jobs.
    pub credentials: bool,
    /// How many there may be at once; further ones are not begun.
    pub most: u32,
}

/// What shadow builds are made with.
pub struct ShadowContext {
    /// The writer of builds.
    pub builds: Builds,
    /// Logs of both sides.
    pub consoles: Consoles,
    /// What shadow builds leave behind.
    pub artifacts: Artifacts,
    /// The jobs.
    pub catalog: CatalogHandle,
    /// Where verdicts are kept.
    pub store: Arc<dyn Store>,
    /// What operators say.
    pub settings: ShadowSettings,
}

/// Shadows that go on, by the master's build.
type Going = Mutex<BTreeMap<BuildId, Option<BuildId>>>;

/// Begins a shadow for every build on a master that comes, until `shutdown`. What goes on then is taken up by the next process.
pub async fn shadow(
    context: ShadowContext,
    mut wanted: mpsc::Receiver<BuildId>,
    shutdown: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let context = Arc::new(context);
    let going: Arc<Going> = Arc::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            id = wanted.recv() => {
                let Some(id) = id else { break };
                let pair = Pair { context: Arc::clone(&context), going: Arc::clone(&going), id };
                tasks.spawn(shutdown.clone().run_until_cancelled_owned(pair.see_through()));
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// The master's build whose shadow has to be seen through when this one is taken up.
pub(super) fn wants_shadow(record: &BuildRecord) -> Option<BuildId> {
    let route = record.request.route.as_ref().filter(|route| route.stage == Stage::Shadow)?;
    match (&route.side, &record.request.origin) {
        (Side::Master { .. }, _) => Some(record.id),
        (Side::Pool, Origin::Build(parent)) => Some(parent.id),
        (Side::Pool, Origin::Gearman { .. } | Origin::Http { .. }) => None,
    }
}

struct Pair {
    context: Arc<ShadowContext>,
    going: Arc<Going>,
    /// The master's build.
    id: BuildId,
}

/// What became of a pair: the verdict, and what the shadow did not do.
type Judged = (Verdict, Vec<String>, Option<Accepted>);

impl Pair {
    async fn see_through(self) {
        // Both builds of a pair ask for it when a process takes them up.
        if self.going().insert(self.id, None).is_some() {
            return;
        }
        if let Some(master) = self.master().await
            && !matches!(self.context.store.comparison(self.id).await, Ok(Some(_)))
        {
            let (verdict, left_out, shadow) = self.judged(&master).await;
            self.keep(&master, &verdict, left_out, shadow.map(|shadow| (shadow.id, shadow.number))).await;
        }
        self.going().remove(&self.id);
    }

    fn going(&self) -> std::sync::MutexGuard<'_, BTreeMap<BuildId, Option<BuildId>>> {
        // Nothing can panic while it is held.
        self.going.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn master(&self) -> Option<Arc<BuildRecord>> {
        self.context.builds.find(self.id).await.ok().flatten()
    }

    async fn judged(&self, master: &BuildRecord) -> Judged {
        let not = |why: String| (Verdict::NotComparable(why), Vec::new(), None);
        let recipe = match self.context.catalog.current().compiled(&master.request.job) {
            Compiled::Runs(recipe) => *recipe,
            Compiled::Refused(reason) => return not(reason),
        };
        let Stripped { recipe, left_out, needs } = without_effects(recipe);
        if !self.context.settings.credentials && !needs.is_empty() {
            let needs = needs.join(", ");
            return not(format!(
                "the job needs credentials ({needs}), and shadow builds get none unless 'shadow.credentials' says so"
            ));
        }
        let begun = self.context.builds.find(shadow_id(self.id)).await.ok().flatten().is_some();
        if !begun && let Err(why) = self.may_begin(&recipe, master).await {
            return not(why);
        }
        let text = Compiled::Runs(Box::new(recipe)).to_text().into();
        let floor = self.context.catalog.current().first_number(&master.request.job);
        let request = request(master);
        let shadow = match self.context.builds.submit_once(shadow_id(self.id), request, text, floor).await {
            Ok(shadow) => shadow,
            Err(refusal) => return not(format!("the shadow build was not begun: {refusal}")),
        };
        self.going().insert(self.id, Some(shadow.id));
        info!(build.id = %shadow.id, job.name = %master.request.job, shadow.of = %self.id, "a shadow build goes beside its master's");
        let dropped = self.wait(&shadow).await;
        let verdict = match dropped {
            Some(why) => Verdict::NotComparable(why),
            None => self.compare(shadow.id).await,
        };
        (verdict, left_out, Some(shadow))
    }

    /// Whether there is room, after the master's build where the job must not run twice at once.
    async fn may_begin(
        &self,
        recipe: &crate::catalog::recipe::Recipe,
        master: &BuildRecord,
    ) -> Result<(), String> {
        if !recipe.concurrent
            && let Some(mut record) = self.context.builds.watch(master.id)
        {
            // An error means that the writer of builds is gone, and with it the process.
            let _ = record.wait_for(|record| record.state.outcome().is_some()).await;
        }
        if self.somebody_waits() {
            return Err("no shadow build was begun: a build that counts was waiting for a node".to_owned());
        }
        let now = self.going().values().flatten().count();
        if now >= self.context.settings.most as usize {
            return Err(format!("no shadow build was begun: {now} are going on already ('shadow.most')"));
        }
        Ok(())
    }

    /// Waits for both ends; says why when the shadow was dropped.
    async fn wait(&self, shadow: &Accepted) -> Option<String> {
        let mut dropped = None;
        let mut ours = shadow.record.clone();
        let over = |record: &watch::Receiver<Arc<BuildRecord>>| record.borrow().state.outcome().is_some();
        while !over(&ours) {
            let stopped = self.master().await.is_some_and(|master| master.stop.is_some());
            let why = match (stopped, self.somebody_waits()) {
                (true, _) => Some("the master's build was stopped"),
                (false, true) => Some("the shadow build was dropped: a build that counts needed the node"),
                (false, false) => None,
            };
            if let Some(why) = why.filter(|_| dropped.is_none()) {
                dropped = Some(why.to_owned());
                let cause = Cause::Stopped { by: format!("Causeway: {why}") };
                if let Err(error) = self.context.builds.stop(shadow.id, cause).await {
                    warn!(build.id = %shadow.id, %error, "the shadow build could not be stopped");
                }
            }
            tokio::select! {
                ended = ours.wait_for(|record| record.state.outcome().is_some()) => if ended.is_err() { break },
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        if let Some(mut master) = self.context.builds.watch(self.id) {
            // An error means that the process ends; the next one takes the pair up.
            let _ = master.wait_for(|record| record.state.outcome().is_some()).await;
        }
        dropped
    }

    /// Whether a build that counts waits for a node.
    fn somebody_waits(&self) -> bool {
        self.context.builds.live_builds().iter().any(|record| {
            let on_node = !record.request.route.as_ref().is_some_and(Route::is_on_master);
            let waits = matches!(record.state, BuildState::Waiting { .. }) && record.lease.is_none();
            on_node && waits && !record.request.is_shadow()
        })
    }

    async fn compare(&self, shadow: BuildId) -> Verdict {
        let found = (self.master().await, self.context.builds.find(shadow).await.ok().flatten());
        let (Some(master), Some(ours)) = found else {
            return Verdict::NotComparable("one of the two builds is gone".to_owned());
        };
        let others = other_results(&self.context, &master).await;
        let (master, ours) = both(&self.context, &master, &ours).await;
        // Logs may be megabytes: not on a thread that answers others.
        let judged = tokio::task::spawn_blocking(move || judge(&master, &ours, &others)).await;
        judged.unwrap_or_else(|error| Verdict::NotComparable(format!("the comparison failed: {error}")))
    }

    async fn keep(
        &self,
        master: &BuildRecord,
        verdict: &Verdict,
        left_out: Vec<String>,
        shadow: Option<(BuildId, u64)>,
    ) {
        let (word, why) = match verdict {
            Verdict::Same => (VerdictWord::Same, Vec::new()),
            Verdict::Differs(all) => (VerdictWord::Differs, all.iter().map(ToString::to_string).collect()),
            Verdict::Flaky(why) => (VerdictWord::Flaky, vec![why.clone()]),
            Verdict::NotComparable(why) => (VerdictWord::NotComparable, vec![why.clone()]),
        };
        info!(job.name = %master.request.job, build.number = master.number, verdict = word.as_str(), why = %why.join("; "), "compared with its shadow");
        let comparison = Comparison {
            id: self.id,
            job: master.request.job.clone(),
            number: master.number,
            shadow,
            at: self.context.builds.now(),
            verdict: word,
            why,
            left_out,
        };
        let mut backoff = Backoff::new(LOOK, Duration::from_secs(30));
        while let Err(error) = self.context.store.save_comparison(comparison.clone()).await {
            warn!(%error, "the verdict is not kept yet; trying again");
            tokio::time::sleep(backoff.pause()).await;
        }
    }
}

/// The shadow's id: the moment of its master's build, and bits made from that build's id.
fn shadow_id(master: BuildId) -> BuildId {
    let digest = Sha256::digest(format!("shadow of {master}"));
    let random = digest.iter().take(5).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    BuildId::new(master.made_at().0, random)
}

/// The same build, for a node.
fn request(master: &BuildRecord) -> BuildRequest {
    let parent =
        Parent { id: master.id, job: master.request.job.clone(), number: master.number, waits: false };
    let name = match master.request.route.as_ref().map(|route| &route.side) {
        Some(Side::Master { name, .. }) => name.clone(),
        Some(Side::Pool) | None => String::new(),
    };
    let reason = format!("the shadow of #{}, which counts on master {name}", master.number);
    BuildRequest {
        route: Some(Route { stage: Stage::Shadow, side: Side::Pool, reason }),
        precedence: Precedence::Low,
        origin: Origin::Build(parent),
        ..master.request.clone()
    }
}
