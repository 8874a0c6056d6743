//! The configuration: one YAML file, one section per module, raw form → checked form.
//!
//! Owns defaults, units, and messages: every problem at once, with file, line, column, the text itself, the reason and the cure.
//! Nobody after this asks whether a value makes sense. The only module beside `sys` that reads the environment (secrets by
//! reference). Never: opening a socket, starting anything. Start with [`Config::load`].

mod builds;
mod catalog;
mod credentials;
mod gearman;
mod http;
mod mail;
mod masters;
mod pools;
mod providers;
mod routes;
mod secret;
mod section;
mod shadow;
mod telemetry;
mod tree;
mod value;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use builds::BuildsConfig;
pub use credentials::{Credential, CredentialKind};
pub use gearman::GearmanConfig;
pub use http::HttpConfig;
pub use mail::MailConfig;
pub use masters::MasterConfig;
pub use providers::{Driver, ProviderConfig};
pub use secret::{SecretError, SecretReference, SecretText};
pub use telemetry::TelemetryConfig;

use crate::catalog::{CatalogConfig, Site};
use crate::model::{Position, Problem};
use crate::pool::{LabelSet, PoolConfig, PoolTiming};
use crate::route::{Routes, ShadowSettings};
use section::{Report, Section};

/// Where the state lies unless something else is said (decision 12).
const STATE: &str = "/var/lib/causeway";

/// Everything that a server is configured with, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it was read from.
    pub file: Option<PathBuf>,
    /// The state directory.
    pub state: PathBuf,
    /// Where nodes have their directories, at the same path on the engine's machine (decision 18).
    pub nodes_dir: PathBuf,
    /// The port for Zuul and masters.
    pub gearman: GearmanConfig,
    /// Pages and the API.
    pub http: HttpConfig,
    /// The jobs.
    pub catalog: CatalogConfig,
    /// Where nodes come from.
    pub providers: Vec<ProviderConfig>,
    /// Labels and the names that stand for them.
    pub labels: LabelSet,
    /// Times and limits of builds.
    pub builds: BuildsConfig,
    /// The secret store.
    pub credentials: Vec<Credential>,
    /// The Jenkins masters.
    pub masters: Vec<MasterConfig>,
    /// Where mail of builds goes.
    pub mail: Option<MailConfig>,
    /// Which jobs run on which side.
    pub routes: Routes,
    /// Builds beside those that count on masters.
    pub shadow: ShadowSettings,
    /// What is logged.
    pub telemetry: TelemetryConfig,
    /// What should be looked at, though it works.
    pub notes: Vec<Problem>,
}

/// What the command line says; it wins over the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--gearman ADDR`.
    pub gearman: Option<SocketAddr>,
    /// `--http ADDR`.
    pub http: Option<SocketAddr>,
    /// `--state DIR`.
    pub state: Option<PathBuf>,
}

/// All that is wrong with a configuration. `Display` is one paragraph per problem.
#[derive(Debug)]
pub struct Problems {
    /// The problems, in the order of the file; at least one is an error.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            let between = if index == 0 { "" } else { "\n" };
            write!(formatter, "{between}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read or used: with every problem that it has.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Config, Problems> {
        let text = text(path).map_err(|problem| Problems { list: vec![*problem] })?;
        Config::parse(path, &text, overrides)
    }

    /// Checks a text; `path` is its name in messages, and relative paths in it count from its folder.
    ///
    /// # Errors
    /// With every problem that it has.
    pub fn parse(path: &Path, text: &str, overrides: &Overrides) -> Result<Config, Problems> {
        let report = Report::new(path, text);
        let (root, doubled) = match tree::read(text) {
            Ok(read) => read,
            Err(broken) => {
                report.add(broken.at, Problem::error(broken.code, broken.message).cure(broken.cure));
                return Err(Problems { list: report.finish() });
            }
        };
        for broken in doubled {
            report.add(broken.at, Problem::error(broken.code, broken.message).cure(broken.cure));
        }
        let config = Config::checked(Section::open(&report, &root, String::new()), overrides);
        let mut list = report.finish();
        list.extend(overrides.http.and_then(http::refusal));
        if list.iter().any(Problem::is_error) {
            return Err(Problems { list });
        }
        Ok(Config { file: Some(path.to_owned()), notes: list, ..config })
    }

