//! Where a build runs, and how far one on a master is.

use serde::{Deserialize, Serialize};

use super::parsed;
use crate::model::{MasterLog, MasterRun, MasterStep, Route, Side, Stage};
use crate::store::StoreError;

#[derive(Serialize, Deserialize)]
pub(super) struct RouteRow {
    reason: String,
    /// Absent in rows of versions that knew two stages, one for each side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// The master's name and the job's name there; absent for the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    master: Option<(String, String)>,
}

impl From<&Route> for RouteRow {
    fn from(route: &Route) -> RouteRow {
        let master = match &route.side {
            Side::Pool => None,
            Side::Master { name, job } => Some((name.clone(), job.to_string())),
        };
        RouteRow { reason: route.reason.clone(), stage: Some(route.stage.as_str().to_owned()), master }
    }
}

impl RouteRow {
    pub(super) fn into_route(self) -> Result<Route, StoreError> {
        let side = match self.master {
            None => Side::Pool,
            Some((name, job)) => Side::Master { name, job: parsed(&job)? },
        };
        let stage = match (&self.stage, &side) {
            (Some(word), _) => Stage::from_text(word)
                .ok_or_else(|| StoreError::Corrupt(format!("no stage is called '{word}'")))?,
            (None, Side::Pool) => Stage::Pool,
            (None, Side::Master { .. }) => Stage::Master,
        };
        Ok(Route { stage, side, reason: self.reason })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct MasterRow {
    step: StepRow,
    mark: Option<(String, String)>,
    items_before: u64,
    session: Option<String>,
    estimated_ms: Option<u64>,
    url: Option<String>,
    log_next: u64,
    console_end: u64,
    carriage_return: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StepRow {
    Asking,
    Queued { item: u64 },
    Started { item: Option<u64>, number: u64 },
}

impl From<&MasterRun> for MasterRow {
    fn from(run: &MasterRun) -> MasterRow {
        MasterRow {
            step: match run.step {
                MasterStep::Asking => StepRow::Asking,
                MasterStep::Queued { item } => StepRow::Queued { item },
                MasterStep::Started { item, number } => StepRow::Started { item, number },
            },
            mark: run.mark.clone(),
            items_before: run.items_before,
            session: run.session.clone(),
            estimated_ms: run.estimated_ms,
            url: run.url.clone(),
            log_next: run.log.next,
            console_end: run.log.console_end,
            carriage_return: run.log.carriage_return,
        }
    }
}

impl MasterRow {
    pub(super) fn into_run(self) -> MasterRun {
        MasterRun {
            step: match self.step {
                StepRow::Asking => MasterStep::Asking,
                StepRow::Queued { item } => MasterStep::Queued { item },
                StepRow::Started { item, number } => MasterStep::Started { item, number },
            },
            mark: self.mark,
            items_before: self.items_before,
            session: self.session,
            estimated_ms: self.estimated_ms,
            url: self.url,
            log: MasterLog {
                next: self.log_next,
                console_end: self.console_end,
                carriage_return: self.carriage_return,
            },
        }
    }
}
