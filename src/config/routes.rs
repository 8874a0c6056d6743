//! `routes`: which jobs run on which side.

use super::masters::MasterConfig;
use super::section::Section;
use crate::model::{JobName, Problem, Stage};
use crate::route::{Routes, Rule};

const STAGES: &[(&str, Stage)] = &[("master", Stage::Master), ("pool", Stage::Pool)];

pub(super) fn read(sections: Vec<Section<'_>>, masters: &[MasterConfig]) -> Routes {
    let mut rules = Vec::new();
    for mut section in sections {
        let jobs = section.need::<String>("jobs", "it is the pattern of the names that the route is about");
        let stage = section.choice("stage", STAGES, Stage::Pool);
        let master = section.get::<String>("master");
        let job = section.get::<String>("job");
        match (stage, &master) {
            (Stage::Master, None) => {
                let problem = Problem::error("no-master", "a route to a master names none")
                    .cure("add 'master: NAME', one of those in 'masters'");
                section.report().add(section.at(), problem);
            }
            (Stage::Pool, Some(_)) => {
                let problem = Problem::error("needless-master", "a route to the pool needs no master")
                    .cure("leave 'master' out, or write 'stage: master'");
                section.complain("master", problem);
            }
            (Stage::Master, Some(name)) if !masters.iter().any(|known| known.name == *name) => {
                let problem = Problem::error("unknown-master", format!("no master is called '{name}'"))
                    .cure("name one of those in 'masters'");
                section.complain("master", problem);
            }
            (Stage::Master, Some(_)) | (Stage::Pool, None) => {}
        }
        let one = jobs.as_ref().is_some_and(|jobs| !jobs.contains(['*', '?', '[']));
        if job.is_some() && !(one && stage == Stage::Master) {
            let problem = Problem::error("needless-job", "'job' is the name on the master of one job")
                .because("many jobs cannot have one name there")
                .cure("name one job in 'jobs', without signs, and 'stage: master'");
            section.complain("job", problem);
        }
        let job = job.and_then(|job| match job.parse::<JobName>() {
            Ok(job) => Some(job),
            Err(error) => {
                section.complain("job", Problem::error("job-name", error.to_string()));
                None
            }
        });
        rules.extend(jobs.map(|jobs| Rule { jobs, stage, master, job }));
        section.close();
    }
    Routes::new(rules)
}
