//! Steps of a build, run or taken up in the recipe's order.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;

use super::context::{Context, workspace};
use super::ending::judge;
use super::environment::{Facts, environment};
use super::expand::expand;
use super::limits::{Limits, Span, limits};
use super::order::{Placed, PlacedPublisher, place};
use super::room::Room;
use super::room_spec::HOME;
use super::run::Trouble;
use super::secrets::{Bound, FILE_MODE, FILES};
use super::session::{Session, StepCall};
use super::stop::StopWatch;
use super::verdict::{Effect, Verdict};
use crate::build::BuildEvent;
use crate::catalog::recipe::{Recipe, ShellStep, Step};
use crate::console::Console;
use crate::keeper::{Keeper, StepId, StepSpec};
use crate::model::{BuildRecord, Cause, Millis, ResultWord, StepEnd, StepRecord, StepState};
use crate::sys::failpoint;

/// Variables by which processes of this build are found (jjb-T14).
const COOKIE: [&str; 5] = ["BUILD_ID", "BUILD_NUMBER", "BUILD_TAG", "JOB_NAME", super::environment::COOKIE];

/// Managed files in the workspace: read by whatever user the job's tools run as.
const PLACED_MODE: u32 = 0o644;

/// The steps of one build on its node.
pub(super) struct Steps<'a> {
    context: &'a Context,
    record: &'a BuildRecord,
    recipe: &'a Recipe,
    session: &'a Session,
    console: &'a Console,
    secrets: &'a Bound,
    environment: IndexMap<String, String>,
    /// The same for steps in the build container.
    in_room: IndexMap<String, String>,
    /// What steps of ours have left for those that follow.
    left: Mutex<IndexMap<String, String>>,
    workspace: String,
    limits: Limits,
}

