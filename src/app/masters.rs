//! The configured Jenkins masters, looked at from here.

use std::sync::Arc;

use futures_util::future;
use tracing::error;

use crate::config::{Config, MasterConfig, SecretError};
pub use crate::jenkins::client::Probe as MasterProbe;
use crate::jenkins::client::{Finding, Login, Master, MasterError, Probe, probe};
use crate::model::Problem;
use crate::route::{Masters, WatchSettings, Watched};

/// A master that cannot even be asked.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    /// Its token cannot be had.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// Its token is no text.
    #[error("the token is not UTF-8 text")]
    NoText,
    /// No connection can be made at all.
    #[error(transparent)]
    Client(#[from] MasterError),
}

/// Looks at these masters, all at once; nothing on them is changed. The answers stand in the order of the configuration.
pub async fn look_at_masters(masters: &[MasterConfig]) -> Vec<Probe> {
    future::join_all(masters.iter().map(look_at)).await
}

async fn look_at(config: &MasterConfig) -> Probe {
    match client(config) {
        Ok(master) => probe(&master).await,
        Err(error) => {
            let finding = Finding {
                code: "no-token",
                message: error.to_string(),
                cure: "put the user's API token where 'token' points".to_owned(),
                is_error: true,
            };
            Probe { findings: vec![finding], ..Probe::default() }
        }
    }
}

/// The masters that routes name. One whose token cannot be had is left out: builds that are routed there are refused.
pub(super) fn watched(config: &Config) -> Masters {
    let one = |master: &MasterConfig| match client(master) {
        Ok(found) => {
            let settings = WatchSettings { poll: master.poll, settle: master.settle };
            Some(Watched::new(&master.name, Arc::new(found), settings))
        }
        Err(problem) => {
            error!(master = %master.name, error = %problem, "the master cannot be asked; builds that are routed there are refused");
            None
        }
    };
    Masters::new(config.masters.iter().filter_map(one))
}

fn client(config: &MasterConfig) -> Result<Master, Unusable> {
    let login = match config.user.clone().zip(config.token.as_ref()) {
        Some((user, token)) => {
            let token = token.reveal()?;
            let token = String::from_utf8(token.expose().to_vec()).map_err(|_| Unusable::NoText)?;
            Some(Login { user, token })
        }
        None => None,
    };
    Ok(Master::new(config.url.clone(), login, config.timeout)?)
}

/// What [`look_at_masters`] found, as problems of the configuration.
pub fn master_problems(masters: &[MasterConfig], probes: &[Probe]) -> Vec<Problem> {
    let found = masters.iter().zip(probes);
    let findings =
        found.flat_map(|(master, probe)| probe.findings.iter().map(move |finding| (master, finding)));
    findings
        .map(|(master, finding)| {
            let message = format!("master '{}': {}", master.name, finding.message);
            let problem = match finding.is_error {
                true => Problem::error(finding.code, message),
                false => Problem::note(finding.code, message),
            };
            problem.cure(finding.cure.clone())
        })
        .collect()
}
