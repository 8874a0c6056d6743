//! The environment of a step (jjb-T20 to T24).

use indexmap::IndexMap;

use super::secrets::Bound;
use super::ssh_agent;
use crate::catalog::recipe::Recipe;
use crate::model::{BuildRecord, Origin, Parameters};

/// Facts about the build that become variables.
pub(super) struct Facts<'a> {
    /// The build.
    pub record: &'a BuildRecord,
    /// What it runs by.
    pub recipe: &'a Recipe,
    /// The node's own variables, from its label.
    pub node_environment: &'a [(String, String)],
    /// The node's name.
    pub node_name: &'a str,
    /// The node's label atoms.
    pub node_labels: &'a [String],
    /// The workspace's path on the node.
    pub workspace: &'a str,
    /// Where the files of credentials lie: with the path of one put behind it.
    pub files: &'a str,
    /// The address of our pages, ending in `/`.
    pub root_url: &'a str,
    /// The address of the build's page.
    pub build_url: &'a str,
    /// The time limit in milliseconds, when there is one.
    pub limit_millis: Option<u128>,
    /// The build's credentials.
    pub secrets: &'a Bound,
}

/// Variables that a step may change to save a process from the sweep after the builders (jjb-T14).
pub const COOKIE: &str = "JENKINS_SERVER_COOKIE";

/// All variables, later layers winning (jjb-T20): node, server-wide, build, parameters, wrappers.
pub(super) fn environment(facts: &Facts<'_>) -> IndexMap<String, String> {
    let mut variables = IndexMap::new();
    let mut set = |name: &str, value: &str| {
        variables.insert(name.to_owned(), value.to_owned());
    };
    for (name, value) in facts.node_environment.iter().chain(&facts.recipe.environment) {
        set(name, value);
    }
    for (name, value) in build_variables(facts) {
        set(name, &value);
    }
    for (name, value) in parameters(facts) {
        set(&name, &value);
    }
    if let Some(terminal) = &facts.recipe.terminal {
        set("TERM", terminal);
    }
    for (name, value) in &facts.secrets.variables {
        set(name, value);
    }
    if !facts.recipe.ssh_agent.is_empty() {
        set(ssh_agent::SOCKET, &ssh_agent::socket(facts.record.id));
    }
    for (name, path, _) in facts.secrets.files.iter().filter(|(name, ..)| !name.is_empty()) {
        set(name, &format!("{}/{path}", facts.files));
    }
    let limit_variable = facts.recipe.timeout.as_ref().and_then(|limit| limit.variable.as_ref());
    if let (Some(name), Some(millis)) = (limit_variable, facts.limit_millis) {
        set(name, &millis.to_string());
    }
    variables
}

/// The variables that Jenkins' core sets (jjb-T21).
fn build_variables(facts: &Facts<'_>) -> [(&'static str, String); 22] {
    let record = facts.record;
    let job = &record.request.job;
    let number = record.number.to_string();
    let job_url = parent(facts.build_url);
    [
        ("BUILD_NUMBER", number.clone()),
        ("BUILD_ID", number.clone()),
        ("BUILD_DISPLAY_NAME", format!("#{number}")),
        ("JOB_NAME", job.to_string()),
        ("JOB_BASE_NAME", job.base().to_owned()),
        ("BUILD_TAG", format!("jenkins-{}-{number}", job.as_str().replace('/', "-"))),
        ("BUILD_URL", facts.build_url.to_owned()),
        ("JOB_URL", job_url.to_owned()),
        ("JENKINS_URL", facts.root_url.to_owned()),
        ("HUDSON_URL", facts.root_url.to_owned()),
        // Jenkins' own home does not exist here; scripts that build paths from it get one that is harmless.
        ("JENKINS_HOME", "/var/lib/jenkins".to_owned()),
        ("HUDSON_HOME", "/var/lib/jenkins".to_owned()),
        ("EXECUTOR_NUMBER", "0".to_owned()),
        ("NODE_NAME", facts.node_name.to_owned()),
        ("NODE_LABELS", facts.node_labels.join(" ")),
        ("WORKSPACE", facts.workspace.to_owned()),
        ("WORKSPACE_TMP", format!("{}@tmp", facts.workspace)),
        ("CI", "true".to_owned()),
        (COOKIE, record.id.to_string()),
        ("HUDSON_SERVER_COOKIE", record.id.to_string()),
        ("CAUSEWAY_BUILD", record.id.to_string()),
        ("CAUSEWAY_NODE", facts.node_name.to_owned()),
    ]
}

fn parent(url: &str) -> &str {
    let trimmed = url.trim_end_matches('/');
    trimmed.rfind('/').map_or(url, |slash| &url[..=slash])
}

