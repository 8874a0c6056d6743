//! YAML in, recipe out, for components of the should tier (jjb-T31): a table each.

use super::tests::{found, job, read as read_with};
use crate::catalog::Weight;
use crate::catalog::config::{CatalogConfig, Site};
use crate::catalog::recipe::{
    Comparator, Condition, Inject, ManagedFile, PassedParameters, Publisher, Recipe, StartAfter, Step,
};

/// The recipe, and what there is to say: weight and code.
pub(super) fn read(keys: &str) -> (Recipe, Vec<(Weight, &'static str)>) {
    let job = job(keys);
    let findings = found(&job.findings).into_iter().map(|(weight, code, _)| (weight, code)).collect();
    (Recipe::clone(&job.recipe), findings)
}

/// What keeps or changes the job, but for credentials and other jobs, of which nothing is known here.
pub(super) fn said(keys: &str) -> Vec<(Weight, &'static str)> {
    let known = |code: &str| !["missing-credential", "target-elsewhere"].contains(&code);
    read(keys).1.into_iter().filter(|(_, code)| known(code)).collect()
}

fn starts(keys: &str) -> Vec<StartAfter> {
    let (recipe, findings) = read(&format!("publishers:\n{keys}"));
    // Of targets that are in no tree something is said always.
    assert!(findings.iter().all(|(_, code)| *code == "target-elsewhere"), "{findings:?}");
    let [Publisher::StartsAfter(after)] = &recipe.publishers[..] else { panic!("{recipe:?}") };
    after.starts.clone()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn trigger_builds_with_files_and_switches() {
    let (recipe, _) = read(
        "builders:\n  - trigger-builds:\n      - project: x\n        bool-parameters:\n          - {name: A, value: true}\n          \
         - {name: B}\n        predefined-parameters: A=1\n        property-file: 'a.properties, b'\n        current-parameters: true\n",
    );
    let [Step::TriggerBuilds(trigger)] = &recipe.steps[..] else { panic!("{recipe:?}") };
    // In upstream's order, not in that of the file.
    assert_eq!(
        trigger.starts[0].parameters,
        [
            PassedParameters::Current,
            PassedParameters::Files { paths: "a.properties, b".into(), required: true },
            PassedParameters::Predefined(pairs(&[("A", "1")])),
            PassedParameters::Predefined(pairs(&[("A", "true"), ("B", "false")])),
        ]
    );
    let start = "builders:\n  - trigger-builds:\n      - {project: x, property-file: p, property-file-fail-on-missing: false}\n";
    let (recipe, _) = read(start);
    let [Step::TriggerBuilds(trigger)] = &recipe.steps[..] else { panic!("{recipe:?}") };
    let file = PassedParameters::Files { paths: "p".into(), required: false };
    assert_eq!(trigger.starts[0].parameters, [file]);
}

#[test]
fn trigger_parameterized_builds() {
    let all = starts(
        "  - trigger-parameterized-builds:\n      - project: [x, y]\n        predefined-parameters: |\n          A=1\n          B=$C\n        \
         boolean-parameters: {D: true, E: false}\n        current-parameters: true\n        condition: UNSTABLE_OR_BETTER\n      \
         - {project: z, property-file: p, fail-on-missing: true, trigger-with-no-params: true}\n",
    );
    assert_eq!(all[0].start.jobs, ["x", "y"]);
    assert_eq!((all[0].on.join(" ").as_str(), all[0].without_parameters), ("SUCCESS UNSTABLE", false));
    // In the order of the file.
    assert_eq!(
        all[0].start.parameters,
        [
            PassedParameters::Predefined(pairs(&[("A", "1"), ("B", "$C")])),
            PassedParameters::Predefined(pairs(&[("D", "true"), ("E", "false")])),
            PassedParameters::Current,
        ]
    );
    assert_eq!(all[1].start.parameters, [PassedParameters::Files { paths: "p".into(), required: true }]);
    assert!(all[1].without_parameters && all[1].on.len() == 5 && all[1].start.wait.is_none());
    for (condition, want) in [
        ("ALWAYS", "SUCCESS UNSTABLE FAILURE NOT_BUILT ABORTED"),
        ("SUCCESS", "SUCCESS"),
        ("UNSTABLE", "UNSTABLE"),
        ("FAILED", "FAILURE"),
        ("FAILED_OR_BETTER", "SUCCESS UNSTABLE FAILURE"),
        ("UNSTABLE_OR_WORSE", "UNSTABLE FAILURE NOT_BUILT ABORTED"),
    ] {
        let all = starts(&format!(
            "  - trigger-parameterized-builds:\n      - {{project: x, condition: {condition}}}\n"
        ));
        assert_eq!(all[0].on.join(" "), want);
    }
    for (option, want) in [
        ("condition: SOMETIMES", (Weight::Error, "unknown-word")),
        ("git-revision: true", (Weight::Stays, "option-not-carried")),
        ("svn-revision: true", (Weight::Stays, "option-not-carried")),
        ("node-parameters: true", (Weight::Stays, "option-not-carried")),
        ("node-label: x", (Weight::Stays, "option-not-carried")),
        ("restrict-matrix-project: x", (Weight::Stays, "option-not-carried")),
        ("file-encoding: latin1", (Weight::Stays, "option-not-carried")),
        ("boolean-parameters: [A]", (Weight::Error, "wrong-type")),
        ("trigger-from-child-projects: true", (Weight::Difference, "option-without-effect")),
        ("conditon: FAILED", (Weight::Difference, "unknown-option")),
    ] {
        let text =
            format!("publishers:\n  - trigger-parameterized-builds:\n      - {{project: a, {option}}}\n");
        assert_eq!(said(&text), [want], "{option}");
    }
}

#[test]
fn trigger() {
    for (options, on) in [
        ("{project: 'x, y'}", "SUCCESS"),
        ("{project: 'x, y', threshold: UNSTABLE}", "SUCCESS UNSTABLE"),
        ("{project: 'x, y', threshold: FAILURE}", "SUCCESS UNSTABLE FAILURE"),
    ] {
        let all = starts(&format!("  - trigger: {options}\n"));
        assert_eq!((all[0].on.join(" ").as_str(), all[0].without_parameters), (on, true));
        assert_eq!((all[0].start.jobs.join("+").as_str(), all[0].start.parameters.len()), ("x+y", 0));
    }
    assert_eq!(said("publishers:\n  - trigger: {threshold: SUCCESS}\n"), [(Weight::Error, "missing-option")]);
    let wrong = said("publishers:\n  - trigger: {project: a, threshold: NEVER}\n");
    assert_eq!(wrong, [(Weight::Error, "unknown-word")]);
}

#[test]
fn inject() {
    let (recipe, findings) = read(
        "wrappers:\n  - inject: {properties-content: \"A=1\\nB = two\"}\nbuilders:\n  - shell: x\n  - inject: {properties-file: p, script-content: y}\n",
    );
    assert_eq!(findings, []);
    let [Step::Inject(wrapper), Step::Shell(_), Step::Inject(builder)] = &recipe.steps[..] else {
        panic!("{recipe:?}")
    };
    assert_eq!((wrapper.variables.clone(), wrapper.file.clone()), (pairs(&[("A", "1"), ("B", "two")]), None));
    let Inject { file, script, variables, .. } = &**builder;
    assert_eq!((file.as_deref(), variables.len()), (Some("p"), 0));
    assert_eq!(script.as_ref().unwrap().script, "\ny");
    for (option, want) in [
        ("script-file: x", (Weight::Stays, "option-not-carried")),
        ("groovy-script: x", (Weight::Stays, "option-not-carried")),
        ("load-from-master: true", (Weight::Stays, "option-not-carried")),
        ("property-content: x", (Weight::Difference, "unknown-option")),
    ] {
        assert_eq!(said(&format!("wrappers:\n  - inject: {{{option}}}\n")), [want], "{option}");
    }
    let (recipe, _) = read("wrappers:\n  - env-file: {properties-file: e}\n");
    assert!(matches!(&recipe.steps[..], [Step::Inject(inject)] if inject.file.as_deref() == Some("e")));
}

#[test]
fn config_file_provider() {
    let (recipe, findings) = read(
        "wrappers:\n  - config-file-provider:\n      files:\n        - {file-id: a, target: x/y.xml, variable: V}\n        - {file-id: b}\n",
    );
    assert_eq!(
        findings,
        [(Weight::Difference, "missing-credential"), (Weight::Difference, "missing-credential")]
    );
    let shown = |file: &ManagedFile| (file.id.clone(), file.target.clone(), file.variable.clone());
    let [a, b] = &recipe.managed_files[..] else { panic!("{recipe:?}") };
    assert_eq!(shown(a), ("a".into(), "x/y.xml".into(), "V".into()));
    assert_eq!(shown(b), ("b".into(), String::new(), String::new()));
    let file = |options: &str| {
        said(&format!("wrappers:\n  - config-file-provider:\n      files: [{{{options}}}]\n"))
    };
    assert_eq!(file("target: x"), [(Weight::Error, "missing-option")]);
    assert_eq!(file("file-id: x, replace-tokens: true"), [(Weight::Stays, "option-not-carried")]);
    assert_eq!(file("file-id: x, traget: y"), [(Weight::Difference, "unknown-option")]);
}

#[test]
fn condition_kinds() {
    let condition = |options: &str| {
        let text = format!("builders:\n  - conditional-step: {{{options}, steps: [{{shell: x}}]}}\n");
        let (recipe, findings) = read(&text);
        let condition = recipe.steps.into_iter().find_map(|step| match step {
            Step::Conditional(step) => Some(step.condition),
            _ => None,
        });
        (condition, findings.into_iter().map(|(_, code)| code).collect::<Vec<_>>())
    };
    let numbers = |comparator| Condition::Numbers { left: "$A".into(), right: "2".into(), comparator };
    for (options, want) in [
        ("condition-kind: num-comp, lhs: $A, rhs: 2", numbers(Comparator::Less)),
        ("condition-kind: num-comp, lhs: $A, rhs: 2, comparator: equal", numbers(Comparator::Equal)),
        ("condition-kind: time", Condition::TimeOfDay { earliest: 540, latest: 1050 }),
        (
            "condition-kind: time, earliest-hour: '08', earliest-min: 5, latest-hour: 23, latest-min: 0",
            Condition::TimeOfDay { earliest: 485, latest: 1380 },
        ),
        ("condition-kind: day-of-week", Condition::DayOfWeek(vec![0, 6])),
        ("condition-kind: day-of-week, day-selector: weekday", Condition::DayOfWeek(vec![1, 2, 3, 4, 5])),
        (
            "condition-kind: day-of-week, day-selector: select-days, days: {MON: true, SAT: true, SUN: false}",
            Condition::DayOfWeek(vec![1, 6]),
        ),
        ("condition-kind: build-cause", Condition::Cause("USER_CAUSE".into())),
        ("condition-kind: build-cause, cause: TIMER_CAUSE", Condition::Cause("TIMER_CAUSE".into())),
    ] {
        assert_eq!(condition(options), (Some(want), vec![]), "{options}");
    }
    for (options, code) in [
        ("condition-kind: num-comp, lhs: 1", "missing-option"),
        ("condition-kind: num-comp, lhs: 1, rhs: 2, comparator: near", "unknown-word"),
        ("condition-kind: time, earliest-hour: 24", "unknown-word"),
        ("condition-kind: day-of-week, day-selector: payday", "unknown-word"),
        ("condition-kind: execution-node", "missing-option"),
        (
            "condition-kind: files-match, include-pattern: [a], condition-basedir: jenkins-home",
            "option-not-carried",
        ),
        ("condition-kind: windows-shell", "condition-not-carried"),
    ] {
        assert_eq!(condition(options), (None, vec![code]), "{options}");
    }
    let node = Condition::Node(vec!["a".into(), "b".into()]);
    let differs = vec!["node-names-differ"];
    assert_eq!(condition("condition-kind: execution-node, nodes: [a, b]"), (Some(node), differs));
    let files = Condition::FilesMatch { includes: "a/**,*.b".into(), excludes: "c".into() };
    let written = "condition-kind: files-match, include-pattern: [a/**, '*.b'], exclude-pattern: [c]";
    assert_eq!(condition(written), (Some(files), vec![]));
    assert_eq!(condition("condition-kind: files-match, include-pattern: [$A]").1, ["option-not-carried"]);
    let (_, codes) = condition("condition-kind: time, use-build-time: true");
    assert_eq!(codes, ["option-not-carried"]);
}

#[test]
fn email_ext() {
    let mail = |options: &str| {
        let (recipe, findings) =
            read(&format!("publishers:\n  - email-ext: {{recipients: a@b, {options}}}\n"));
        let mail = recipe.publishers.into_iter().find_map(|publisher| match publisher {
            Publisher::Mail(mail) => Some(mail),
            _ => None,
        });
        (mail, findings)
    };
    for (options, on) in [
        ("subject: x", "FAILURE"),
        ("failure: false, success: true", "SUCCESS"),
        ("unstable: true, aborted: true", "UNSTABLE FAILURE ABORTED"),
        ("always: true, failure: false", "SUCCESS UNSTABLE FAILURE NOT_BUILT ABORTED"),
    ] {
        let (mail, findings) = mail(options);
        assert_eq!((mail.unwrap().on.join(" ").as_str(), findings), (on, vec![]), "{options}");
    }
    let (defaults, _) = mail("content-type: html, reply-to: c@d");
    let defaults = defaults.unwrap();
    assert_eq!((defaults.subject.as_str(), defaults.body.as_str()), ("$DEFAULT_SUBJECT", "$DEFAULT_CONTENT"));
    assert_eq!(
        (defaults.html, defaults.reply_to.as_str(), defaults.recipients.as_str()),
        (true, "c@d", "a@b")
    );
    assert_eq!(mail("disable-publisher: true"), (None, vec![]));
    for (options, code) in [
        ("fixed: true", "option-not-carried"),
        ("first-failure: true", "option-not-carried"),
        ("presend-script: x", "option-not-carried"),
        ("attachments: x", "option-not-carried"),
        ("content-type: both-html-text", "option-not-carried"),
        ("send-to: [developers]", "option-not-carried"),
        ("body: '${SCRIPT, template=\"x\"}'", "token-not-carried"),
    ] {
        assert_eq!(mail(options).1, [(Weight::Stays, code)], "{options}");
    }
    assert_eq!(mail("subjekt: x").1, [(Weight::Difference, "unknown-option")]);
    let site = CatalogConfig { site: Some(Site::default()), ..CatalogConfig::default() };
    let text = "- job:\n    name: a\n    publishers: [email-ext: {recipients: a@b}]\n";
    assert_eq!(found(&read_with(text, site).findings)[0].1, "no-mail-server");
    let with = Site { mail: true, ..Site::default() };
    let site = CatalogConfig { site: Some(with), ..CatalogConfig::default() };
    assert_eq!(found(&read_with(text, site).findings), []);
}

#[test]
fn email() {
    let (recipe, findings) = read("publishers:\n  - email: {recipients: a@b c@d}\n");
    assert_eq!(findings, [(Weight::Difference, "mail-differs")]);
    let [Publisher::Mail(mail)] = &recipe.publishers[..] else { panic!("{recipe:?}") };
    assert_eq!((mail.recipients.as_str(), mail.on.join(" ").as_str()), ("a@b c@d", "UNSTABLE FAILURE"));
    for (options, want) in [
        ("notify-every-unstable-build: false", (Weight::Stays, "option-not-carried")),
        ("send-to-individuals: true", (Weight::Stays, "option-not-carried")),
        ("send-to-all: true", (Weight::Difference, "unknown-option")),
    ] {
        assert_eq!(said(&format!("publishers:\n  - email: {{recipients: a, {options}}}\n"))[0], want);
    }
    assert_eq!(said("publishers:\n  - email: {send-to-individuals: false}\n")[0].1, "missing-option");
}

#[test]
fn python() {
    let (recipe, findings) = read("builders:\n  - python: \"import a\\r\\nprint(1)\"\n");
    let [Step::Shell(step)] = &recipe.steps[..] else { panic!("{recipe:?}") };
    assert_eq!((step.interpreter.join(" ").as_str(), step.script.as_str()), ("python", "import a\nprint(1)"));
    assert_eq!((findings, step.unstable_return), (vec![], None));
    assert_eq!(said("builders:\n  - python: [a]\n"), [(Weight::Error, "wrong-type")]);
}

#[test]
fn timed() {
    let (recipe, findings) =
        read("triggers:\n  - timed: '@daily'\n  - timed: |\n      TZ=UTC\n      0 3 * * *\n");
    assert_eq!(recipe.timers, ["@daily", "TZ=UTC\n0 3 * * *\n"]);
    assert_eq!(findings, [(Weight::Difference, "timed-here"), (Weight::Difference, "timed-here")]);
    for text in ["'@sometimes'", "'60 * * * *'", "\"TZ=Nowhere/Land\\n0 0 * * *\""] {
        let (recipe, findings) = read(&format!("triggers:\n  - timed: {text}\n"));
        assert_eq!((recipe.timers.len(), findings), (0, vec![(Weight::Stays, "times-unread")]), "{text}");
    }
}

#[test]
fn ssh_agent_credentials() {
    for (options, want) in
        [("users: [a, b]", vec!["a", "b"]), ("user: a", vec!["a"]), ("users: [a], user: b", vec!["a"])]
    {
        let text = format!("wrappers:\n  - ssh-agent-credentials: {{{options}}}\n");
        assert_eq!(read(&text).0.ssh_agent, want);
        assert_eq!(said(&text), [], "{options}");
    }
    assert_eq!(said("wrappers:\n  - ssh-agent-credentials: {}\n"), [(Weight::Error, "missing-option")]);
    let ignored =
        said("wrappers:\n  - ssh-agent-credentials: {users: [a], ignore-missing-credentials: true}\n");
    assert_eq!(ignored, [(Weight::Stays, "option-not-carried")]);
}
