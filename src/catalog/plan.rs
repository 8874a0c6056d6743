//! The plan: which jobs can move, and why the others stay (jjb 26). The same input gives the same plan, byte by byte (jjb-T52).

use std::collections::BTreeMap;

use super::finding::{Finding, Verdict, Weight};
use super::layout::LayoutUses;
use super::tree::Tree;
use crate::model::Problem;

/// The plan of a tree.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Every job, by name.
    pub jobs: Vec<PlannedJob>,
    /// What is wrong with the tree itself.
    pub problems: Vec<Problem>,
    /// Jobs that the layout names and the tree does not have.
    pub unknown: Vec<String>,
}

/// What becomes of a job.
#[derive(Debug, Clone)]
pub struct PlannedJob {
    /// Its name.
    pub name: String,
    /// Whether it moves.
    pub verdict: Verdict,
    /// What is different, or worth knowing.
    pub differences: Vec<Finding>,
    /// Why it stays.
    pub reasons: Vec<Finding>,
    /// How often the layout names it.
    pub layout_uses: usize,
}

/// Jobs that stay for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonGroup {
    /// The reason's code.
    pub code: String,
    /// The component that it is about.
    pub component: String,
    /// What is wrong, in the words of the first of them.
    pub message: String,
    /// How many jobs have it.
    pub jobs: usize,
    /// How many jobs have nothing else: what it would gain to do away with it (jjb-T50).
    pub alone: usize,
    /// How often the layout names those jobs.
    pub layout_uses: usize,
}

impl Plan {
    /// Makes the plan of a tree, weighted by a layout if there is one.
    pub fn new(tree: &Tree, layout: Option<&LayoutUses>) -> Plan {
        let mut jobs: Vec<PlannedJob> =
            tree.jobs.iter().map(|job| planned(job.name.clone(), job.findings.to_vec(), layout)).collect();
        jobs.extend(failed(&tree.problems, &jobs, layout));
        jobs.sort_by(|left, right| left.name.cmp(&right.name));
        let known = |name: &&str| jobs.binary_search_by(|job| job.name.as_str().cmp(name)).is_ok();
        let unknown = layout.into_iter().flat_map(|layout| layout.names().filter(|name| !known(name)));
        let unknown = unknown.map(str::to_owned).collect();
        Plan { unknown, jobs, problems: tree.problems.clone() }
    }

    /// How many jobs have a verdict, and how many of those the layout names.
    pub fn count(&self, verdict: Verdict) -> (usize, usize) {
        let of = self.jobs.iter().filter(|job| job.verdict == verdict);
        of.fold((0, 0), |(all, used), job| (all + 1, used + usize::from(job.layout_uses > 0)))
    }

    /// Reasons for which jobs stay or are wrong, the most frequent first.
    pub fn reasons(&self) -> Vec<ReasonGroup> {
        let staying = self.jobs.iter().filter(|job| !job.verdict.moves());
        groups(staying.map(|job| (&job.reasons, job.layout_uses)))
    }

    /// Differences of the jobs that move, the most frequent first.
    pub fn differences(&self) -> Vec<ReasonGroup> {
        let moving = self.jobs.iter().filter(|job| job.verdict.moves());
        groups(moving.map(|job| (&job.differences, job.layout_uses)))
    }
}

fn planned(name: String, findings: Vec<Finding>, layout: Option<&LayoutUses>) -> PlannedJob {
    let verdict = Verdict::of(&findings);
    let (mut differences, mut reasons): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| finding.weight == Weight::Difference);
    for list in [&mut differences, &mut reasons] {
        list.sort_by(|left, right| order(left).cmp(&order(right)));
    }
    let layout_uses = layout.map_or(0, |layout| layout.of(&name));
    PlannedJob { name, verdict, differences, reasons, layout_uses }
}

fn order(finding: &Finding) -> impl Ord + '_ {
    let problem = &finding.problem;
    (&problem.position, problem.code, &finding.component, &problem.message)
}

/// The jobs that could not be read at all: their problems name them.
fn failed(problems: &[Problem], read: &[PlannedJob], layout: Option<&LayoutUses>) -> Vec<PlannedJob> {
    let mut jobs: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for problem in problems.iter().filter(|problem| problem.is_error()) {
        let names =
            problem.chain.iter().filter_map(|frame| frame.what.strip_prefix("in job '")?.strip_suffix('\''));
        for name in names.filter(|name| read.iter().all(|job| job.name != *name)) {
            let finding =
                Finding { weight: Weight::Error, component: "job".to_owned(), problem: problem.clone() };
            jobs.entry(name.to_owned()).or_default().push(finding);
        }
    }
    jobs.into_iter().map(|(name, findings)| planned(name, findings, layout)).collect()
}

fn groups<'a>(jobs: impl Iterator<Item = (&'a Vec<Finding>, usize)>) -> Vec<ReasonGroup> {
    let mut groups: BTreeMap<(&str, &str), ReasonGroup> = BTreeMap::new();
    for (findings, layout_uses) in jobs {
        let mut keys: Vec<(&str, &str)> =
            findings.iter().map(|finding| (finding.problem.code, finding.component.as_str())).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in &keys {
            let first =
                findings.iter().find(|finding| (finding.problem.code, finding.component.as_str()) == *key);
            let group = groups.entry(*key).or_insert_with(|| ReasonGroup {
                code: key.0.to_owned(),
                component: key.1.to_owned(),
                message: first.map(|finding| finding.problem.message.clone()).unwrap_or_default(),
                jobs: 0,
                alone: 0,
                layout_uses: 0,
            });
            group.jobs += 1;
            group.alone += usize::from(keys.len() == 1);
            group.layout_uses += layout_uses;
        }
    }
    let mut groups: Vec<ReasonGroup> = groups.into_values().collect();
    groups.sort_by(|left, right| right.jobs.cmp(&left.jobs).then_with(|| left.code.cmp(&right.code)));
    groups
}
