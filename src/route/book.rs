//! The book of turns: routes changed by command, kept with who, when and why, and in force from the next assignment on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::{Mutex, MutexGuard, mpsc, oneshot};
use tracing::{info, warn};

use super::MasterError;
use super::check::World;
use super::masters::Masters;
use super::router::Router;
use super::wish::{Meant, RouteError, Turned, Who, Wish};
use crate::jenkins::wire::Refusal;
use crate::model::{JobName, Selector, Setting, Stage, Turn, TurnKind};
use crate::store::{Store, StoreError, TurnFilter};
use crate::sys::SharedClock;

/// Names and patterns in one command.
const SELECTORS_MAX: usize = 5_000;
/// Selectors that have a turn in force: every one is held against every job when names are listed.
const IN_FORCE_MAX: usize = 20_000;
/// Jobs that masters are asked about at once.
const ASKED_AT_ONCE: usize = 8;
/// Letters of a name, and of a reason; longer ones are cut.
const BY_MAX: usize = 100;
const WHY_MAX: usize = 500;

/// Has the names that are ours listed anew, and answers when that was handed on.
pub type Renew = mpsc::Sender<oneshot::Sender<()>>;

/// The book. Cheap to clone.
#[derive(Clone)]
pub struct Book {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Store>,
    clock: SharedClock,
    router: Router,
    masters: Masters,
    renew: Renew,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The newest turn of each selector, and under `None` the newest freeze or thaw.
    in_force: BTreeMap<Option<Selector>, Turn>,
    last: u64,
}

/// A turn that is about to be written.
struct Draft {
    kind: TurnKind,
    which: Option<Selector>,
    setting: Option<Setting>,
    before: Option<u64>,
}

