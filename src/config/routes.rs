//! `routes`: which jobs run on which side, as long as no command says otherwise.

use super::masters::MasterConfig;
use super::section::Section;
use crate::model::{JobName, Problem, Selector, Setting, Stage};
use crate::route::{Routes, Rule};

const STAGES: &[(&str, Stage)] = &[
    ("master", Stage::Master),
    ("shadow", Stage::Shadow),
    ("shadow", Stage::Shadow),
    ("canary", Stage::Canary),
    ("pool", Stage::Pool),
];
/// The share of changes that a canary begins with, in percent.
pub(super) const SHARE: u64 = 10;

pub(super) fn read(sections: Vec<Section<'_>>, masters: &[MasterConfig]) -> Routes {
    Routes::new(sections.into_iter().filter_map(|section| rule(section, masters)).collect())
}

fn rule(mut section: Section<'_>, masters: &[MasterConfig]) -> Option<Rule> {
    let jobs = section.need::<String>("jobs", "it is the pattern of the names that the route is about");
    let which = Selector {
        jobs: jobs.clone().unwrap_or_default(),
        project: section.get("project"),
        pipeline: section.get("pipeline"),
        branch: section.get("branch"),
    };
    let stage = section.choice("stage", STAGES, Stage::Pool);
    let master = section.get::<String>("master");
    check_master(&mut section, stage, master.as_ref(), masters);
    let share = section.bounded("share", SHARE, 0, 100);
    if section.node("share").is_some() && stage != Stage::Canary {
        let problem =
            Problem::error("needless-share", "'share' is how many of a hundred changes a canary takes")
                .cure("write 'stage: canary', or leave 'share' out");
        section.complain("share", problem);
    }
    let job = job(&mut section, &which, stage);
    section.close();
    let share = if stage == Stage::Canary { u8::try_from(share).unwrap_or(100) } else { 0 };
    jobs.map(|_| Rule::configured(which, Setting { stage, share, master, job }))
}

fn check_master(section: &mut Section<'_>, stage: Stage, master: Option<&String>, masters: &[MasterConfig]) {
    match (stage, master) {
        (Stage::Master | Stage::Shadow | Stage::Canary, None) => {
            let problem = Problem::error("no-master", "a route to a master names none")
                .cure("add 'master: NAME', one of those in 'masters'");
            section.report().add(section.at(), problem);
        }
        (Stage::Pool, Some(_)) => {
            let problem = Problem::error("needless-master", "a route to the pool needs no master")
                .cure("leave 'master' out, or write 'stage: master'");
            section.complain("master", problem);
        }
        (_, Some(name)) if !masters.iter().any(|known| known.name == *name) => {
            let problem = Problem::error("unknown-master", format!("no master is called '{name}'"))
                .cure("name one of those in 'masters'");
            section.complain("master", problem);
        }
        (Stage::Master | Stage::Shadow | Stage::Canary | Stage::Pool, _) => {}
    }
}

/// The job's name on the master.
fn job(section: &mut Section<'_>, which: &Selector, stage: Stage) -> Option<JobName> {
    let job = section.get::<String>("job")?;
    if which.name().is_none() || stage == Stage::Pool {
        let problem = Problem::error("needless-job", "'job' is the name on the master of one job")
            .because("many jobs cannot have one name there")
            .cure("name one job in 'jobs', without signs, and 'stage: master'");
        section.complain("job", problem);
    }
    match job.parse::<JobName>() {
        Ok(job) => Some(job),
        Err(error) => {
            section.complain("job", Problem::error("job-name", error.to_string()));
            None
        }
    }
}
