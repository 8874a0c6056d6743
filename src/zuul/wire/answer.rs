//! What Zuul hears of a build (zuul 5.6, 6.4): JSON objects only, the first with number, manager and url (zuul-Z-4, Z-5).

use serde::Serialize;

use crate::model::{BuildNumber, ResultWord};

/// Who runs the build, for Zuul's status page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerFacts {
    /// The manager that `stop:` and `set_description:` name.
    pub manager: String,
    /// This host's name.
    pub worker_hostname: String,
    /// Always `causeway`.
    pub worker_program: String,
    /// Our version.
    pub worker_version: String,
}

/// The first WORK_DATA.
#[derive(Debug, Clone, Serialize)]
pub struct Started<'a> {
    /// The job's name.
    pub name: &'a str,
    /// The build's number.
    pub number: BuildNumber,
    /// The address of its page.
    pub url: &'a str,
    /// Who runs it.
    #[serde(flatten)]
    pub worker: &'a WorkerFacts,
    /// What Zuul shows as the worker's name.
    pub worker_name: &'a str,
    /// The node, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<&'a str>,
    /// The node's label atoms.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub node_labels: &'a [String],
}

impl Started<'_> {
    /// The JSON object.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The data of WORK_COMPLETE: the first object again, with the result. Without a word the key is absent and Zuul launches again.
#[derive(Debug, Clone, Serialize)]
pub struct Ended<'a> {
    /// As it was announced.
    #[serde(flatten)]
    pub started: Started<'a>,
    /// The word.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "word")]
    pub result: Option<ResultWord>,
}

impl Ended<'_> {
    /// The JSON object.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn word<S: serde::Serializer>(result: &Option<ResultWord>, serializer: S) -> Result<S::Ok, S::Error> {
    match result {
        Some(word) => serializer.serialize_str(word.as_str()),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> WorkerFacts {
        WorkerFacts {
            manager: "causeway".into(),
            worker_hostname: "ci".into(),
            worker_program: "causeway".into(),
            worker_version: "1".into(),
        }
    }

    fn started(worker: &WorkerFacts) -> Started<'_> {
        Started {
            name: "unit",
            number: 3,
            url: "http://ci/job/unit/3/",
            worker,
            worker_name: "causeway",
            node_name: None,
            node_labels: &[],
        }
    }

    #[test]
    fn zuul_z_5_the_first_data_has_number_manager_and_url() {
        let worker = facts();
        let json: serde_json::Value = serde_json::from_slice(&started(&worker).to_json()).unwrap();
        assert_eq!(json["number"], 3);
        assert_eq!(json["manager"], "causeway");
        assert_eq!(json["url"], "http://ci/job/unit/3/");
        assert!(json.get("result").is_none());
    }

    #[test]
    fn zuul_5_7_no_word_means_another_try() {
        let worker = facts();
        let ended = |result| Ended { started: started(&worker), result };
        let json: serde_json::Value = serde_json::from_slice(&ended(None).to_json()).unwrap();
        assert!(json.get("result").is_none());
        let json: serde_json::Value =
            serde_json::from_slice(&ended(Some(ResultWord::NotBuilt)).to_json()).unwrap();
        assert_eq!(json["result"], "NOT_BUILT");
    }
}
