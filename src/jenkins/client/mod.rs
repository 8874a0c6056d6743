//! Asks a Jenkins master over REST.
//!
//! Owns connections, login, time limits and bounds; what an answer means is [`super::wire`]'s. Redirects are never followed
//! (jenkins-rest 1.7), texts are asked for in English (jenkins-rest 10). Never: a second try of something that changes the
//! master, since the first may have been carried out (jenkins-rest 7.3).

mod probe;
mod route;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Method, RequestBuilder, redirect};

use super::wire::{
    BuildFacts, Crumb, Identity, JobFacts, LogPart, QueueId, QueueItem, RecentBuild, Refusal, Reply,
    RootFacts, RunningBuild, WaitingItem, cancelled, jobs, listing, queued,
};
use crate::model::{Addresses, BaseUrl, BuildNumber, JobName};
use crate::telemetry::innermost;

pub use crate::route::MasterError;
pub use probe::{Finding, Probe, probe};

/// A listing of 50,000 jobs has some 4 MiB; a part of a log may be the whole of it.
const LARGEST_ANSWER: usize = 64 << 20;
/// A master on the same network answers in milliseconds, a starting one refuses at once.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Who we are on a master: a user and an API token (jenkins-rest 1.2). Without them every request is anonymous.
#[derive(Clone)]
pub struct Login {
    /// The user's id.
    pub user: String,
    /// The API token; a password works too, and then wants crumbs.
    pub token: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A master. Cheap to clone; connections are kept alive and shared.
#[derive(Debug, Clone)]
pub struct Master {
    addresses: Addresses,
    login: Option<Login>,
    http: reqwest::Client,
    within: Duration,
    /// The crumb that was fetched last; only logins with a password need one.
    crumb: Arc<Mutex<Option<Crumb>>>,
}

impl Master {
    /// A master at `base`; each request ends `within` this time.
    ///
    /// # Errors
    /// When the machine cannot make connections at all.
    pub fn new(base: BaseUrl, login: Option<Login>, within: Duration) -> Result<Master, MasterError> {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .no_proxy()
            .build()
            .map_err(|error| MasterError::Unreachable(innermost(&error).to_string()))?;
        Ok(Master { addresses: Addresses::new(base.as_str()), login, http, within, crumb: Arc::default() })
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When it cannot be asked or refuses; so for all that follow.
    pub async fn root(&self) -> Result<RootFacts, MasterError> {
        Ok(RootFacts::read(&self.get(&self.below(RootFacts::PATH)).await?)?)
    }

    /// Who it takes us for.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn identity(&self) -> Result<Identity, MasterError> {
        Ok(Identity::read(&self.get(&self.below(Identity::PATH)).await?)?)
    }

    /// Its jobs, with those in folders.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn jobs(&self) -> Result<Vec<JobName>, MasterError> {
        Ok(jobs(&self.get(&self.below(&listing())).await?)?)
    }

