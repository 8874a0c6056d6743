//! A build's record as pages show it: words, tones, moments. Everything shown is decided here once, so that the overview, the lists and
//! the build's own page agree.

use std::time::Duration;

use super::description;
use super::secret::Secrets;
use super::time::{Moment, span};
use crate::model::{
    Addresses, BuildRecord, BuildState, Millis, Origin, Outcome, Stage, StepEnd, StepRecord, StepState,
    ZuulChange,
};

/// The word for a build that ended without a result: Zuul runs it again (design A13).
pub(super) const NO_RESULT: &str = "RETRY";

/// The tone of a state; the style sheet gives it a colour and a shape.
pub(super) fn tone(word: &str) -> &'static str {
    match word {
        "SUCCESS" => "good",
        "UNSTABLE" | NO_RESULT => "warn",
        "FAILURE" | "CONFIG_ERROR" | "LOST" => "bad",
        "running" | "publishing" => "busy",
        _ => "calm",
    }
}

/// The word for a build's state or, once it has ended, for its result.
pub(super) fn word(state: &BuildState) -> &'static str {
    match state {
        BuildState::Ended(Outcome { result: Some(result), .. }) => result.as_str(),
        BuildState::Ended(Outcome { result: None, .. }) => NO_RESULT,
        other => other.as_str(),
    }
}

