//! YAML in, recipe out: one table per component.

use jjb_compat::Memory;

use crate::catalog::config::{CatalogConfig, Reading, Site};
use crate::catalog::recipe::{
    Archive, BindingForm, Condition, Counted, OnEvaluationFailure, ParameterKind, PassedParameters,
    PostBuildScript, Publisher, Recipe, Retention, ShellStep, Step, TestLimit, TestReports, TestSource,
    Thresholds, TimeLimit, TimeLimitAction, TimeLimitKind,
};
use crate::catalog::{Finding, Tree, TreeJob, Verdict, Weight};

/// The only job of a tree.
pub(super) fn read(text: &str, config: CatalogConfig) -> TreeJob {
    let mut source = Memory::new();
    source.add("jobs.yaml", text);
    let config = CatalogConfig { paths: vec!["jobs.yaml".into()], ..config };
    let tree = Tree::read_from(source, &config);
    assert_eq!(tree.problems, [], "{text}");
    assert_eq!(tree.jobs.len(), 1, "{text}");
    TreeJob::clone(&tree.jobs[0])
}

/// A job with these keys, which are indented as they are written.
pub(super) fn job(keys: &str) -> TreeJob {
    let body: String = keys.lines().map(|line| format!("    {line}\n")).collect();
    read(&format!("- job:\n    name: a\n{body}"), CatalogConfig::default())
}

/// Weight, code and line of every finding.
pub(super) fn found(findings: &[Finding]) -> Vec<(Weight, &'static str, u32)> {
    let line = |finding: &Finding| finding.problem.position.as_ref().map_or(0, |position| position.line);
    findings.iter().map(|finding| (finding.weight, finding.problem.code, line(finding))).collect()
}

fn moves(keys: &str) -> Recipe {
    let job = job(keys);
    assert_eq!(found(&job.findings), [], "{keys}");
    Recipe::clone(&job.recipe)
}

/// The recipe of a job about which there may be something to say.
fn translated(keys: &str) -> Recipe {
    Recipe::clone(&job(keys).recipe)
}

fn shell(keys: &str) -> ShellStep {
    match moves(keys).steps.as_slice() {
        [Step::Shell(step)] => ShellStep::clone(step),
        other => panic!("{other:?}"),
    }
}

#[test]
fn jjb_t10_to_t13_shell() {
    let step = shell("builders:\n  - shell: |\n      #!/bin/bash -eu\n      echo \"$A\"\n");
    assert_eq!(
        (step.interpreter.join(" ").as_str(), step.script.as_str()),
        ("/bin/bash -eu", "#!/bin/bash -eu\necho \"$A\"\n")
    );
    assert_eq!((step.place.file.as_str(), step.place.line, step.unstable_return), ("jobs.yaml", 4, None));
    let step = shell("builders:\n  - shell: echo\n");
    assert_eq!((step.interpreter.join(" ").as_str(), step.script.as_str()), ("/bin/sh -xe", "\necho"));
    let step = shell("builders:\n  - shell: {command: \"a\\r\\nb\", unstable-return: 3}\n");
    assert_eq!((step.script.as_str(), step.unstable_return), ("\na\nb", Some(3)));
    let step = shell("builders:\n  - shell: {command: a, unstable-return: 0}\n");
    assert_eq!(step.unstable_return, None);
    let step = shell("builders:\n  - shell: {command: 17}\n");
    assert_eq!(step.script, "\n17");
}

#[test]
fn jjb_t11_the_shell_is_a_setting() {
    let config = CatalogConfig { default_shell: vec!["/bin/bash".into()], ..CatalogConfig::default() };
    let job = read("- job: {name: a, builders: [{shell: echo}]}\n", config);
    let Step::Shell(step) = &job.recipe.steps[0] else { panic!() };
    assert_eq!(step.interpreter, ["/bin/bash", "-xe"]);
}

#[test]
fn shell_that_cannot_be_one() {
    for (keys, code) in [
        ("builders:\n  - shell: '#!'", "no-interpreter"),
        ("builders:\n  - shell: {command: a, unstable-return: many}", "wrong-type"),
    ] {
        let job = job(keys);
        assert_eq!(Verdict::of(&job.findings), Verdict::Error, "{keys}");
        assert_eq!(job.findings[0].problem.code, code, "{keys}");
        assert_eq!(job.findings[0].component, "builder shell");
    }
}