    /// What a job says of itself.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn job(&self, job: &JobName) -> Result<JobFacts, MasterError> {
        Ok(JobFacts::read(&self.get(&format!("{}{}", self.addresses.job(job), JobFacts::PATH)).await?)?)
    }

    /// Triggers a build with these parameters, or with none when the job defines none. `None`: taken, and the item is to be looked
    /// for. [`MasterError::Lost`] says that it may have been taken: look before asking again (jenkins-rest 7.3).
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn trigger(
        &self,
        job: &JobName,
        parameters: Option<&[(String, String)]>,
    ) -> Result<Option<QueueId>, MasterError> {
        let (action, form) = match parameters {
            Some(parameters) => ("buildWithParameters", parameters),
            None => ("build", &[][..]),
        };
        let url = format!("{}{action}", self.addresses.job(job));
        let reply =
            self.post(&url, form.iter().cloned().chain([("delay".to_owned(), "0sec".to_owned())])).await?;
        Ok(queued(&reply)?)
    }

    /// An item of its queue.
    ///
    /// # Errors
    /// See [`Master::root`]; [`Refusal::NotFound`] when it has left the queue five minutes ago.
    pub async fn queue_item(&self, id: QueueId) -> Result<QueueItem, MasterError> {
        Ok(QueueItem::read(id, &self.get(&self.below(&QueueItem::path(id))).await?)?)
    }

    /// Cancels an item of its queue; `false`: it just became a build.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn cancel(&self, id: QueueId) -> Result<bool, MasterError> {
        Ok(cancelled(
            &self.post(&self.below("queue/cancelItem"), [("id".to_owned(), id.to_string())]).await?,
        )?)
    }

    /// A build.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn build(&self, job: &JobName, number: BuildNumber) -> Result<BuildFacts, MasterError> {
        Ok(BuildFacts::read(
            &self.get(&format!("{}{}", self.addresses.build(job, number), BuildFacts::PATH)).await?,
        )?)
    }

    /// The log of a build from `start` on.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn log(&self, job: &JobName, number: BuildNumber, start: u64) -> Result<LogPart, MasterError> {
        Ok(LogPart::read(
            start,
            &self.get(&format!("{}{}", self.addresses.build(job, number), LogPart::path(start))).await?,
        )?)
    }

    /// Stops a build; one that is over stays as it is.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn stop(&self, job: &JobName, number: BuildNumber) -> Result<(), MasterError> {
        self.post(&format!("{}stop", self.addresses.build(job, number)), []).await?.accepted()?;
        Ok(())
    }

    /// Every item that waits in its queue, with why.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn queue(&self) -> Result<Vec<WaitingItem>, MasterError> {
        Ok(WaitingItem::read_all(&self.get(&self.below(WaitingItem::PATH)).await?)?)
    }

    /// Every item that waits in its queue, with job and parameters.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn queue_with_parameters(&self) -> Result<Vec<WaitingItem>, MasterError> {
        Ok(WaitingItem::read_all(&self.get(&self.below(WaitingItem::PATH_WITH_PARAMETERS)).await?)?)
    }

    /// Every build that its executors run.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn running(&self) -> Result<Vec<RunningBuild>, MasterError> {
        Ok(RunningBuild::read_all(&self.get(&self.below(&RunningBuild::path())).await?)?)
    }

    /// The newest builds of a job.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn recent(&self, job: &JobName) -> Result<Vec<RecentBuild>, MasterError> {
        let url = format!("{}{}", self.addresses.job(job), RecentBuild::path());
        Ok(RecentBuild::read_all(&self.get(&url).await?)?)
    }

    /// Sets a build's description.
    ///
    /// # Errors
    /// See [`Master::root`].
    pub async fn describe(&self, job: &JobName, number: BuildNumber, text: &str) -> Result<(), MasterError> {
        let url = format!("{}submitDescription", self.addresses.build(job, number));
        self.post(&url, [("description".to_owned(), text.to_owned())]).await?.accepted()?;
        Ok(())
    }

    /// A trigger that lacks what a job with parameters needs: refused, but only after the right to build was looked at.
    async fn trigger_without_form(&self, job: &JobName) -> Result<(), MasterError> {
        let request = self.http.request(Method::POST, format!("{}build", self.addresses.job(job)));
        self.send(request).await?.accepted()?;
        Ok(())
    }

    /// The address of something that is no job.
    fn below(&self, path: &str) -> String {
        format!("{}{path}", self.addresses.root())
    }

    async fn get(&self, url: &str) -> Result<Reply, MasterError> {
        self.send(self.http.request(Method::GET, url)).await
    }

    /// Posts a form; values may be long, so they are never put into the address.
    async fn post(
        &self,
        url: &str,
        form: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Reply, MasterError> {
        let form: Vec<(String, String)> = form.into_iter().collect();
        let reply = self.send(self.with_crumb(url, &form)).await?;
        if !matches!(reply.accepted(), Err(Refusal::CrumbNeeded)) {
            return Ok(reply);
        }
        // Refused before anything was looked at: the one thing that may be sent twice (jenkins-rest 1.3).
        let crumb = Crumb::read(&self.get(&self.below(Crumb::PATH)).await?)?;
        *self.crumb.lock().unwrap_or_else(PoisonError::into_inner) = Some(crumb);
        self.send(self.with_crumb(url, &form)).await
    }

    fn with_crumb(&self, url: &str, form: &[(String, String)]) -> RequestBuilder {
        let request = self.http.request(Method::POST, url).form(form);
        // A poisoned lock only means that another thread panicked between two plain assignments.
        match &*self.crumb.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(crumb) => request.header(&crumb.header, &crumb.value).header("cookie", &crumb.cookies),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Reply, MasterError> {
        let request = request.header("accept-language", "en").timeout(self.within);
        let request = match &self.login {
            Some(login) => request.basic_auth(&login.user, Some(&login.token)),
            None => request,
        };
        let response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Ok(Reply { status, headers, body: bounded(response).await? })
    }
}

async fn bounded(mut response: reqwest::Response) -> Result<Bytes, MasterError> {
    let mut body = BytesMut::new();
    while let Some(part) =
        response.chunk().await.map_err(|error| MasterError::Lost(innermost(&error).to_string()))?
    {
        if body.len() + part.len() > LARGEST_ANSWER {
            return Err(MasterError::Large);
        }
        body.extend_from_slice(&part);
    }
    Ok(body.freeze())
}

/// A connection that was never there carried nothing out; everything later may have.
fn failed(error: &reqwest::Error) -> MasterError {
    if error.is_connect() || error.is_builder() {
        MasterError::Unreachable(innermost(error).to_string())
    } else {
        MasterError::Lost(innermost(error).to_string())
    }
}
