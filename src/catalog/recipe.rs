//! A recipe: all that `execute` needs to run a build of a job. It has a stored form, because a running build keeps its recipe over
//! reloads and restarts.

mod condition;
mod credential;
mod docker;
mod inject;
mod mail;
mod managed_file;
mod shared;
mod test_report;
mod trigger;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use condition::{Comparator, Condition, ConditionalStep, OnEvaluationFailure};
pub use credential::{BindingForm, CredentialBinding};
pub use docker::{
    BuildContainer, BuildImage, CommitContainer, ContainerImage, ContainerNetwork, ImageNames, ImageSource,
    PullImage, Volume,
};
pub use inject::Inject;
pub use mail::Mail;
pub use managed_file::ManagedFile;
pub use test_report::{Counted, TestLimit, TestReports, TestSource};
pub use trigger::{BuildStart, PassedParameters, StartAfter, StartsAfter, Thresholds, TriggerBuilds};

/// A job, compiled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// The job's full name.
    pub job: String,
    /// Its description, as the YAML has it.
    pub description: String,
    /// The label expression of the node it needs; empty: any node (jjb-T20 `node`).
    pub node: String,
    /// Declared parameters, in order.
    pub parameters: Vec<ParameterDeclaration>,
    /// Variables from the server's configuration (site variables, jjb-T43).
    pub environment: Vec<(String, String)>,
    /// Time limit, from the `timeout` wrapper.
    pub timeout: Option<TimeLimit>,
    /// The colour map's name when the `ansicolor` wrapper is there: becomes `TERM`.
    pub terminal: Option<String>,
    /// Builders, in order; the first that fails ends them (jjb-T1).
    pub steps: Vec<Step>,
    /// Publishers, in order; all of them run whatever happened (jjb-T1).
    pub publishers: Vec<Publisher>,
    /// How long logs and artifacts are kept.
    pub retention: Retention,
    /// Whether several builds may run at once.
    pub concurrent: bool,
    /// Secrets that steps and publishers get.
    #[serde(default)]
    pub credentials: Vec<CredentialBinding>,
    /// The container that builders run in, when it is another than the node.
    #[serde(default)]
    pub build_container: Option<BuildContainer>,
    /// What becomes of the build's container after a success.
    #[serde(default)]
    pub commit: Option<CommitContainer>,
    /// Managed files that the build gets.
    #[serde(default)]
    pub managed_files: Vec<ManagedFile>,
    /// Ids of ssh keys that an agent holds for the steps.
    #[serde(default)]
    pub ssh_agent: Vec<String>,
    /// Times at which it starts by the clock: each the text of one `timed` trigger, which can be read.
    #[serde(default)]
    pub timers: Vec<String>,
    /// Seconds that a build waits before it starts, when a person or the clock asks for it. Those that Zuul or another build asks
    /// for start at once, as with Jenkins' plugins.
    #[serde(default)]
    pub quiet_seconds: u32,
    /// Not offered at all.
    #[serde(default)]
    pub disabled: bool,
    /// Where the job was written.
    pub place: Place,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// The file's path as it was given.
    pub file: String,
    /// Line, from 1; 0 if unknown.
    pub line: u32,
}

/// A parameter that the job declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterDeclaration {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ParameterKind,
    /// The default, as text.
    pub default: String,
    /// For people.
    pub description: String,
}

/// Kinds of parameters (jjb-T25).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterKind {
    /// One line of text.
    String,
    /// Text of several lines.
    Text,
    /// `true` or `false`.
    Bool,
    /// One of these; the first is the default.
    Choice(Vec<String>),
    /// Masked wherever it is shown.
    Password,
}

/// A time limit over wrappers and builders (jjb-T2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLimit {
    /// From when it counts.
    pub kind: TimeLimitKind,
    /// Minutes (seconds for `NoActivity`), perhaps with variables: `30`, `${BUILD_TIMEOUT}` (jjb-T26).
    pub amount: String,
    /// What the build's result becomes.
    pub action: TimeLimitAction,
    /// A variable that gets the limit in milliseconds (`timeout-var`).
    pub variable: Option<String>,
}

