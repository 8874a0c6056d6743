//! The jobs that jobs start: whether there are such, whether they are ours, and whether they wait for each other in a circle
//! (jjb 23 `trigger-builds`). Looked at once all jobs of a tree are known.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::config::CatalogConfig;
use super::finding::{Finding, Verdict, Weight};
use super::recipe::{BuildStart, Place, Publisher, Recipe, Step, TriggerBuilds};
use super::tree::TreeJob;
use crate::model::{Position, Problem};

/// One job that another one starts.
struct Target {
    name: String,
    waits: bool,
    /// Whether its result has any effect.
    counts: bool,
    place: Place,
}

/// Adds what there is to say about the targets of all jobs. A job of which there is something to say becomes another one; whoever
/// holds the former keeps it as it is.
pub(super) fn look_at_targets(jobs: &mut [Arc<TreeJob>], config: &CatalogConfig) {
    let targets: Vec<Vec<Target>> = jobs.iter().map(|job| targets(&job.recipe)).collect();
    if targets.iter().all(Vec::is_empty) {
        return;
    }
    let names: BTreeMap<String, usize> =
        jobs.iter().enumerate().map(|(index, job)| (job.name.clone(), index)).collect();
    for (index, circle) in circles(&targets, &names) {
        let target = targets[index].iter().find(|target| target.waits && circle.contains(&target.name));
        let message = format!("the job waits for itself: {}", circle.join(" starts "));
        let problem = Problem::error("trigger-cycle", message)
            .because("builds that wait for each other never end")
            .cure("set 'block: false' in one of them");
        add(&mut jobs[index], Weight::Stays, target.map(|target| &target.place), problem);
    }
    match config.site {
        None => without_site(jobs, &targets, &names),
        Some(_) => with_site(jobs, &targets, &names, config),
    }
}

/// Without a configuration nothing is known of masters: it is said, and keeps no job (jjb-T44).
fn without_site(jobs: &mut [Arc<TreeJob>], targets: &[Vec<Target>], names: &BTreeMap<String, usize>) {
    let stays: BTreeSet<String> =
        jobs.iter().filter(|job| !Verdict::of(&job.findings).moves()).map(|job| job.name.clone()).collect();
    for (job, targets) in jobs.iter_mut().zip(targets) {
        for target in targets {
            let why = match names.contains_key(&target.name) {
                true if stays.contains(&target.name) => "it stays on Jenkins",
                true => continue,
                false => "it is not in this tree",
            };
            let message = format!("the job starts '{}', which Causeway does not run", target.name);
            let problem = Problem::note("target-elsewhere", message).because(why).cure(CURE);
            add(job, Weight::Difference, Some(&target.place), problem);
        }
    }
}

/// What to do about a target that is not ours.
const CURE: &str = "carry that job, too, or name it under 'catalog.leave_out' to do without the start";