#[test]
fn job_keys() {
    let recipe = translated(
        "node: docker && !slow\nconcurrent: 'false'\ndescription: Text\nlogrotate: {daysToKeep: 3, numToKeep: -1}",
    );
    assert_eq!((recipe.node.as_str(), recipe.description.as_str()), ("docker && !slow", "Text"));
    // jjb-J123: any text but the empty one is true.
    assert!(recipe.concurrent);
    assert_eq!(recipe.retention, Retention { days: Some(3), ..Retention::default() });
    assert!(!moves("description: x").concurrent);
    assert!(moves("disabled: true").disabled);
    assert!(!moves("disabled: 'no'").disabled);
    assert_eq!(moves("quiet-period: 5").quiet_seconds, 5);
    assert_eq!(found(&job("quiet-period: soon").findings), [(Weight::Error, "wrong-type", 3)]);
    assert_eq!(found(&job("block-upstream: true").findings), [(Weight::Stays, "key-not-carried", 3)]);
}

#[test]
fn jjb_t30_only_freestyle_moves() {
    for (kind, code) in [("pipeline\ndsl: x", "groovy"), ("matrix\naxes: []", "matrix")] {
        let job = job(&format!("project-type: {kind}\nbuilders: [shell: echo]"));
        assert_eq!(found(&job.findings), [(Weight::Stays, code, 3)], "{kind}");
    }
    moves("project-type: freestyle");
}

