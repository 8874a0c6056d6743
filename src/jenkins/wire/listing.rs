//! Many builds with one question (jenkins-rest 7.5), and what a lost trigger is looked for in (jenkins-rest 7.3).

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

use super::{QueueId, Refusal, Reply};
use crate::model::JobName;

/// Builds of one job that are looked through: more than are started while an answer is waited for.
const RECENT: &str = "%7B0,100%7D";

/// Items of the queue, with as much as is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingItem {
    /// Its id.
    pub id: QueueId,
    /// Why it waits; translated, for people only.
    pub why: Option<String>,
    /// Its job, where that is asked for.
    pub job: Option<Place>,
    /// Its parameters, where they are asked for.
    pub parameters: Vec<(String, String)>,
}

/// A build that an executor runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningBuild {
    /// Its job.
    pub job: Place,
    /// Its number.
    pub number: u64,
    /// When it began, by the master's clock.
    pub began_ms: Option<u64>,
    /// How long the master thinks it takes, where it has an idea.
    pub estimated_ms: Option<u64>,
}

/// One of a job's newest builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentBuild {
    /// Its number.
    pub number: u64,
    /// The item that it was.
    pub queue_id: Option<QueueId>,
    /// Its parameters.
    pub parameters: Vec<(String, String)>,
}

/// A job as an address names it: letter case does not count (jenkins-rest 1.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// The place of a job.
    pub fn of(job: &JobName) -> Place {
        Place(job.as_str().to_lowercase())
    }

    /// The job, and the build's number if it is one, that an address names. The host and what comes before the first `job` are
    /// another matter: fields use the configured address of a master (jenkins-rest 1.1).
    fn of_url(url: &str) -> Option<(Place, Option<u64>)> {
        let path = url.find("/job/").map(|at| &url[at + 1..])?;
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        let mut names = Vec::new();
        while parts.peek() == Some(&"job") {
            parts.next();
            names.push(percent_decode_str(parts.next()?).decode_utf8().ok()?.to_lowercase());
        }
        // What is neither a job nor its build is a cell of a matrix.
        let number = parts.next().map(str::parse).transpose().ok()?;
        parts.next().is_none().then(|| (Place(names.join("/")), number))
    }
}

#[derive(Deserialize)]
struct RawQueue {
    #[serde(default)]
    items: Vec<RawItem>,
}

#[derive(Deserialize)]
struct RawItem {
    id: u64,
    why: Option<String>,
    task: Option<RawTask>,
    #[serde(default)]
    actions: Vec<Option<RawAction>>,
}

#[derive(Deserialize)]
struct RawTask {
    url: Option<String>,
}

#[derive(Deserialize)]
struct RawAction {
    #[serde(default)]
    parameters: Vec<RawParameter>,
}

#[derive(Deserialize)]
struct RawParameter {
    name: String,
    value: Option<Value>,
}

impl WaitingItem {
    /// What to ask to see how far items are.
    pub const PATH: &str = "queue/api/json?tree=items%5Bid,why%5D";
    /// What to ask to find an item.
    pub const PATH_WITH_PARAMETERS: &str =
        "queue/api/json?tree=items%5Bid,task%5Burl%5D,actions%5Bparameters%5Bname,value%5D%5D%5D";

    /// Reads all that wait.
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read_all(reply: &Reply) -> Result<Vec<WaitingItem>, Refusal> {
        let raw: RawQueue = reply.json()?;
        let item = |raw: RawItem| WaitingItem {
            id: QueueId(raw.id),
            why: raw.why,
            job: raw.task.and_then(|task| Place::of_url(&task.url?)).map(|(place, _)| place),
            parameters: parameters(raw.actions),
        };
        Ok(raw.items.into_iter().map(item).collect())
    }
}

impl RunningBuild {
    /// What to ask. Pipelines run in the one-off executors of the built-in node (jenkins-rest 5).
    pub fn path() -> String {
        let executable = "%5BcurrentExecutable%5Burl,number,timestamp,estimatedDuration%5D%5D";
        format!("computer/api/json?tree=computer%5Bexecutors{executable},oneOffExecutors{executable}%5D")
    }

    /// Reads all that run.
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read_all(reply: &Reply) -> Result<Vec<RunningBuild>, Refusal> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            computer: Vec<Computer>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Computer {
            #[serde(default)]
            executors: Vec<Executor>,
            #[serde(default)]
            one_off_executors: Vec<Executor>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Executor {
            current_executable: Option<Executable>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Executable {
            url: Option<String>,
            timestamp: Option<u64>,
            estimated_duration: Option<i64>,
        }
        let raw: Raw = reply.json()?;
        let executors = raw
            .computer
            .into_iter()
            .flat_map(|computer| computer.executors.into_iter().chain(computer.one_off_executors));
        let running = executors.filter_map(|executor| executor.current_executable).filter_map(|executable| {
            let (job, number) = Place::of_url(&executable.url?)?;
            let estimated_ms = executable.estimated_duration.and_then(|millis| u64::try_from(millis).ok());
            Some(RunningBuild { job, number: number?, began_ms: executable.timestamp, estimated_ms })
        });
        Ok(running.collect())
    }
}

impl RecentBuild {
    /// What to ask below the job's path.
    pub fn path() -> String {
        format!("api/json?tree=builds%5Bnumber,queueId,actions%5Bparameters%5Bname,value%5D%5D%5D{RECENT}")
    }

    /// Reads them, the newest first.
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read_all(reply: &Reply) -> Result<Vec<RecentBuild>, Refusal> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            builds: Vec<RawBuild>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct RawBuild {
            number: u64,
            queue_id: Option<u64>,
            #[serde(default)]
            actions: Vec<Option<RawAction>>,
        }
        let raw: Raw = reply.json()?;
        let build = |raw: RawBuild| RecentBuild {
            number: raw.number,
            queue_id: raw.queue_id.map(QueueId),
            parameters: parameters(raw.actions),
        };
        Ok(raw.builds.into_iter().map(build).collect())
    }
}

/// The parameters among the actions; passwords have no value.
fn parameters(actions: Vec<Option<RawAction>>) -> Vec<(String, String)> {
    let all = actions.into_iter().flatten().flat_map(|action| action.parameters);
    all.map(|parameter| {
        let value = match parameter.value {
            Some(Value::String(text)) => text,
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        (parameter.name, value)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jenkins_1_1_the_place_is_what_comes_after_the_base() {
        let place = |url: &str| Place::of_url(url).map(|(place, number)| (place.0, number));
        assert_eq!(place("http://x/jenkins/job/A/job/b%20c/7/"), Some(("a/b c".into(), Some(7))));
        assert_eq!(place("https://x/view/V/job/unit/"), Some(("unit".into(), None)));
        assert_eq!(place("http://x/job/matrix/os=deb/3/"), None);
        assert_eq!(place("http://x/computer/"), None);
        assert_eq!(Place::of(&"A/b c".parse().unwrap()).0, "a/b c");
    }
}