/// A job whose targets are not ours cannot be; which may keep another one that starts it.
fn with_site(
    jobs: &mut [Arc<TreeJob>],
    targets: &[Vec<Target>],
    names: &BTreeMap<String, usize>,
    config: &CatalogConfig,
) {
    let mut said: BTreeSet<(usize, String)> = BTreeSet::new();
    loop {
        let runs = |job: &TreeJob| Verdict::of(&job.findings).moves() && !job.recipe.disabled;
        let ours: Vec<bool> = jobs.iter().map(|job| config.own.has(&job.name) && runs(job)).collect();
        let mut changed = false;
        for (index, targets) in targets.iter().enumerate() {
            for target in targets {
                let known = names.get(&target.name);
                if known.is_some_and(|known| ours[*known]) || !said.insert((index, target.name.clone())) {
                    continue;
                }
                let why = match known {
                    None => "it is not in the job definitions",
                    Some(known) if config.own.has(&jobs[*known].name) => "it cannot run here itself",
                    Some(_) => "'catalog.own' does not name it",
                };
                let counts = if target.counts { "" } else { " (its result would have no effect)" };
                let message = format!("the job starts '{}', which is not Causeway's{counts}", target.name);
                let problem = Problem::error("unknown-target", message).because(why).cure(CURE);
                add(&mut jobs[index], Weight::Stays, Some(&target.place), problem);
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

fn add(job: &mut Arc<TreeJob>, weight: Weight, place: Option<&Place>, problem: Problem) {
    let place = place.unwrap_or(&job.recipe.place);
    let position = Position { file: place.file.clone(), line: place.line, column: 0 };
    let finding =
        Finding { weight, component: "builder trigger-builds".to_owned(), problem: problem.at(position) };
    if !job.findings.contains(&finding) {
        let all = job.findings.iter().cloned().chain([finding]).collect();
        Arc::make_mut(job).findings = all;
    }
}

/// All jobs that a recipe starts and whose names are known before a build: those without variables.
fn targets(recipe: &Recipe) -> Vec<Target> {
    let mut targets = Vec::new();
    let groups = recipe.publishers.iter().flat_map(|publisher| match publisher {
        Publisher::PostBuildScript(script) => script.groups.iter().collect(),
        Publisher::Archive(_)
        | Publisher::TestReports(_)
        | Publisher::Mail(_)
        | Publisher::StartsAfter(_) => Vec::new(),
    });
    collect(&recipe.steps, &mut targets);
    groups.for_each(|group| collect(&group.steps, &mut targets));
    for publisher in &recipe.publishers {
        if let Publisher::StartsAfter(after) = publisher {
            after
                .starts
                .iter()
                .for_each(|after_start| collect_start(&after_start.start, &after.place, &mut targets));
        }
    }
    targets
}

fn collect(steps: &[Step], targets: &mut Vec<Target>) {
    for step in steps {
        match step {
            Step::Shell(_) | Step::PullImage(_) | Step::BuildImage(_) | Step::Inject(_) => {}
            Step::Conditional(conditional) => collect(&conditional.steps, targets),
            Step::TriggerBuilds(trigger) => {
                let TriggerBuilds { starts, place } = &**trigger;
                starts.iter().for_each(|start| collect_start(start, place, targets));
            }
        }
    }
}

fn collect_start(start: &BuildStart, place: &Place, targets: &mut Vec<Target>) {
    let names = start.jobs.iter().filter(|name| !name.contains('$'));
    let counts = start.wait.as_ref().is_none_or(|thresholds| !thresholds.never());
    targets.extend(names.map(|name| Target {
        name: name.clone(),
        waits: start.wait.is_some(),
        counts,
        place: place.clone(),
    }));
}

/// Each job that waits for itself, with the way there and back.
fn circles(targets: &[Vec<Target>], names: &BTreeMap<String, usize>) -> Vec<(usize, Vec<String>)> {
    let waits_for = |index: usize| {
        let waiting = targets[index].iter().filter(|target| target.waits);
        waiting.filter_map(|target| names.get(&target.name).copied())
    };
    let mut circles = Vec::new();
    for (name, start) in names.iter().filter(|(_, start)| waits_for(**start).next().is_some()) {
        // Breadth first: from whom each job was reached.
        let mut from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([*start]);
        while let Some(at) = queue.pop_front() {
            for next in waits_for(at) {
                if let Entry::Vacant(vacant) = from.entry(next) {
                    vacant.insert(at);
                    queue.push_back(next);
                }
            }
        }
        let mut way = vec![name.clone()];
        let mut at = *start;
        while let Some(before) = from.get(&at) {
            at = *before;
            let before = names.iter().find(|(_, index)| **index == at).map(|(name, _)| name.clone());
            way.extend(before);
            if at == *start {
                way.reverse();
                circles.push((*start, way));
                break;
            }
        }
    }
    circles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::config::Site;
    use crate::catalog::pattern::NamePatterns;
    use crate::catalog::recipe::{
        BuildStart, ConditionalStep, OnEvaluationFailure, PostBuildScript, PostGroup,
    };
    use crate::catalog::recipe::{Condition, Thresholds};

    fn start(target: &str, waits: bool) -> Step {
        let thresholds = Thresholds { step_failure: None, unstable: None, failure: None };
        let wait = waits.then_some(thresholds);
        let start = BuildStart { jobs: vec![target.into()], parameters: vec![], wait };
        Step::from(TriggerBuilds { starts: vec![start], place: Place { file: "a.yaml".into(), line: 7 } })
    }

    fn job(name: &str, steps: Vec<Step>) -> Arc<TreeJob> {
        of_recipe(Recipe { job: name.into(), steps, ..Recipe::default() })
    }

    fn of_recipe(recipe: Recipe) -> Arc<TreeJob> {
        Arc::new(TreeJob {
            name: recipe.job.clone(),
            recipe: recipe.into(),
            findings: Arc::default(),
            template: None,
            project: None,
        })
    }

    /// The code of each job's findings.
    fn codes(mut jobs: Vec<Arc<TreeJob>>, own: Option<&str>) -> Vec<(String, Vec<&'static str>)> {
        let config = CatalogConfig {
            own: NamePatterns::new(own.unwrap_or("*").split(' ').map(str::to_owned)),
            site: own.map(|_| Site::default()),
            ..CatalogConfig::default()
        };
        look_at_targets(&mut jobs, &config);
        let codes = |job: Arc<TreeJob>| job.findings.iter().map(|finding| finding.problem.code).collect();
        jobs.into_iter().map(|job| (job.name.clone(), codes(job))).collect()
    }

    #[test]
    fn jjb_23_circles_of_waiting_builds_are_found_wherever_they_stand() {
        let conditional = Step::from(ConditionalStep {
            condition: Condition::Always,
            steps: vec![start("c", true)],
            on_evaluation_failure: OnEvaluationFailure::Fail,
            place: Place::default(),
        });
        let group = PostGroup { build_on: vec![], steps: vec![start("a", true)] };
        let script = PostBuildScript { groups: vec![group], mark_unstable_if_failed: false };
        let publishers = vec![Publisher::PostBuildScript(script)];
        let last = of_recipe(Recipe { job: "c".into(), publishers, ..Recipe::default() });
        let jobs = vec![
            job("a", vec![start("b", true)]),
            job("b", vec![conditional]),
            last,
            job("d", vec![start("d", false), start("a", true)]),
            job("e", vec![start("e", true)]),
        ];
        let codes = codes(jobs, None);
        let found: Vec<&str> = codes
            .iter()
            .filter(|(_, codes)| codes.contains(&"trigger-cycle"))
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(found, ["a", "b", "c", "e"]);
    }

    #[test]
    fn jjb_t44_targets_elsewhere_are_said_without_a_site_and_keep_a_job_with_one() {
        let jobs = || {
            vec![
                job("a", vec![start("b", true)]),
                job("b", vec![start("gone", true), start("$NAME", true)]),
                job("c", vec![start("other", false)]),
                job("d", vec![start("e", true)]),
                job("e", vec![]),
                job("other", vec![]),
            ]
        };
        let elsewhere = codes(jobs(), None);
        assert_eq!(elsewhere[1].1, ["target-elsewhere"]);
        assert!(elsewhere.iter().enumerate().all(|(index, (_, codes))| index == 1 || codes.is_empty()));
        let with = codes(jobs(), Some("? !other"));
        let kept: Vec<&str> =
            with.iter().filter(|(_, codes)| codes == &["unknown-target"]).map(|(name, _)| &**name).collect();
        // One of them only because what it starts is kept.
        assert_eq!(kept, ["a", "b", "c"]);
    }
}
