//! Jobs: which there are, and what must be known before the first trigger (jenkins-rest 2.1, 7.2).

use serde::Deserialize;
use serde_json::Value;

use super::{Refusal, Reply};
use crate::model::JobName;

/// Folders in folders that are asked for: Jenkins allows more, nobody nests more, and requests stay short.
const FOLDERS: usize = 16;
/// More jobs than this are cut off: a listing is kept in memory.
const JOBS_AT_MOST: usize = 50_000;

/// A parameter that a job defines; others are dropped by the master without a word (jenkins-rest 3.1).
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterDefinition {
    /// Its name.
    pub name: String,
    /// The short class name: `StringParameterDefinition`.
    pub kind: String,
    /// The values of a choice; another one is refused.
    pub choices: Vec<String>,
    /// Its default; passwords have none.
    pub default: Option<Value>,
}

/// What a job says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFacts {
    /// It takes triggers: enabled, and saved at least once.
    pub buildable: bool,
    /// It may run twice at once; `None` where the kind of job does not say.
    pub concurrent: Option<bool>,
    /// The number that comes next.
    pub next_number: Option<u64>,
    /// What it defines. `None`: it has no parameters, and is triggered with `build`.
    pub parameters: Option<Vec<ParameterDefinition>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    buildable: Option<bool>,
    concurrent_build: Option<bool>,
    next_build_number: Option<u64>,
    #[serde(default)]
    property: Vec<RawProperty>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawProperty {
    parameter_definitions: Option<Vec<RawParameter>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawParameter {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    choices: Option<Vec<String>>,
    default_parameter_value: Option<RawDefault>,
}

#[derive(Deserialize)]
struct RawDefault {
    value: Option<Value>,
}

impl JobFacts {
    /// What to ask below the job's path.
    pub const PATH: &str = "api/json?tree=buildable,concurrentBuild,nextBuildNumber,\
        property%5BparameterDefinitions%5Bname,type,choices,defaultParameterValue%5Bvalue%5D%5D%5D";

    /// Reads the answer.
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read(reply: &Reply) -> Result<JobFacts, Refusal> {
        let raw: Raw = reply.json()?;
        let definitions = raw.property.into_iter().filter_map(|property| property.parameter_definitions);
        let parameters: Option<Vec<_>> = definitions
            .reduce(|mut all, more| {
                all.extend(more);
                all
            })
            .map(|all| all.into_iter().map(ParameterDefinition::from).collect());
        Ok(JobFacts {
            buildable: raw.buildable.unwrap_or(false),
            concurrent: raw.concurrent_build,
            next_number: raw.next_build_number,
            parameters,
        })
    }
}

impl From<RawParameter> for ParameterDefinition {
    fn from(raw: RawParameter) -> ParameterDefinition {
        ParameterDefinition {
            name: raw.name,
            kind: raw.kind.unwrap_or_default(),
            choices: raw.choices.unwrap_or_default(),
            default: raw.default_parameter_value.and_then(|default| default.value),
        }
    }
}

/// The question for all jobs of a master, with those in folders.
pub fn listing() -> String {
    let mut tree = "jobs%5Bname%5D".to_owned();
    for _ in 1..FOLDERS {
        tree = format!("jobs%5Bname,{tree}%5D");
    }
    format!("api/json?tree={tree}")
}

/// Reads all jobs of a master: those that have no jobs themselves. Whoever asked with another depth gets as many levels.
///
/// # Errors
/// When the master refuses, or something else than Jenkins answers.
pub fn jobs(reply: &Reply) -> Result<Vec<JobName>, Refusal> {
    #[derive(Deserialize)]
    struct Item {
        #[serde(default)]
        name: String,
        jobs: Option<Vec<Item>>,
    }
    let root: Item = reply.json()?;
    let mut found = Vec::new();
    let mut waiting: Vec<(String, Item)> =
        root.jobs.unwrap_or_default().into_iter().rev().map(|item| (item.name.clone(), item)).collect();
    while let Some((full_name, item)) = waiting.pop() {
        match item.jobs {
            Some(inner) => waiting
                .extend(inner.into_iter().rev().map(|item| (format!("{full_name}/{}", item.name), item))),
            None if found.len() < JOBS_AT_MOST => found.extend(full_name.parse::<JobName>()),
            None => break,
        }
    }
    Ok(found)
}