#[test]
fn jjb_t25_parameters() {
    let keys = "\
parameters:
  - string: {name: S, default: 1.0, description: d}
  - text: {name: T, default: \"a\\nb\"}
  - bool: {name: B, default: true}
  - bool: {name: C}
  - choice: {name: D, choices: [x, 2]}
  - password: {name: P}
  - string: {name: E}
";
    let recipe = moves(keys);
    let kinds: Vec<&ParameterKind> = recipe.parameters.iter().map(|parameter| &parameter.kind).collect();
    let choice = ParameterKind::Choice(vec!["x".into(), "2".into()]);
    use ParameterKind::{Bool, Password, String, Text};
    assert_eq!(kinds, [&String, &Text, &Bool, &Bool, &choice, &Password, &String]);
    let defaults: Vec<&str> = recipe.parameters.iter().map(|parameter| parameter.default.as_str()).collect();
    assert_eq!(defaults, ["1.0", "a\nb", "true", "false", "x", "", ""]);
    assert_eq!(recipe.parameters[0].description, "d");
    let job = job(
        "parameters:\n  - password: {name: P, default: AQAAABAAAAAQ}\n  - run: {name: R, project-name: x}\n  - string: {default: x}",
    );
    let expected = [
        (Weight::Difference, "password-default", 4),
        (Weight::Stays, "not-carried", 5),
        (Weight::Error, "missing-option", 6),
    ];
    assert_eq!(found(&job.findings), expected);
}

#[test]
fn jjb_j90_zuul_triggers_are_parameters() {
    let recipe = moves("triggers: [zuul]\nparameters:\n  - string: {name: OWN}");
    let names: Vec<&str> = recipe.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!((names.len(), names[0], names[1]), (14, "OWN", "ZUUL_UUID"));
}

fn limit(options: &str) -> TimeLimit {
    moves(&format!("wrappers:\n  - timeout: {options}")).timeout.unwrap()
}

#[test]
fn jjb_t26_timeout() {
    use TimeLimitAction::{Abort, Fail};
    use TimeLimitKind::{Absolute, NoActivity};
    let expect = |options: &str, kind, amount: &str, action| {
        let expected = TimeLimit { kind, amount: amount.into(), action, variable: None };
        assert_eq!(limit(options), expected, "{options}");
    };
    expect("{timeout: 30, fail: true}", Absolute, "30", Fail);
    expect("{}", Absolute, "3", Abort);
    expect("{timeout: '${BUILD_TIMEOUT}', abort: true}", Absolute, "${BUILD_TIMEOUT}", Abort);
    expect("{timeout: 5, fail: true, abort: true}", Absolute, "5", Fail);
    expect("{timeout: 2, type: no-activity}", NoActivity, "120", Abort);
    expect("{fail: 'True'}", Absolute, "3", Fail);
    assert_eq!(limit("{timeout-var: T}").variable.as_deref(), Some("T"));
    for (options, expected) in [
        ("{type: likely-stuck, timeout: 9}", (Weight::Difference, "limit-not-learned", 4)),
        ("{type: elastic}", (Weight::Difference, "limit-not-learned", 4)),
        ("{type: deadline}", (Weight::Stays, "option-not-carried", 4)),
        ("{type: never}", (Weight::Error, "unknown-word", 4)),
        ("{type: no-activity, timeout: '$X'}", (Weight::Error, "wrong-type", 4)),
        ("{abort-and-restart: true}", (Weight::Stays, "option-not-carried", 4)),
        ("{tiemout: 3}", (Weight::Difference, "unknown-option", 4)),
    ] {
        assert_eq!(
            found(&job(&format!("wrappers:\n  - timeout: {options}")).findings),
            [expected],
            "{options}"
        );
    }
}

#[test]
fn wrappers_that_need_nothing() {
    let recipe = moves(
        "wrappers:\n  - timestamps\n  - workspace-cleanup: {include: [x]}\n  - ansicolor\npublishers:\n  - workspace-cleanup",
    );
    assert_eq!(recipe.terminal.as_deref(), Some("xterm"));
    assert_eq!((recipe.timeout, recipe.publishers), (None, vec![]));
    assert_eq!(moves("wrappers:\n  - ansicolor: {colormap: vga}").terminal.as_deref(), Some("vga"));
}

#[test]
fn build_discarder() {
    let recipe = moves(
        "properties:\n  - build-discarder: {days-to-keep: 30, num-to-keep: 5, artifact-num-to-keep: -1}",
    );
    assert_eq!(
        recipe.retention,
        Retention { days: Some(30), builds: Some(5), artifact_days: None, artifact_builds: None }
    );
}

#[test]
fn archive() {
    let Some(Publisher::Archive(found)) =
        moves("publishers:\n  - archive: {artifacts: 'log/, *.txt'}").publishers.pop()
    else {
        panic!()
    };
    let expected = Archive {
        artifacts: "log/, *.txt".into(),
        excludes: String::new(),
        allow_empty: false,
        only_if_success: false,
        default_excludes: true,
        case_sensitive: true,
        place: found.place.clone(),
    };
    assert_eq!(found, expected);
    let keys = "publishers:\n  - archive: {artifacts: a, excludes: b, allow-empty: 'true', only-if-success: true, default-excludes: false, case-sensitive: false, latest-only: false}";
    let Some(Publisher::Archive(all)) = moves(keys).publishers.pop() else { panic!() };
    assert_eq!(
        (
            all.excludes.as_str(),
            all.allow_empty,
            all.only_if_success,
            all.default_excludes,
            all.case_sensitive
        ),
        ("b", true, true, false, false)
    );
    assert_eq!(
        job("publishers:\n  - archive: {allow-empty: true}").findings[0].problem.code,
        "missing-option"
    );
    let job = job("publishers:\n  - archive: {artifacts: a, latest-only: true, follow-symlinks: true}");
    assert_eq!(Verdict::of(&job.findings), Verdict::WithDifferences);
}

fn reports(keys: &str) -> TestReports {
    match moves(keys).publishers.pop() {
        Some(Publisher::TestReports(reports)) => reports,
        other => panic!("{other:?}"),
    }
}

#[test]
fn junit() {
    let found =
        reports("publishers:\n  - junit: {results: 'log/junit*.xml,log/*.xunit', allow-empty-results: true}");
    let source =
        TestSource { pattern: "log/junit*.xml,log/*.xunit".into(), allow_empty: true, stop_on_error: false };
    assert_eq!((found.publisher.as_str(), found.sources), ("junit", vec![source]));
    let failed = TestLimit { counted: Counted::Failed, percent: false, most: 0, fails: false };
    assert_eq!(found.limits, [failed]);
    assert!(!reports("publishers:\n  - junit: {results: a}").sources[0].allow_empty);
    let missing = job("publishers:\n  - junit: {allow-empty-results: true}");
    assert_eq!(missing.findings[0].problem.code, "missing-option");
}

#[test]
fn xunit() {
    let found = reports(
        "publishers:\n  - xunit:\n      thresholds:\n        - failed: {unstable: 0, failure: 5, unstablenew: ''}\n        - skipped: {unstable: 10}\n      types:\n        - junit: {pattern: a, skip-if-no-test-files: true, stoponerror: false}\n        - phpunit: {pattern: b}",
    );
    let limit = |counted, most, fails| TestLimit { counted, percent: false, most, fails };
    assert_eq!(
        found.limits,
        [
            limit(Counted::Failed, 0, false),
            limit(Counted::Failed, 5, true),
            limit(Counted::Skipped, 10, false)
        ]
    );
    let source = |pattern: &str, allow_empty, stop_on_error| TestSource {
        pattern: pattern.into(),
        allow_empty,
        stop_on_error,
    };
    assert_eq!(found.sources, [source("a", true, false), source("b", false, true)]);
    for stays in [
        "publishers:\n  - xunit: {types: [{boosttest: {pattern: a}}]}",
        "publishers:\n  - xunit: {types: [{junit: {pattern: a}}], thresholds: [{failed: {unstablenew: 1}}]}",
    ] {
        assert_eq!(Verdict::of(&job(stays).findings), Verdict::Stays, "{stays}");
    }
}

fn post(keys: &str) -> PostBuildScript {
    match moves(&format!("publishers:\n  - postbuildscript:\n{keys}")).publishers.pop() {
        Some(Publisher::PostBuildScript(post)) => post,
        other => panic!("{other:?}"),
    }
}

#[test]
fn post_build_script_new_form() {
    let post = post(
        "      builders:\n        - build-steps: [{shell: one}]\n        - build-on: [FAILURE, ABORTED]\n          role: SLAVE\n          build-steps: [{shell: two}, {shell: three}]\n",
    );
    assert!(!post.mark_unstable_if_failed);
    let groups: Vec<(&[String], usize)> =
        post.groups.iter().map(|group| (group.build_on.as_slice(), group.steps.len())).collect();
    assert_eq!(
        groups,
        [(&["SUCCESS".to_owned()][..], 1), (&["FAILURE".to_owned(), "ABORTED".to_owned()][..], 2)]
    );
}

#[test]
fn post_build_script_old_form() {
    let plugins = vec![("postbuildscript".to_owned(), "0.17".to_owned())];
    let reading = Reading { plugins, ..Reading::default() };
    let config = CatalogConfig { reading, ..CatalogConfig::default() };
    let old = |option: &str| {
        let head =
            "- job:\n    name: a\n    publishers:\n    - postbuildscript:\n        builders: [{shell: x}]\n";
        let job = read(&format!("{head}        {option}\n"), config.clone());
        assert_eq!(found(&job.findings), [], "{option}");
        match job.recipe.publishers.first().cloned() {
            Some(Publisher::PostBuildScript(post)) => post,
            other => panic!("{other:?}"),
        }
    };
    let words = |option: &str| old(option).groups[0].build_on.join(" ");
    assert_eq!(words(""), "SUCCESS");
    assert_eq!(words("onsuccess: false\n        onfailure: true"), "FAILURE");
    assert_eq!(words("script-only-if-succeeded: false"), "SUCCESS UNSTABLE FAILURE NOT_BUILT ABORTED");
    assert!(old("mark-unstable-if-failed: true").mark_unstable_if_failed);
}

#[test]
fn post_build_script_that_stays() {
    let job = job(
        "publishers:\n  - postbuildscript:\n      groovy: [{content: x}]\n      builders:\n        - build-on: [GOOD]\n          role: MASTER\n          build-steps: [{batch: x}]",
    );
    let codes: Vec<&str> = job.findings.iter().map(|finding| finding.problem.code).collect();
    assert_eq!(codes, ["option-not-carried", "unknown-word", "option-not-carried", "not-carried"]);
}

#[test]
fn jjb_t51_nothing_is_left_out_in_silence() {
    for (keys, weight) in [
        ("publishers: [ircbot: {strategy: all}]", Weight::Difference),
        ("builders: [batch: x]", Weight::Stays),
        ("wrappers: [xvfb]", Weight::Stays),
        ("properties: [priority-sorter: {priority: 1}]", Weight::Stays),
        ("scm: [svn: {url: x}]", Weight::Stays),
        ("scm: [git: {url: x}]", Weight::Stays),
    ] {
        let job = job(keys);
        assert_eq!(job.findings.iter().map(|finding| finding.weight).collect::<Vec<_>>(), [weight], "{keys}");
    }
}

#[test]
fn a_finding_in_a_macro_names_both_places() {
    let text = "- publisher:\n    name: tell\n    publishers:\n      - hipchat\n- job:\n    name: a\n    publishers:\n      - tell\n";
    let job = read(text, CatalogConfig::default());
    let problem = &job.findings[0].problem;
    assert_eq!(problem.position.as_ref().map(|position| position.line), Some(4));
    assert_eq!(problem.chain[0].what, "in the macro 'tell'");
    assert_eq!(problem.chain[0].position.as_ref().map(|position| position.line), Some(8));
}

#[test]
fn a_recipe_of_an_older_version_is_still_read() {
    let stored = r#"{"job":"a","description":"","node":"","parameters":[],"environment":[],"timeout":null,"terminal":null,"steps":[],
        "publishers":[],"retention":{"days":null,"builds":null,"artifact_days":null,"artifact_builds":null},"concurrent":false,
        "place":{"file":"","line":0}}"#;
    let recipe: Recipe = serde_json::from_str(stored).unwrap();
    assert_eq!(recipe.job, "a");
}