impl<'a> Steps<'a> {
    /// Prepares to run `recipe` on the session's node.
    pub fn new(
        context: &'a Context,
        record: &'a BuildRecord,
        recipe: &'a Recipe,
        session: &'a Session,
        console: &'a Console,
        secrets: &'a Bound,
    ) -> Steps<'a> {
        let workspace = workspace(session.lease().workspace_root(), &record.request.job);
        let mut steps = Steps {
            context,
            record,
            recipe,
            session,
            console,
            secrets,
            environment: IndexMap::new(),
            in_room: IndexMap::new(),
            left: Mutex::default(),
            workspace,
            limits: Limits::default(),
        };
        let mut node_environment: Vec<_> = super::guard::address(session.lease()).into_iter().collect();
        node_environment.extend(session.lease().label().environment.iter().cloned());
        let files = format!("{}@tmp", steps.workspace);
        // The limit may name a variable, and a variable may hold the limit: once without, then with it.
        let first = steps.variables(&node_environment, &files);
        steps.limits = limits(recipe, &first, context.settings.timeout);
        steps.environment = steps.variables(&node_environment, &files);
        steps
    }

    /// All variables of steps, where the node's own are these and the files of credentials lie there.
    fn variables(&self, node_environment: &[(String, String)], files: &str) -> IndexMap<String, String> {
        let lease = self.session.lease();
        let (label, node, job) = (lease.label(), lease.node(), &self.record.request.job);
        let mut labels = vec![label.name.clone()];
        labels.extend(label.aliases.iter().cloned());
        let limit_millis = self.limits.absolute.map(|limit| limit.as_millis());
        let mut environment = environment(&Facts {
            record: self.record,
            recipe: self.recipe,
            node_environment,
            node_name: node.as_str(),
            node_labels: &labels,
            workspace: &self.workspace,
            files,
            root_url: self.context.addresses.root(),
            build_url: &self.context.addresses.build(job, self.record.number),
            limit_millis,
            secrets: self.secrets,
        });
        for placed in self.secrets.placed.iter().filter(|placed| !placed.variable.is_empty()) {
            let target = expand(&placed.target, |name| environment.get(name).map(String::as_str));
            // An absolute path stays as it is.
            let path = Path::new(&self.workspace).join(target).display().to_string();
            environment.insert(placed.variable.clone(), path);
        }
        environment
    }

    /// From now on steps run in the build container, with what it has instead of the node's (docker-M24).
    pub async fn go_in(&mut self, room: Arc<Room>) {
        let of_container = ["PATH", "HOME", "HOSTNAME"];
        let label = self.session.lease().label();
        let node = label.environment.iter().filter(|(name, _)| !of_container.contains(&name.as_str()));
        let node: Vec<_> = node.cloned().collect();
        let files = room.directory().display().to_string();
        self.in_room = self.variables(&node, &files);
        if let Some(facts) = room.facts().await {
            if !facts.knows_user {
                // Else it would be `/`, where nobody but root can write (docker-M22).
                let home = || format!("{}@tmp/{HOME}", self.workspace);
                self.in_room.entry("HOME".to_owned()).or_insert_with(home);
            }
            for variables in [&mut self.in_room, &mut self.environment] {
                variables.insert("BUILD_CONTAINER_ID".to_owned(), facts.id.clone());
            }
        }
        self.session.enter(room);
    }

    /// Runs the builders: the first that fails ends them (jjb-T1), and so do a stop and the time limit (jjb-T2).
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn builders(&mut self, verdict: &mut Verdict, stop: &mut StopWatch) -> Result<(), Trouble> {
        let (builders, _) = place(self.recipe);
        // The limit counts from here on, over restarts too (pools-D64).
        let since = self.record.started_at.unwrap_or_else(|| self.now());
        let span = Span::new(self.limits, since);
        if let Some(effect) = self.enter_room(span, stop).await? {
            self.say(&format!("{}\n", effect.cause)).await;
            verdict.worsen(effect.word, effect.cause);
            return Ok(());
        }
        self.put_files().await?;
        if let Some(effect) = self.start_agent(span, stop).await? {
            let effect = named(effect, stop);
            verdict.worsen(effect.word, effect.cause);
            return Ok(());
        }
        if !self.record.steps.is_empty() {
            self.recall_images().await;
        }
        for placed in &builders {
            // One that a former process began is followed to its end, or it would stay open in the record.
            if let Some(mark) = stop.mark().filter(|_| !self.begun(placed)) {
                verdict.worsen(mark.word(), mark.cause);
                break;
            }
            let Some(effect) = self.step(placed, span, stop, verdict.word()).await? else { continue };
            let effect = named(effect, stop);
            verdict.worsen(effect.word, effect.cause);
            if effect.ends {
                break;
            }
        }
        Ok(())
    }

    /// Runs one step, or takes it up, or reads its end from the record; `None` when it ended well.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn step(
        &self,
        placed: &Placed<'_>,
        span: Span,
        stop: &mut StopWatch,
        so_far: ResultWord,
    ) -> Result<Option<Effect>, Trouble> {
        match placed.step {
            Step::Shell(shell) => self.shell(placed.index, shell, span, stop).await,
            Step::TriggerBuilds(trigger) => {
                self.trigger(placed.index, "trigger-builds", trigger, span, stop).await
            }
            Step::Inject(inject) => self.inject(placed, inject, span, stop).await,
            // What is rare is in a box: the state of most builds has no room for it (perf-M3).
            Step::PullImage(pull) => Box::pin(self.pull_image(placed.index, pull, span, stop)).await,
            Step::BuildImage(image) => Box::pin(self.build_image(placed.index, image, span, stop)).await,
            Step::Conditional(step) => {
                // A step may stand in a step: the future would have no size.
                Box::pin(self.conditional(placed, step, span, stop, so_far)).await
            }
        }
    }

    async fn shell(
        &self,
        index: u32,
        shell: &ShellStep,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<Option<Effect>, Trouble> {
        let title = format!("step {index} (shell)");
        let end = self.script(index, &title, shell, span, stop).await?;
        Ok(judge(&end, &title, shell.unstable_return, span.limits))
    }

    /// Runs a script to its end, or takes it up, or reads its end from the record.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn script(
        &self,
        index: u32,
        title: &str,
        shell: &ShellStep,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<StepEnd, Trouble> {
        match self.recorded(index).map(|step| &step.state) {
            Some(StepState::Ended { end, .. }) => Ok(end.clone()),
            Some(StepState::Started) => self.run(index, title, shell, span, stop).await,
            // What has no time left is not begun.
            None if span.over(self.now()) => Ok(StepEnd::Timeout),
            None => self.run(index, title, shell, span, stop).await,
        }
    }

    /// Whether anything of a step is in the record.
    pub fn begun(&self, placed: &Placed<'_>) -> bool {
        let scripts = placed.scripts.iter().map(|(index, _)| *index);
        scripts.chain([placed.index]).any(|index| self.recorded(index).is_some())
            || placed.inner.iter().any(|inner| self.begun(inner))
    }

    /// What is known of a step of this build already.
    pub fn recorded(&self, index: u32) -> Option<&StepRecord> {
        self.record.steps.iter().find(|step| step.index == index)
    }

    async fn run(
        &self,
        index: u32,
        title: &str,
        shell: &ShellStep,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<StepEnd, Trouble> {
        let console_start = match self.recorded(index) {
            Some(step) => step.console_start,
            None => {
                let job = self.record.request.job.base();
                self.say(&format!("[{job}] $ {} # {title}\n", shell.interpreter.join(" "))).await;
                self.announce(index, title).await?.console_start
            }
        };
        let call = StepCall {
            spec: self.spec(index, shell, span),
            stored: self.console.taken(console_start).await,
            masks: self.secrets.masks.clone(),
            grace: self.context.settings.grace,
        };
        let report = self.session.run(call, self.console, stop).await?;
        let end = StepEnd::from(&report);
        failpoint::hit("before-status");
        self.ended(index, end.clone()).await?;
        failpoint::hit("after-status");
        if end == StepEnd::Exit(0) && report.memory_kills > 0 {
            let text = "[causeway] The kernel ended a process of this step for memory. The step itself went on and ended well.\n";
            self.say(text).await;
        }
        Ok(end)
    }

    /// Records a step before anything of it exists.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn announce(&self, index: u32, title: &str) -> Result<StepRecord, Trouble> {
        let console_start = self.console.length();
        let started = BuildEvent::StepStarted { index, title: title.to_owned(), console_start };
        let record = self.tell(started).await?;
        let step = record.steps.iter().find(|step| step.index == index).cloned();
        step.ok_or_else(|| Trouble::Infrastructure(format!("{title} is not in the build's record")))
    }

    /// Records a step's end, once all that it wrote is in the console.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn ended(&self, index: u32, end: StepEnd) -> Result<(), Trouble> {
        let console_end = self.console.length();
        self.tell(BuildEvent::StepEnded { index, end, console_end }).await?;
        Ok(())
    }

    fn spec(&self, index: u32, shell: &ShellStep, span: Span) -> StepSpec {
        let settings = &self.context.settings;
        StepSpec {
            step: StepId(index),
            argv: shell.interpreter.clone(),
            script: Some(shell.script.clone().into_bytes()),
            env: self.all_variables(),
            cwd: self.workspace.clone(),
            absolute: span.left(self.now()),
            inactivity: span.limits.inactivity,
            grace: settings.grace,
            log_limit: settings.log_limit,
            end_at_log_limit: settings.end_at_log_limit,
        }
    }

    /// A variable of the last image that was made, for steps that follow (docker-M40).
    pub fn keep_image_variable(&self, name: &str, value: String) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.insert(format!("CAUSEWAY_IMAGE_{name}"), value);
    }

    /// One variable of a step.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.all_variables().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn all_variables(&self) -> Vec<(String, String)> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let all =
            self.step_environment().iter().filter(|(name, _)| !left.contains_key(*name)).chain(left.iter());
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn step_environment(&self) -> &IndexMap<String, String> {
        if self.session.room().is_some() { &self.in_room } else { &self.environment }
    }

    /// Ends what the builders have left behind, before the publishers (jjb-T1, T14).
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn sweep(&self) -> Result<(), Trouble> {
        let cookie = COOKIE
            .iter()
            .filter_map(|name| self.environment.get(*name).map(|value| format!("{name}={value}")));
        self.session.sweep(cookie.collect(), self.context.settings.grace).await?;
        Ok(())
    }

    /// Puts the files of credentials on the node, beside the workspace; once more after a restart.
    async fn put_files(&self) -> Result<(), Trouble> {
        let room = self.session.room();
        // What a former process put into a container's memory is still there.
        if room.is_some() && !self.record.steps.is_empty() {
            return Ok(());
        }
        for (_, path, content) in &self.secrets.files {
            let path = if room.is_some() { PathBuf::from(path) } else { self.beside_workspace(path) };
            let put = |keeper: Keeper| {
                let path = &path;
                async move {
                    // One that a former process put there may not be written to.
                    keeper.remove(path).await?;
                    keeper.put_file(path, FILE_MODE, &content[..]).await
                }
            };
            self.session.with_keeper_of_steps(put).await?;
        }
        // What the job has made of the others since is its own.
        if self.record.steps.is_empty() {
            for placed in &self.secrets.placed {
                let path =
                    self.file_of_workspace(&self.expand(&placed.target)).map_err(Trouble::Definition)?;
                let put = |keeper: Keeper| {
                    let path = &path;
                    async move { keeper.put_file(path, PLACED_MODE, &placed.content[..]).await }
                };
                self.session.with_keeper(put).await?;
            }
        }
        Ok(())
    }

    /// Removes the files of credentials and managed files: publishers do not see them (jjb-T3).
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn remove_files(&self) -> Result<(), Trouble> {
        if !self.secrets.files.is_empty() {
            self.remove(self.beside_workspace(FILES)).await?;
        }
        for placed in &self.secrets.placed {
            if let Ok(path) = self.file_of_workspace(&self.expand(&placed.target)) {
                self.remove(path).await?;
            }
        }
        Ok(())
    }

    /// Removes a file of credentials, or a folder of them, while builders run.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn remove_secret(&self, path: &str) -> Result<(), Trouble> {
        let path = if self.session.room().is_some() { path.into() } else { self.beside_workspace(path) };
        let remove = |keeper: Keeper| {
            let path = &path;
            async move { keeper.remove(path).await }
        };
        self.session.with_keeper_of_steps(remove).await?;
        Ok(())
    }

    /// Where steps find the files of credentials.
    pub fn secrets_directory(&self) -> String {
        match self.session.room() {
            Some(room) => room.directory().display().to_string(),
            None => format!("{}@tmp", self.workspace),
        }
    }

    async fn remove(&self, path: PathBuf) -> Result<(), Trouble> {
        let remove = |keeper: Keeper| {
            let path = &path;
            async move { keeper.remove(path).await }
        };
        self.session.with_keeper(remove).await?;
        Ok(())
    }

    /// A path in the directory beside the workspace, relative to the node's directory.
    pub fn beside_workspace(&self, path: &str) -> PathBuf {
        let workspace = self.workspace_below_node();
        let name = workspace.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        workspace.with_file_name(format!("{name}@tmp")).join(path)
    }

    /// The publishers with the numbers of their steps.
    pub fn publishers(&self) -> Vec<PlacedPublisher<'a>> {
        place(self.recipe).1
    }

    /// Replaces variables in a text field (jjb-T26).
    pub fn expand(&self, text: &str) -> String {
        self.expand_with(text, &[])
    }

    /// As [`Steps::expand`], with further variables that win.
    pub fn expand_with(&self, text: &str, further: &[(String, String)]) -> String {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let further =
            |name: &str| further.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let given = |name: &str| self.step_environment().get(name).map(String::as_str);
        expand(text, |name| {
            further(name).or_else(|| left.get(name).map(String::as_str)).or_else(|| given(name))
        })
    }

    /// Sets variables for the steps that follow.
    pub fn set_variables(&self, variables: Vec<(String, String)>) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).extend(variables);
    }

    /// Tells the build's writer.
    ///
    /// # Errors
    /// When the event does not fit or cannot be stored.
    pub async fn tell(&self, event: BuildEvent) -> Result<Arc<BuildRecord>, Trouble> {
        let told = self.context.builds.apply(self.record.id, event).await;
        told.map_err(|problem| Trouble::Infrastructure(problem.to_string()))
    }

    /// Writes a line of ours to the console, without secrets.
    pub async fn say(&self, text: &str) {
        // Only fails when the process ends; the next one cuts off and says again what is not recorded.
        let _ = self.console.append(self.secrets.masks.hide(text).into()).await;
    }

    /// The shared parts.
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// The build as it was when this process took it up.
    pub fn record(&self) -> &'a BuildRecord {
        self.record
    }

    /// What the build's log must not show.
    pub fn secrets(&self) -> &'a Bound {
        self.secrets
    }

    /// What the build runs by.
    pub fn recipe(&self) -> &'a Recipe {
        self.recipe
    }

    /// The workspace's path.
    pub fn workspace(&self) -> &str {
        &self.workspace
    }

    /// The node.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// The workspace's path relative to the node's directory, as the keeper's files are named.
    pub fn workspace_below_node(&self) -> PathBuf {
        let directory = self.session.lease().directory();
        Path::new(&self.workspace).strip_prefix(directory).map_or_else(|_| PathBuf::new(), Path::to_path_buf)
    }

    /// The time now.
    pub fn now(&self) -> Millis {
        self.context.builds.now()
    }
}

/// The cause of a stop is who, or what, asked for it.
fn named(effect: Effect, stop: &StopWatch) -> Effect {
    match (&effect.cause, stop.mark()) {
        (Cause::Stopped { .. }, Some(mark)) => Effect { word: mark.word(), cause: mark.cause, ..effect },
        _ => effect,
    }
}