impl Book {
    /// Opens the book: what was turned before counts from here on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: SharedClock,
        router: Router,
        masters: Masters,
        renew: Renew,
    ) -> Result<Book, StoreError> {
        let turns = store.turns_in_force().await?;
        let last = turns.iter().map(|turn| turn.number).max().unwrap_or(0);
        let in_force = turns.into_iter().map(|turn| (turn.which.clone(), turn)).collect();
        let state = State { in_force, last };
        router.turn(state.in_force.values());
        let shared = Shared { store, clock, router, masters, renew, state: Mutex::new(state) };
        Ok(Book { shared: Arc::new(shared) })
    }

    /// What routes builds by this book.
    pub fn router(&self) -> &Router {
        &self.shared.router
    }

    /// The freeze that counts now.
    pub async fn frozen(&self) -> Option<Turn> {
        frozen(&*self.shared.state.lock().await).cloned()
    }

    /// Turns, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn history(&self, filter: TurnFilter) -> Result<Vec<Turn>, StoreError> {
        self.shared.store.turns(filter).await
    }

    /// Gives builds a setting, all of them or none.
    ///
    /// # Errors
    /// See [`RouteError`]; nothing was changed then.
    pub async fn set(&self, meant: &Meant, wish: &Wish, who: &Who) -> Result<Turned, RouteError> {
        let mut state = self.shared.state.lock().await;
        thawed(&state)?;
        let wishes = selectors(meant)?.into_iter().map(|which| (which, wish.clone())).collect();
        self.grant(&mut state, wishes, TurnKind::Set, who).await
    }

    /// Moves builds to their next stage, all of them or none. `share` is the share of those that are canaries then.
    ///
    /// # Errors
    /// See [`RouteError`]; nothing was changed then.
    pub async fn promote(&self, meant: &Meant, share: Option<u8>, who: &Who) -> Result<Turned, RouteError> {
        let mut state = self.shared.state.lock().await;
        thawed(&state)?;
        let registered = self.registered().await?;
        let mut wishes = Vec::new();
        self.with_world(&registered, |world| {
            for which in selectors(meant)? {
                let present = world.present(&which)?;
                let next = match (present.stage, share) {
                    // A canary is widened before it is over.
                    (Stage::Canary, Some(share)) if share > present.share => Some(Stage::Canary),
                    (stage, _) => stage.next(),
                };
                let stage = next.ok_or_else(|| RouteError::AtTheEnd { which: which.clone() })?;
                let share = share.filter(|_| stage == Stage::Canary);
                wishes.push((which, Wish { stage, share, master: None, plugin: false, job: None }));
            }
            Ok(())
        })?;
        self.grant(&mut state, wishes, TurnKind::Promote, who).await
    }

    /// Takes the last turn of each of these back. Is done though routes are frozen.
    ///
    /// # Errors
    /// See [`RouteError`]; nothing was changed then.
    pub async fn roll_back(&self, meant: &Meant, who: &Who) -> Result<Turned, RouteError> {
        let mut state = self.shared.state.lock().await;
        let mut drafts = Vec::new();
        for which in selectors(meant)? {
            drafts.push(self.draft_back(&state, which).await?);
        }
        let turns = self.commit(&mut state, drafts, who).await?;
        Ok(Turned { turns, ..Turned::default() })
    }

    /// From now on nothing is moved on, or it is again.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn freeze(&self, on: bool, who: &Who) -> Result<Turned, RouteError> {
        let mut state = self.shared.state.lock().await;
        if frozen(&state).is_some() == on {
            return Ok(Turned { unchanged: 1, ..Turned::default() });
        }
        let kind = if on { TurnKind::Freeze } else { TurnKind::Thaw };
        let draft = Draft { kind, which: None, setting: None, before: None };
        let turns = self.commit(&mut state, vec![draft], who).await?;
        Ok(Turned { turns, ..Turned::default() })
    }

    async fn draft_back(&self, state: &State, which: Selector) -> Result<Draft, RouteError> {
        let kind = TurnKind::RollBack;
        let nothing = |which: Selector| RouteError::NothingBefore { which };
        if let Some(turn) = state.in_force.get(&Some(which.clone())).filter(|turn| turn.setting.is_some()) {
            let before = match turn.before {
                Some(number) => self.turn(number).await?,
                None => None,
            };
            let (setting, before) = before.map_or((None, None), |turn| (turn.setting, turn.before));
            return Ok(Draft { kind, which: Some(which), setting, before });
        }
        // A pattern's turn, taken back for one of its jobs alone: that job goes to what lies beneath.
        let job = which.name().filter(|_| which.is_for_all_builds()).ok_or_else(|| nothing(which.clone()))?;
        let (routes, catalog) = (self.shared.router.routes(), self.shared.router.catalog());
        let (registered, masters) = (BTreeSet::new(), Vec::new());
        let world = World { routes: &routes, catalog: &catalog, masters: &masters, registered: &registered };
        let able = super::router::able(&catalog, &job);
        let counting = routes.rule(&super::Asked::of_job(job.clone()), able);
        let Some(super::Source::Turned(counting)) = counting.map(|rule| &rule.source) else {
            return Err(nothing(which));
        };
        let others = state.in_force.values().filter(|turn| turn.number != counting.number);
        let setting = world.beneath(&job, &routes.under(others));
        Ok(Draft { kind, which: Some(which), setting: Some(setting), before: None })
    }

    async fn turn(&self, number: u64) -> Result<Option<Turn>, StoreError> {
        let filter = TurnFilter { jobs: None, before: Some(number.saturating_add(1)), limit: 1 };
        let found = self.shared.store.turns(filter).await?.into_iter().next();
        Ok(found.filter(|turn| turn.number == number))
    }

    /// The jobs that were ever listed as Gearman functions, by masters or by us.
    async fn registered(&self) -> Result<BTreeSet<String>, StoreError> {
        let names = self.shared.store.gearman_names().await?;
        let job = |name: Vec<u8>| String::from_utf8(name).ok()?.strip_prefix("build:").map(str::to_owned);
        Ok(names.into_iter().filter_map(job).collect())
    }

    fn with_world<T>(
        &self,
        registered: &BTreeSet<String>,
        question: impl FnOnce(&World<'_>) -> Result<T, RouteError>,
    ) -> Result<T, RouteError> {
        let (routes, catalog) = (self.shared.router.routes(), self.shared.router.catalog());
        let masters = self.shared.masters.names();
        question(&World { routes: &routes, catalog: &catalog, masters: &masters, registered })
    }

    async fn grant(
        &self,
        state: &mut MutexGuard<'_, State>,
        wishes: Vec<(Selector, Wish)>,
        kind: TurnKind,
        who: &Who,
    ) -> Result<Turned, RouteError> {
        let registered = self.registered().await?;
        let (mut drafts, mut asks, mut turned) = (Vec::new(), Vec::new(), Turned::default());
        self.with_world(&registered, |world| {
            for (which, wish) in &wishes {
                let granted = world.grant(which, wish)?;
                turned.left_out.extend(granted.left_out);
                asks.extend(granted.ask);
                let now = state.in_force.get(&Some(which.clone()));
                let has = now.and_then(|turn| turn.setting.as_ref());
                if has == Some(&granted.setting) {
                    turned.unchanged += 1;
                    continue;
                }
                let before = now.filter(|turn| turn.setting.is_some()).map(|turn| turn.number);
                let (which, setting) = (Some(which.clone()), Some(granted.setting));
                drafts.push(Draft { kind, which, setting, before });
            }
            Ok(())
        })?;
        let ask = |(master, job): (String, JobName)| async move { self.ask(&master, &job).await };
        stream::iter(asks).map(ask).buffered(ASKED_AT_ONCE).try_collect::<()>().await?;
        turned.turns = self.commit(state, drafts, who).await?;
        Ok(turned)
    }

    /// Only the master can know the job. One that does not answer is believed to have it: its builds wait until it does.
    async fn ask(&self, master: &str, job: &JobName) -> Result<(), RouteError> {
        let Some(watched) = self.shared.masters.get(master) else { return Ok(()) };
        match watched.master().job(job).await {
            Err(MasterError::Refused(Refusal::NotFound)) => {
                Err(RouteError::NotThere { job: job.clone(), master: master.to_owned() })
            }
            Ok(_) => Ok(()),
            Err(error) => {
                warn!(master, job.name = %job, %error, "the master cannot say whether it has the job; it is routed there all the same");
                Ok(())
            }
        }
    }

    /// Keeps turns, then lets them count; returns when the next assignment is decided by them.
    async fn commit(
        &self,
        state: &mut MutexGuard<'_, State>,
        drafts: Vec<Draft>,
        who: &Who,
    ) -> Result<Vec<Turn>, RouteError> {
        let new = drafts.iter().filter(|draft| !state.in_force.contains_key(&draft.which)).count();
        if state.in_force.len() + new > IN_FORCE_MAX {
            return Err(RouteError::Words(
                "there are too many routes; use patterns, or write lasting ones into the configuration",
            ));
        }
        let at = self.shared.clock.now();
        let cut =
            |text: &str, most: usize| text.chars().filter(|letter| !letter.is_control()).take(most).collect();
        let (by, why): (String, String) = (cut(&who.by, BY_MAX), cut(&who.why, WHY_MAX));
        let first = state.last + 1;
        let turns: Vec<Turn> = (first..)
            .zip(drafts)
            .map(|(number, Draft { kind, which, setting, before })| Turn {
                number,
                at,
                by: by.clone(),
                why: why.clone(),
                kind,
                which,
                setting,
                before,
            })
            .collect();
        if turns.is_empty() {
            return Ok(turns);
        }
        self.shared.store.turn_routes(turns.clone()).await?;
        state.last += turns.len() as u64;
        state.in_force.extend(turns.iter().map(|turn| (turn.which.clone(), turn.clone())));
        self.shared.router.turn(state.in_force.values());
        let (done, renewed) = oneshot::channel();
        // An error only comes with the end of the process, and the next one lists the names anew.
        if self.shared.renew.send(done).await.is_ok() {
            let _ = renewed.await;
        }
        info!(route.turns = turns.len(), route.kind = turns[0].kind.as_str(), route.by = %by, route.why = %why, "routes changed");
        Ok(turns)
    }
}

fn frozen(state: &State) -> Option<&Turn> {
    state.in_force.get(&None).filter(|turn| turn.kind == TurnKind::Freeze)
}

fn thawed(state: &State) -> Result<(), RouteError> {
    let refused = |turn: &Turn| RouteError::Frozen { by: turn.by.clone(), why: turn.why.clone() };
    frozen(state).map_or(Ok(()), |turn| Err(refused(turn)))
}

fn selectors(meant: &Meant) -> Result<Vec<Selector>, RouteError> {
    match meant.jobs.len() {
        0 => Err(RouteError::Words("no job is named")),
        1..=SELECTORS_MAX => Ok(meant.selectors()),
        _ => Err(RouteError::Words("more than 5000 names in one command; use a pattern")),
    }
}