/// Every parameter under its name and under its upper-case name (jjb-T22). Declared defaults are added to builds from HTTP
/// only (jjb-T23, decision 14), and to those that another build starts. A parameter's own name wins over another's upper case.
fn parameters(facts: &Facts<'_>) -> Vec<(String, String)> {
    let given = &facts.record.request.parameters;
    let mut all: Vec<(String, String)> = Vec::new();
    if matches!(facts.record.request.origin, Origin::Http { .. } | Origin::Build(_)) {
        for declared in &facts.recipe.parameters {
            if given.text(&declared.name).is_none() {
                all.push((declared.name.clone(), declared.default.clone()));
            }
        }
    }
    all.extend(given_texts(given));
    let upper: Vec<_> = all
        .iter()
        .map(|(name, value)| (name.to_uppercase(), value.clone()))
        .filter(|(upper, _)| !all.iter().any(|(name, _)| name == upper))
        .collect();
    all.extend(upper);
    all
}

fn given_texts(parameters: &Parameters) -> impl Iterator<Item = (String, String)> + '_ {
    parameters.0.iter().map(|parameter| (parameter.name.clone(), parameter.value.text().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::recipe::{ParameterDeclaration, ParameterKind};
    use crate::model::{BuildId, BuildRequest, Millis, Parameter, ParameterValue, Precedence};

    fn record(origin: Origin) -> BuildRecord {
        let value = |name: &str, value| Parameter { name: name.into(), value };
        BuildRecord {
            number: 7,
            ..BuildRecord::accepted(
                BuildId::new(1, 1),
                BuildRequest {
                    route: None,
                    job: "ops/unit".parse().unwrap(),
                    label: None,
                    parameters: Parameters(vec![
                        value("ZUUL_PROJECT", ParameterValue::Text("mediawiki/core".into())),
                        value("doc_subpath", ParameterValue::Text("a\nb\"'é".into())),
                        value("BUILD_TIMEOUT", ParameterValue::Number("30".into())),
                        value("NULL", ParameterValue::Null),
                    ]),
                    precedence: Precedence::Normal,
                    origin,
                },
                "".into(),
                Millis(0),
            )
        }
    }

    fn recipe() -> Recipe {
        let mut recipe = Recipe { terminal: Some("xterm".into()), ..Recipe::default() };
        recipe.environment = vec![("CASTOR_HOST".into(), "castor".into()), ("CI".into(), "no".into())];
        recipe.parameters = vec![ParameterDeclaration {
            name: "WITH_DEFAULT".into(),
            kind: ParameterKind::String,
            default: "d".into(),
            description: String::new(),
        }];
        recipe
    }

    fn variables(origin: Origin) -> IndexMap<String, String> {
        let (record, recipe) = (record(origin), recipe());
        environment(&Facts {
            record: &record,
            recipe: &recipe,
            node_environment: &[("CASTOR_HOST".into(), "node".into()), ("NODE_ONLY".into(), "1".into())],
            node_name: "n1",
            node_labels: &["docker".into(), "Debian".into()],
            workspace: "/w/ops-unit",
            files: "/w/ops-unit@tmp",
            root_url: "http://ci/",
            build_url: "http://ci/job/ops/job/unit/7/",
            limit_millis: None,
            secrets: &Bound {
                variables: vec![("API_KEY".into(), "k".into()), ("TERM".into(), "secret".into())],
                files: vec![("NETRC".into(), "secretFiles/1/netrc".into(), vec![])],
                ..Bound::default()
            },
        })
    }

    #[test]
    fn jjb_t20_later_layers_win() {
        let variables = variables(Origin::Gearman { unique: "u".into() });
        assert_eq!(variables["NODE_ONLY"], "1");
        assert_eq!(variables["CASTOR_HOST"], "castor");
        assert_eq!(variables["CI"], "true");
        // Wrappers' variables come last.
        assert_eq!(variables["TERM"], "secret");
        assert_eq!(variables["API_KEY"], "k");
        assert_eq!(variables["NETRC"], "/w/ops-unit@tmp/secretFiles/1/netrc");
    }

    #[test]
    fn jjb_t21_links_and_names_are_jenkins() {
        let variables = variables(Origin::Gearman { unique: "u".into() });
        assert_eq!(variables["BUILD_TAG"], "jenkins-ops-unit-7");
        assert_eq!(variables["JOB_URL"], "http://ci/job/ops/job/unit/");
        assert_eq!(variables["JOB_BASE_NAME"], "unit");
        assert_eq!(variables["NODE_LABELS"], "docker Debian");
    }

    #[test]
    fn jjb_t22_t24_parameters_arrive_under_both_names_and_unchanged() {
        let variables = variables(Origin::Gearman { unique: "u".into() });
        assert_eq!(variables["doc_subpath"], "a\nb\"'é");
        assert_eq!(variables["DOC_SUBPATH"], "a\nb\"'é");
        assert_eq!(variables["BUILD_TIMEOUT"], "30");
        assert_eq!(variables["NULL"], "");
    }

    #[test]
    fn jjb_t23_defaults_are_added_over_http_only() {
        assert!(!variables(Origin::Gearman { unique: "u".into() }).contains_key("WITH_DEFAULT"));
        assert_eq!(variables(Origin::Http { user: "u".into() })["WITH_DEFAULT"], "d");
    }
}