/// One line about where the build stands or why it ended, for people.
pub(super) fn sentence(record: &BuildRecord) -> String {
    let stopping = record.stop.as_ref().map(|stop| format!("Being stopped: {}.", stop.cause));
    match &record.state {
        BuildState::Ended(outcome) => {
            let again = if outcome.result.is_none() { " Zuul is asked to run it again." } else { "" };
            format!("{}.{again}", capital(&outcome.cause.to_string()))
        }
        _ if stopping.is_some() => stopping.unwrap_or_default(),
        BuildState::Accepted => "Accepted; about to ask for a node.".to_owned(),
        BuildState::Waiting { reason } if reason.is_empty() => "Waiting for a node.".to_owned(),
        BuildState::Waiting { reason } => format!("Waiting: {reason}"),
        BuildState::Running => match record.steps.last() {
            Some(step) => format!("Running {}.", step.title),
            None => "Its node is being prepared.".to_owned(),
        },
        BuildState::Publishing => "Running post steps and collecting results.".to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A build in a list.
pub(super) struct Line {
    pub path: String,
    pub job: String,
    pub job_path: String,
    pub number: u64,
    pub word: &'static str,
    pub tone: &'static str,
    pub sentence: String,
    /// `mediawiki/core 1001,1`, or empty.
    pub change: String,
    pub pipeline: String,
    pub accepted: Moment,
    /// How long it ran, or has run so far; how long it has waited, if it waits.
    pub took: String,
}

impl Line {
    pub(super) fn new(record: &BuildRecord, now: Millis) -> Line {
        let addresses = Addresses::new("");
        let word = word(&record.state);
        let change = record.request.change();
        Line {
            path: addresses.build(&record.request.job, record.number),
            job: record.request.job.to_string(),
            job_path: addresses.job(&record.request.job),
            number: record.number,
            word,
            tone: tone(word),
            sentence: sentence(record),
            change: change_text(&change),
            pipeline: change.pipeline,
            accepted: Moment::new(record.accepted_at, now),
            took: span(took(record, now)),
        }
    }
}

impl Line {
    /// What a list says beside the word; nothing when all went well.
    pub(super) fn why(&self) -> &str {
        if self.word == "SUCCESS" { "" } else { &self.sentence }
    }
}

/// `1001,1`; empty when Zuul did not say.
fn change_number(change: &ZuulChange) -> String {
    if change.patch_set.is_empty() {
        change.change.clone()
    } else {
        format!("{},{}", change.change, change.patch_set)
    }
}

/// `mediawiki/core 1001,1`, or project and reference where there is no change.
fn change_text(change: &ZuulChange) -> String {
    let number = change_number(change);
    let what = if number.is_empty() { &change.reference } else { &number };
    format!("{} {what}", change.project).trim().to_owned()
}

fn took(record: &BuildRecord, now: Millis) -> Duration {
    let end = record.ended_at.unwrap_or(now);
    end.since(record.started_at.unwrap_or(record.accepted_at))
}

/// A step on the build's page.
pub(super) struct StepLine {
    pub title: String,
    pub tone: &'static str,
    pub end: String,
    pub took: String,
    pub console_start: u64,
}

impl StepLine {
    fn new(step: &StepRecord, now: Millis) -> StepLine {
        let (tone, end, until) = match &step.state {
            StepState::Started => ("busy", "running".to_owned(), now),
            // A condition that does not hold is no failure.
            StepState::Ended { end: StepEnd::Exit(1), at, .. } if step.title.contains("(condition") => {
                ("calm", "does not hold".to_owned(), *at)
            }
            StepState::Ended { end, at, .. } => {
                let tone = if *end == StepEnd::Exit(0) { "good" } else { "bad" };
                (tone, end_text(end), *at)
            }
        };
        StepLine {
            title: step.title.clone(),
            tone,
            end,
            took: span(until.since(step.started_at)),
            console_start: step.console_start,
        }
    }
}

/// How a step ended, in words.
pub(super) fn end_text(end: &StepEnd) -> String {
    match end {
        StepEnd::Exit(0) => "done".to_owned(),
        StepEnd::Exit(code) => format!("exit code {code}"),
        StepEnd::Signal(signal) => format!("ended by signal {signal}"),
        StepEnd::Memory(_) => "out of memory".to_owned(),
        StepEnd::Processes(code) => format!("exit code {code}, no process was left to give"),
        StepEnd::Output => "more output than allowed".to_owned(),
        StepEnd::Timeout => "time limit".to_owned(),
        StepEnd::Inactivity => "silent for too long".to_owned(),
        StepEnd::Stopped => "stopped".to_owned(),
        StepEnd::CannotStart { detail, .. } => format!("could not start: {detail}"),
    }
}

/// A parameter on the build's page.
pub(super) struct ParameterLine {
    pub name: String,
    pub value: String,
    /// The value is not shown.
    pub secret: bool,
    /// The value has several lines.
    pub long: bool,
}

/// A name and a value.
pub(super) struct Fact {
    pub name: &'static str,
    pub value: String,
    pub note: String,
}

/// A build's own page.
pub(super) struct Page {
    pub line: Line,
    pub live: bool,
    pub description: String,
    pub facts: Vec<Fact>,
    pub steps: Vec<StepLine>,
    pub parameters: Vec<ParameterLine>,
}

impl Page {
    pub(super) fn new(record: &BuildRecord, now: Millis) -> Page {
        Page {
            line: Line::new(record, now),
            live: record.state.outcome().is_none(),
            description: description::to_html(&record.description),
            facts: facts(record, now),
            steps: record.steps.iter().map(|step| StepLine::new(step, now)).collect(),
            parameters: parameters(record),
        }
    }
}

fn parameters(record: &BuildRecord) -> Vec<ParameterLine> {
    let secrets = Secrets::of(record);
    record
        .request
        .parameters
        .0
        .iter()
        .map(|parameter| {
            let secret = secrets.hides(&parameter.name);
            let value = if secret { String::new() } else { parameter.value.text().into_owned() };
            ParameterLine { name: parameter.name.clone(), long: value.contains('\n'), value, secret }
        })
        .collect()
}

fn facts(record: &BuildRecord, now: Millis) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |name, value: String, note: String| {
        if !value.is_empty() {
            facts.push(Fact { name, value, note });
        }
    };
    let text =
        |name: &str| record.request.parameters.text(name).map(|text| text.into_owned()).unwrap_or_default();
    let change = record.request.change();
    fact("Project", change.project.clone(), String::new());
    fact("Change", change_number(&change), String::new());
    fact("Branch", text("ZUUL_BRANCH"), String::new());
    fact("Pipeline", change.pipeline, String::new());
    let accepted = Moment::new(record.accepted_at, now);
    fact("Accepted", accepted.ago, accepted.text);
    if let Some(started) = record.started_at {
        fact("Waited", span(started.since(record.accepted_at)), String::new());
        fact(
            if record.ended_at.is_some() { "Ran" } else { "Running for" },
            span(took(record, now)),
            String::new(),
        );
    } else if record.ended_at.is_none() {
        fact("Waiting for", span(took(record, now)), String::new());
    }
    fact("Node", record.lease.map(|(_, node)| node.to_string()).unwrap_or_default(), String::new());
    if let Some(route) = &record.request.route {
        fact("Route", route.stage.as_str().to_owned(), route.reason.clone());
        let beside = match (&record.request.origin, record.request.is_shadow()) {
            (Origin::Build(parent), true) => Some(parent.id),
            _ => (route.stage == Stage::Shadow).then_some(record.id),
        };
        fact("Compared at", beside.map(|id| format!("/compare/{id}")).unwrap_or_default(), String::new());
    }
    fact(
        "On the master",
        record.master.as_ref().and_then(|run| run.url.clone()).unwrap_or_default(),
        String::new(),
    );
    fact("Label", record.request.label.clone().unwrap_or_default(), String::new());
    match &record.request.origin {
        Origin::Gearman { unique } => fact("Zuul's build", unique.clone(), String::new()),
        Origin::Http { user } => fact("Asked for by", user.clone(), String::new()),
        Origin::Build(parent) => {
            fact("Started by", format!("{} #{}", parent.job, parent.number), String::new());
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, ResultWord, StopMark};
    use crate::web::tests::record;

    #[test]
    fn a_waiting_build_says_why() {
        let mut record = record();
        record.state = BuildState::Waiting { reason: "no node with label 'docker' is free".into() };
        assert_eq!(sentence(&record), "Waiting: no node with label 'docker' is free");
        record.stop = Some(StopMark { at: Millis(9), cause: Cause::Stopped { by: "zuul".into() } });
        assert_eq!(sentence(&record), "Being stopped: stopped by zuul.");
    }

    #[test]
    fn a_13_a_build_without_a_word_says_that_it_runs_again() {
        let mut record = record();
        let cause = Cause::Infrastructure { detail: "the node was lost".into() };
        record.state = BuildState::Ended(Outcome { result: None, cause });
        assert_eq!(word(&record.state), "RETRY");
        assert_eq!(
            sentence(&record),
            "Not the change's fault: the node was lost. Zuul is asked to run it again."
        );
    }

    #[test]
    fn every_result_has_a_tone() {
        let tones = [ResultWord::Success, ResultWord::Unstable, ResultWord::Failure, ResultWord::Aborted]
            .map(|result| tone(result.as_str()));
        assert_eq!(tones, ["good", "warn", "bad", "calm"]);
    }
}
