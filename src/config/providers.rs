//! `providers`: where nodes come from.

use std::time::Duration;

use super::section::Section;
use crate::model::Problem;
use crate::pool::ProviderLimits;

/// A provider, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Its name.
    pub name: String,
    /// What it is.
    pub driver: Driver,
    /// How much it may be asked for.
    pub limits: ProviderLimits,
}

/// Kinds of providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver {
    /// Nodes are processes of this machine.
    Process,
    /// Nodes are containers of a Docker Engine.
    Docker {
        /// The engine's address: `unix:///var/run/docker.sock`.
        engine: String,
        /// The limit of a pull (pools-D52).
        pull_timeout: Duration,
    },
}

impl Driver {
    /// The word in the configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Driver::Process => "process",
            Driver::Docker { .. } => "docker",
        }
    }
}

/// Where Docker's engine listens unless something else is said.
const ENGINE: &str = "unix:///var/run/docker.sock";
/// Drivers that are planned; a configuration that names one gets a clear answer.
const LATER: [&str; 3] = ["kubernetes", "ssh", "openstack"];

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<ProviderConfig> {
    let mut providers: Vec<ProviderConfig> = Vec::new();
    for mut section in sections {
        let name = section.need::<String>("name", "pools name a provider by it");
        let driver = driver(&mut section);
        let mut limits = ProviderLimits::new(name.as_deref().unwrap_or_default());
        limits.max_nodes = section.bounded("max_nodes", limits.max_nodes, 0, 100_000);
        limits.launches_at_once = section.bounded("launches_at_once", limits.launches_at_once, 1, 1000);
        limits.draining = section.or("draining", false);
        if let Some(name) = name.filter(|name| usable(&section, "name", name)) {
            if providers.iter().any(|known| known.name == name) {
                let message = format!("the provider '{name}' is defined twice");
                section
                    .complain("name", Problem::error("duplicate-name", message).cure("give it another name"));
            }
            providers.extend(driver.map(|driver| ProviderConfig { name, driver, limits }));
        }
        section.close();
    }
    providers
}

fn driver(section: &mut Section<'_>) -> Option<Driver> {
    let word = section.need::<String>("driver", "it says what the provider is")?;
    let engine = section.get::<String>("engine");
    let pull_timeout = section.or("pull_timeout", Duration::from_secs(600));
    match word.as_str() {
        "process" => {
            if engine.is_some() {
                let message = "the driver 'process' has no engine";
                section.complain("engine", Problem::error("wrong-value", message).cure("remove 'engine'"));
            }
            Some(Driver::Process)
        }
        "docker" => {
            let engine = engine.unwrap_or_else(|| ENGINE.to_owned());
            if !engine.strip_prefix("unix://").is_some_and(|path| path.starts_with('/')) {
                let message =
                    format!("'{}' is no address of an engine that can be used", engine.escape_debug());
                let problem = Problem::error("wrong-value", message)
                    .because("nodes have directories on the engine's machine, so only an engine of this machine works yet")
                    .cure("write unix:///var/run/docker.sock");
                section.complain("engine", problem);
            }
            Some(Driver::Docker { engine, pull_timeout })
        }
        other => {
            let problem = Problem::error("unknown-word", format!("'{}' is no driver", other.escape_debug()));
            let problem = if LATER.contains(&other) {
                problem.because("it is planned and does not exist yet")
            } else {
                problem
            };
            section.complain("driver", problem.cure("write one of: docker, process"));
            None
        }
    }
}

/// Names stand in listings, marks and label atoms: one word without blanks.
pub(super) fn usable(section: &Section<'_>, key: &str, name: &str) -> bool {
    let fits = !name.is_empty()
        && name.len() <= 128
        && !name.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '"');
    if !fits {
        let message = format!("'{}' cannot be a name", name.escape_debug());
        let cure = "write one word of at most 128 characters";
        section.complain(key, Problem::error("wrong-value", message).cure(cure));
    }
    fits
}
