//! `causeway master`: the Jenkins masters of the configuration, and whether they can be used.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::check::counted;
use super::client::wait_for;
use super::failure::{Failure, Kind};
use super::output::{Field, Output, Tone};
use super::{Global, tree};
use crate::app::{self, MasterProbe};
use crate::config::{Config, MasterConfig};

/// Jenkins masters of the configuration; no server is needed.
#[derive(Debug, Args)]
pub(super) struct MasterCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the masters, and whether they can be used
    List,
    /// Look at one: reachable, version, login, jobs seen, the right to build, quiet mode. Nothing on it is changed
    Check {
        /// The master's name in the configuration
        #[arg(value_name = "NAME")]
        name: String,
    },
}

impl MasterCommand {
    /// Runs the command. The exit code is 1 when a master that was looked at cannot be used.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let masters = configured(global)?.masters;
        match &self.command {
            Command::List => list(&masters, output),
            Command::Check { name } => {
                let known: Vec<&str> = masters.iter().map(|master| master.name.as_str()).collect();
                let master = masters.iter().find(|master| master.name == *name).ok_or_else(|| {
                    Failure::new(Kind::NotFound, format!("no master is called '{name}'"))
                        .hint(format!("known are: {}", known.join(", ")))
                })?;
                check(master, output)
            }
        }
    }
}

fn configured(global: &Global) -> Result<Config, Failure> {
    let config = tree::configuration(global)
        .ok_or_else(|| {
            Failure::new(Kind::Usage, "masters are named in a configuration")
                .hint("name one with --config FILE")
        })?
        .map_err(|problems| Failure::new(Kind::Usage, problems.to_string()))?;
    if config.masters.is_empty() {
        return Err(Failure::new(Kind::NotFound, "the configuration names no master").hint(
            "add one: masters: [{name: ci, url: http://jenkins.example:8080/, user: …, token: file:…}]",
        ));
    }
    Ok(config)
}

fn look(masters: &[MasterConfig]) -> Result<Vec<MasterProbe>, Failure> {
    wait_for(async { Ok(app::look_at_masters(masters).await) })
}

fn list(masters: &[MasterConfig], output: &Output) -> Result<(), Failure> {
    let probes = look(masters)?;
    if output.is_json() {
        output.json_pretty(
            &masters.iter().zip(&probes).map(|(master, probe)| shown(master, probe)).collect::<Vec<_>>(),
        );
    } else {
        let row = |(master, probe): (&MasterConfig, &MasterProbe)| {
            let (word, tone) =
                if probe.is_usable() { ("usable", Tone::Good) } else { ("not usable", Tone::Bad) };
            let first = probe.findings.first().map(|finding| finding.message.clone());
            vec![
                Field::toned(tone, word),
                Field::plain(&master.name),
                Field::plain(master.url.as_str()),
                Field::plain(probe.version.clone().unwrap_or_default()),
                Field::plain(probe.jobs.map(|count| count.to_string()).unwrap_or_default()),
                Field::plain(first.unwrap_or_default()),
            ]
        };
        let rows = masters.iter().zip(&probes).map(row).collect();
        output.table(&["", "MASTER", "ADDRESS", "VERSION", "JOBS", "FINDING"], rows, "no masters");
    }
    verdict(&probes)
}

fn check(master: &MasterConfig, output: &Output) -> Result<(), Failure> {
    let probes = look(std::slice::from_ref(master))?;
    let probe = &probes[0];
    if output.is_json() {
        output.json_pretty(&shown(master, probe));
        return verdict(&probes);
    }
    let tell = |name: &str, text: Option<String>| {
        if let Some(text) = text {
            output.line(&format!("{name:<9} {text}"));
        }
    };
    tell("master", Some(format!("{} at {}", master.name, master.url)));
    tell("version", probe.version.clone());
    tell("user", probe.user.clone());
    tell("jobs", probe.jobs.map(|count| format!("{count} seen")));
    tell("clock", probe.date.clone());
    for problem in app::master_problems(std::slice::from_ref(master), &probes) {
        output.line(&problem.to_string());
    }
    let word = if probe.is_usable() {
        output.paint(Tone::Good, "usable")
    } else {
        output.paint(Tone::Bad, "not usable")
    };
    output.line(&word);
    verdict(&probes)
}

fn shown(master: &MasterConfig, probe: &MasterProbe) -> Value {
    json!({
        "name": master.name,
        "url": master.url.as_str(),
        "usable": probe.is_usable(),
        "version": probe.version,
        "session": probe.session,
        "user": probe.user,
        "jobs": probe.jobs,
        "date": probe.date,
        "findings": probe.findings.iter().map(|finding| json!({
            "code": finding.code,
            "text": finding.message,
            "cure": finding.cure,
            "error": finding.is_error,
        })).collect::<Vec<_>>(),
    })
}

fn verdict(probes: &[MasterProbe]) -> Result<(), Failure> {
    match probes.iter().filter(|probe| !probe.is_usable()).count() {
        0 => Ok(()),
        // The answer above says which and why.
        bad => Err(Failure::silent(format!("{} cannot be used", counted(bad, "master")))),
    }
}
