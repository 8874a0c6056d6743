//! What was asked for.

use serde::{Deserialize, Serialize};

use super::parsed;
use super::route::RouteRow;
use crate::model::{
    BuildRequest, JobName, Origin, Parameter, ParameterValue, Parameters, Parent, Precedence,
};
use crate::store::StoreError;

#[derive(Serialize, Deserialize)]
pub(super) struct RequestRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default)]
    precedence: PrecedenceRow,
    origin: OriginRow,
    parameters: Vec<(String, ValueRow)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    route: Option<RouteRow>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum PrecedenceRow {
    High,
    #[default]
    Normal,
    Low,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OriginRow {
    /// With the unique.
    Gearman(String),
    /// With the user.
    Http(String),
    /// With the build that started it.
    Build { id: String, job: String, number: u64, waits: bool },
}

/// Text, the usual case, is plain JSON text; a number is kept as it was written.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ValueRow {
    Text(String),
    Bool(bool),
    Number { number: String },
    Null(()),
}

impl From<&BuildRequest> for RequestRow {
    fn from(request: &BuildRequest) -> RequestRow {
        RequestRow {
            label: request.label.clone(),
            precedence: match request.precedence {
                Precedence::High => PrecedenceRow::High,
                Precedence::Normal => PrecedenceRow::Normal,
                Precedence::Low => PrecedenceRow::Low,
            },
            origin: match &request.origin {
                Origin::Gearman { unique } => OriginRow::Gearman(unique.clone()),
                Origin::Http { user } => OriginRow::Http(user.clone()),
                Origin::Build(parent) => OriginRow::Build {
                    id: parent.id.to_string(),
                    job: parent.job.to_string(),
                    number: parent.number,
                    waits: parent.waits,
                },
            },
            parameters: request.parameters.0.iter().map(parameter).collect(),
            route: request.route.as_ref().map(RouteRow::from),
        }
    }
}

fn parameter(parameter: &Parameter) -> (String, ValueRow) {
    let value = match &parameter.value {
        ParameterValue::Text(text) => ValueRow::Text(text.clone()),
        ParameterValue::Number(number) => ValueRow::Number { number: number.clone() },
        ParameterValue::Bool(truth) => ValueRow::Bool(*truth),
        ParameterValue::Null => ValueRow::Null(()),
    };
    (parameter.name.clone(), value)
}

impl RequestRow {
    pub(super) fn into_request(self, job: JobName) -> Result<BuildRequest, StoreError> {
        let parameters = self.parameters.into_iter().map(|(name, value)| {
            let value = match value {
                ValueRow::Text(text) => ParameterValue::Text(text),
                ValueRow::Bool(truth) => ParameterValue::Bool(truth),
                ValueRow::Number { number } => ParameterValue::Number(number),
                ValueRow::Null(()) => ParameterValue::Null,
            };
            Parameter { name, value }
        });
        Ok(BuildRequest {
            job,
            label: self.label,
            parameters: Parameters(parameters.collect()),
            precedence: match self.precedence {
                PrecedenceRow::High => Precedence::High,
                PrecedenceRow::Normal => Precedence::Normal,
                PrecedenceRow::Low => Precedence::Low,
            },
            origin: match self.origin {
                OriginRow::Gearman(unique) => Origin::Gearman { unique },
                OriginRow::Http(user) => Origin::Http { user },
                OriginRow::Build { id, job, number, waits } => {
                    Origin::Build(Parent { id: parsed(&id)?, job: parsed(&job)?, number, waits })
                }
            },
            route: self.route.map(RouteRow::into_route).transpose()?,
        })
    }
}