/// The only step of a job with these builders, and what there is to say but that it starts jobs that are not in its tree.
fn builder(builders: &str) -> (Step, Vec<(Weight, &'static str, u32)>) {
    let job = job(&format!("builders:\n{builders}"));
    let here = |finding: &&Finding| finding.problem.code != "target-elsewhere";
    let findings = job.findings.iter().filter(here).cloned().collect::<Vec<_>>();
    (job.recipe.steps.first().cloned().expect("a step"), found(&findings))
}

#[test]
fn trigger_builds() {
    let (step, findings) = builder(
        "  - trigger-builds:\n      - project: 'x, b'\n        current-parameters: true\n        block: true\n        predefined-parameters: |\n          A=1\n          B=$X\n        block-thresholds: {build-step-failure-threshold: never, unstable-threshold: success}\n      - project: [c]\n        same-node: false\n      - project: ''\n",
    );
    let Step::TriggerBuilds(trigger) = step else { panic!() };
    assert_eq!(findings, []);
    let first = &trigger.starts[0];
    assert_eq!((trigger.starts.len(), first.jobs.join("+").as_str()), (2, "x+b"));
    let pairs = vec![("A".to_owned(), "1".to_owned()), ("B".to_owned(), "$X".to_owned())];
    assert_eq!(first.parameters, [PassedParameters::Current, PassedParameters::Predefined(pairs)]);
    let thresholds =
        Thresholds { step_failure: None, unstable: Some("SUCCESS".into()), failure: Some("FAILURE".into()) };
    assert_eq!(first.wait, Some(thresholds));
    assert_eq!((trigger.starts[1].wait.clone(), trigger.starts[1].parameters.len()), (None, 0));
    let (_, findings) =
        builder("  - trigger-builds:\n      - {project: x, git-revision: true, same-node: true}\n");
    assert_eq!(findings.iter().map(|finding| finding.0).collect::<Vec<_>>(), [Weight::Stays, Weight::Stays]);
}

#[test]
fn conditional_step() {
    let (step, findings) = builder(
        "  - conditional-step:\n      condition-kind: regex-match\n      regex: ^gate$\n      label: $ZUUL_PIPELINE\n      on-evaluation-failure: dont-run\n      steps: [{shell: x}, {shell: y}]\n",
    );
    let Step::Conditional(conditional) = step else { panic!() };
    assert_eq!(findings, []);
    let condition = Condition::RegexMatch { pattern: "^gate$".into(), text: "$ZUUL_PIPELINE".into() };
    assert_eq!((conditional.condition, conditional.steps.len()), (condition, 2));
    assert_eq!(conditional.on_evaluation_failure, OnEvaluationFailure::DontRun);
    let condition = |keys: &str| {
        let (step, findings) = builder(&format!("  - conditional-step: {{{keys}, steps: [{{shell: x}}]}}\n"));
        assert_eq!(findings, [], "{keys}");
        match step {
            Step::Conditional(conditional) => conditional.condition,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(condition("condition-kind: always"), Condition::Always);
    let not = condition("condition-kind: not, condition-operand: {condition-kind: never}");
    assert_eq!(not, Condition::Not(Box::new(Condition::Never)));
    let or = condition(
        "condition-kind: or, condition-operands: [{condition-kind: always}, {condition-kind: file-exists, condition-filename: f}]",
    );
    assert_eq!(or, Condition::Or(vec![Condition::Always, Condition::FileExists { path: "f".into() }]));
    let status = condition("condition-kind: current-status, condition-worst: FAILURE");
    assert_eq!(status, Condition::CurrentStatus { worst: "FAILURE".into(), best: "SUCCESS".into() });
    assert_eq!(
        condition("condition-kind: boolean-expression, condition-expression: $X"),
        Condition::Boolean("$X".into())
    );
    assert!(matches!(condition("condition-kind: shell, condition-command: 'true'"), Condition::Shell(_)));
    let job = job(
        "builders:\n  - conditional-step: {condition-kind: windows-shell, condition-command: x, steps: [{shell: x}]}",
    );
    let codes: Vec<&str> = job.findings.iter().map(|finding| finding.problem.code).collect();
    assert_eq!(codes, ["condition-not-carried"]);
}

#[test]
fn credentials_binding() {
    let keys = "wrappers:\n  - credentials-binding:\n      - text: {credential-id: a, variable: A}\n      - file: {credential-id: b, variable: B}\n      - username-password: {credential-id: c, variable: C}\n      - username-password-separated: {credential-id: d, username: U, password: P}\n      - ssh-user-private-key: {credential-id: e, key-file-variable: K, username-variable: U}\n";
    let job = job(keys);
    let forms: Vec<&BindingForm> = job.recipe.credentials.iter().map(|binding| &binding.form).collect();
    let separated = BindingForm::UserPasswordSeparated { user: "U".into(), password: "P".into() };
    let text = BindingForm::Text { variable: "A".into() };
    let file = BindingForm::File { variable: "B".into() };
    let both = BindingForm::UserPassword { variable: "C".into() };
    let key = BindingForm::SshKey { key_file: "K".into(), user: Some("U".into()), passphrase: None };
    assert_eq!(forms, [&text, &file, &both, &separated, &key]);
    let needed = job.findings.iter().filter(|finding| finding.problem.code == "missing-credential");
    assert_eq!(needed.map(|finding| finding.weight).collect::<Vec<_>>(), [Weight::Difference; 5]);
}

#[test]
fn jjb_t50_what_the_site_does_not_have_keeps_the_job() {
    let site = Site { credentials: vec!["known".to_owned()], ..Site::default() };
    let config = CatalogConfig { site: Some(site), ..CatalogConfig::default() };
    let text = "- job:\n    name: a\n    node: nowhere\n    wrappers:\n      - credentials-binding:\n          - text: {credential-id: known, variable: A}\n          - text: {credential-id: gone, variable: B}\n";
    let job = read(text, config);
    let stays = job.findings.iter().filter(|finding| finding.weight == Weight::Stays);
    let codes: Vec<&str> = stays.map(|finding| finding.problem.code).collect();
    assert_eq!(codes, ["unmapped-label", "missing-credential"]);
}

#[test]
fn jjb_t44_a_start_that_the_configuration_leaves_out_is_said() {
    let config = CatalogConfig {
        leave_out: crate::catalog::NamePatterns::new(["castor-*".to_owned()]),
        ..CatalogConfig::default()
    };
    let text = "- job:\n    name: a\n    builders:\n      - trigger-builds:\n          - {project: 'castor-save, a', block: false}\n";
    let job = read(text, config);
    assert_eq!(found(&job.findings), [(Weight::Difference, "start-left-out", 5)]);
    let Step::TriggerBuilds(trigger) = &job.recipe.steps[0] else { panic!() };
    assert_eq!(trigger.starts[0].jobs, ["a"]);
}
