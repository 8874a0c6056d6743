//! `masters`: the Jenkins masters that jobs still run on.

use std::time::Duration;

use super::providers::usable;
use super::secret::SecretReference;
use super::section::Section;
use crate::model::{BaseUrl, Problem};

/// A master, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterConfig {
    /// Its name.
    pub name: String,
    /// Its address, with a path prefix where it has one.
    pub url: BaseUrl,
    /// The user that asks it; nobody when it is not set.
    pub user: Option<String>,
    /// Where the user's API token lies.
    pub token: Option<SecretReference>,
    /// The limit of one request.
    pub timeout: Duration,
    /// The pause between two looks at its builds.
    pub poll: Duration,
    /// How long a build whose trigger's answer was lost is looked for before it is triggered again.
    pub settle: Duration,
    /// Builds of ours that it has in its queue or runs at once; further ones stay queued here.
    pub max_builds: u32,
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<MasterConfig> {
    let mut masters: Vec<MasterConfig> = Vec::new();
    for mut section in sections {
        let name = section.need::<String>("name", "routes and commands name a master by it");
        let url = section
            .need::<String>("url", "it is where the master answers")
            .and_then(|url| base(&mut section, &url));
        let user = section.get::<String>("user");
        let report = section.report();
        let token =
            section.get::<SecretReference>("token").map(|token| token.based(|path| report.path(path)));
        let timeout = section.bounded(
            "timeout",
            Duration::from_secs(30),
            Duration::from_secs(1),
            Duration::from_secs(600),
        );
        let poll = section.bounded(
            "poll",
            Duration::from_millis(500),
            Duration::from_millis(10),
            Duration::from_secs(60),
        );
        let settle = section.bounded(
            "settle",
            Duration::from_secs(10),
            Duration::from_millis(100),
            Duration::from_secs(600),
        );
        let max_builds = section.bounded("max_builds", 200u64, 1, 100_000);
        if user.is_some() != token.is_some() {
            let problem = Problem::error("half-login", "'user' and 'token' belong together")
                .because("a master takes a request with only one of them for anonymous")
                .cure("set both, or neither");
            section.report().add(section.at(), problem);
        }
        if let Some(name) = name.filter(|name| usable(&section, "name", name)) {
            if masters.iter().any(|known| known.name == name) {
                let message = format!("the master '{name}' is defined twice");
                section
                    .complain("name", Problem::error("duplicate-name", message).cure("give it another name"));
            }
            masters.extend(url.map(|url| MasterConfig {
                name,
                url,
                user,
                token,
                timeout,
                poll,
                settle,
                max_builds: u32::try_from(max_builds).unwrap_or(u32::MAX),
            }));
        }
        section.close();
    }
    masters
}

fn base(section: &mut Section<'_>, url: &str) -> Option<BaseUrl> {
    let message = format!("'{}' is no address of a master", url.escape_debug());
    match BaseUrl::parse(url) {
        Ok(base) if base.is_https() => {
            let problem = Problem::error(
                "no-tls",
                format!("'{base}' is spoken to over TLS, which does not exist here yet"),
            )
            .because("Causeway has no TLS of its own yet")
            .cure("put a local proxy that speaks TLS before it, and write that proxy's http:// address");
            section.complain("url", problem);
            None
        }
        Ok(base) => Some(base),
        Err(error) => {
            let cure = "write for example http://jenkins.example:8080/ or http://ci.example/jenkins/";
            section.complain(
                "url",
                Problem::error("wrong-value", message).because(error.to_string()).cure(cure),
            );
            None
        }
    }
}