/// Kinds of time limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeLimitKind {
    /// From the start.
    Absolute,
    /// Since the last output.
    NoActivity,
}

/// What a passed time limit makes of the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeLimitAction {
    /// FAILURE.
    Fail,
    /// ABORTED.
    Abort,
}

/// A step on the node. Most are scripts, so all else is boxed: a catalogue holds thousands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A shell script (jjb-T10 to T14). Jobs that call the same macro share it.
    Shell(#[serde(with = "shared")] Arc<ShellStep>),
    /// Starts of other builds.
    TriggerBuilds(Box<TriggerBuilds>),
    /// An image that is pulled.
    PullImage(Box<PullImage>),
    /// An image that is built, tagged, pushed.
    BuildImage(Box<BuildImage>),
    /// Variables for the steps that follow.
    Inject(Box<Inject>),
    /// Steps under a condition.
    Conditional(Box<ConditionalStep>),
}

macro_rules! boxed {
    ($($variant:ident($content:ty)),*) => {$(
        impl From<$content> for Step {
            fn from(content: $content) -> Step {
                Step::$variant(Box::new(content))
            }
        }
    )*};
}

boxed!(
    TriggerBuilds(TriggerBuilds),
    PullImage(PullImage),
    BuildImage(BuildImage),
    Inject(Inject),
    Conditional(ConditionalStep)
);

/// A shell script, ready to be written to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellStep {
    /// The words before the script's path: from its `#!` line or from the configured shell (jjb-T10, T11).
    pub interpreter: Vec<String>,
    /// The script, line ends already LF (jjb-T12).
    pub script: String,
    /// An exit code that means UNSTABLE (jjb-T13).
    pub unstable_return: Option<i32>,
    /// Where it was written.
    pub place: Place,
}

/// A publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Publisher {
    /// Steps after the build.
    PostBuildScript(PostBuildScript),
    /// Files that are kept.
    Archive(Archive),
    /// Test reports that are read.
    TestReports(TestReports),
    /// A mail.
    Mail(Mail),
    /// Builds that are started when all else is done.
    StartsAfter(StartsAfter),
}

/// The `postbuildscript` publisher, new form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostBuildScript {
    /// Groups, in order; in each, steps run until one fails.
    pub groups: Vec<PostGroup>,
    /// A failing step makes the build UNSTABLE instead of FAILURE.
    pub mark_unstable_if_failed: bool,
}

/// One group of post steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostGroup {
    /// Runs when the build's result is one of these (Jenkins' words); default `SUCCESS`.
    pub build_on: Vec<String>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// The `archive` publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Ant patterns, separated by commas, perhaps with variables.
    pub artifacts: String,
    /// Ant patterns that are left out.
    pub excludes: String,
    /// No match is no failure.
    pub allow_empty: bool,
    /// Only when the build is SUCCESS so far.
    pub only_if_success: bool,
    /// Whether `.git`, `*~` and their like are left out as Ant does.
    pub default_excludes: bool,
    /// Whether patterns tell capitals from small letters.
    pub case_sensitive: bool,
    /// Where it was written.
    pub place: Place,
}

/// How long builds are kept (`build-discarder`, `logrotate`); `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Retention {
    /// Days that a build is kept.
    pub days: Option<u32>,
    /// How many builds are kept.
    pub builds: Option<u32>,
    /// Days that artifacts are kept.
    pub artifact_days: Option<u32>,
    /// For how many builds artifacts are kept.
    pub artifact_builds: Option<u32>,
}

/// What a build carries from its acceptance to its end: a recipe, or the reason why it can only be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compiled {
    /// It runs by this recipe.
    Runs(Box<Recipe>),
    /// It ends with `CONFIG_ERROR`; the text says why and what to do (decision 8).
    Refused(String),
}

impl Compiled {
    /// The stored form.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When it was written by a version whose recipes this one cannot read.
    pub fn from_text(text: &str) -> Result<Compiled, serde_json::Error> {
        serde_json::from_str(text)
    }
}