    /// A plain Gearman server that owns no job (decision 13).
    ///
    /// # Errors
    /// When the flags ask for what is refused.
    pub fn without_file(overrides: &Overrides) -> Result<Config, Problems> {
        Config::parse(Path::new(""), "", overrides).map(|config| Config { file: None, ..config })
    }

    fn checked(mut root: Section<'_>, overrides: &Overrides) -> Config {
        let state = overrides.state.clone().or(root.path("state")).unwrap_or_else(|| PathBuf::from(STATE));
        let nodes_dir = root.path("nodes_dir").unwrap_or_else(|| state.join("nodes"));
        let mut gearman = gearman::read(root.section("gearman"));
        let mut http = http::read(root.section("http"), overrides.http);
        let providers = providers::read(root.sections("providers"));
        let labels =
            LabelSet { definitions: pools::read(root.sections("pools"), &providers), map: root.pairs("map") };
        let credentials = credentials::read(root.sections("credentials"));
        let mail = mail::read(root.section("mail"));
        let mut catalog = catalog::read(root.section("catalog"));
        catalog.site = Some(Site {
            labels: labels.clone(),
            providers: providers.iter().map(|provider| provider.limits.clone()).collect(),
            credentials: credentials.iter().map(|credential| credential.id.clone()).collect(),
            mail: mail.is_some(),
        });
        let masters = masters::read(root.sections("masters"));
        let routes = routes::read(root.sections("routes"), &masters);
        gearman.listen = overrides.gearman.unwrap_or(gearman.listen);
        http.listen = overrides.http.unwrap_or(http.listen);
        let config = Config {
            file: None,
            state,
            nodes_dir,
            gearman,
            http,
            catalog,
            providers,
            labels,
            builds: builds::read(root.section("builds")),
            credentials,
            mail,
            masters,
            routes,
            shadow: shadow::read(root.section("shadow")),
            telemetry: telemetry::read(root.section("telemetry")),
            notes: Vec::new(),
        };
        root.close();
        config
    }

    /// How many builds may be in the house at once: as the section says, else as many as there may be nodes.
    pub fn room(&self) -> u32 {
        let limits = self.providers.iter().map(|provider| &provider.limits).filter(|limits| !limits.draining);
        let nodes = limits.fold(0u32, |sum, limits| sum.saturating_add(limits.max_nodes));
        let masters = self.masters.iter().fold(0u32, |sum, master| sum.saturating_add(master.max_builds));
        let nodes = nodes.saturating_add(masters);
        self.builds.max_running.map_or(nodes, |count| u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// What the pool is told.
    pub fn pool(&self) -> PoolConfig {
        PoolConfig {
            labels: self.labels.clone(),
            providers: self.providers.iter().map(|provider| provider.limits.clone()).collect(),
            nodes_dir: self.nodes_dir.clone(),
            timing: PoolTiming::default(),
        }
    }
}

/// The file's text.
fn text(path: &Path) -> Result<String, Box<Problem>> {
    let whole = |code, message| {
        Problem::error(code, message).at(Position { file: path.display().to_string(), line: 0, column: 0 })
    };
    let bytes = std::fs::read(path).map_err(|error| {
        whole("unreadable", format!("the configuration cannot be read: {error}"))
            .cure("give the path of a YAML file with --config")
            .boxed()
    })?;
    if bytes.len() > tree::LARGEST {
        let message = format!("the configuration has {} bytes; {} are allowed", bytes.len(), tree::LARGEST);
        return Err(whole("too-large", message).boxed());
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let line = u32::try_from(line).unwrap_or(u32::MAX - 1) + 1;
        Problem::error("not-utf8", "the configuration is not UTF-8 text")
            .at(Position { file: path.display().to_string(), line, column: 0 })
            .cure("save it as UTF-8")
            .boxed()
    })
}

#[cfg(test)]
mod tests;
