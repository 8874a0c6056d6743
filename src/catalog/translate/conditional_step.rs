//! Builder `conditional-step`: steps under a condition. Options: `condition-kind` (required) with its operands, `steps` (required),
//! `on-evaluation-failure` (`fail`). Carried kinds: `always`, `never`, `regex-match` (`regex`, `label`), `strings-match`
//! (`condition-string1`, `condition-string2`, `condition-case-insensitive` false), `boolean-expression` (`condition-expression`),
//! `current-status` (`condition-worst`, `condition-best`, both SUCCESS), `file-exists` (`condition-filename`, `condition-basedir`
//! `workspace`), `shell` (`condition-command`), `not` (`condition-operand`), `and`, `or` (`condition-operands`), and those in
//! `condition_kinds`.

use jjb_compat::{Component, Node};

use super::options::Options;
use super::scope::Scope;
use super::{condition_kinds, shell, step};
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{Condition, ConditionalStep, OnEvaluationFailure};
use crate::model::{Problem, ResultWord};

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<ConditionalStep> {
    let mut options = Options::of(scope, component);
    let condition = condition(scope, component, &mut options);
    let _ = options.node("steps");
    let on_evaluation_failure = match options.text_or("on-evaluation-failure", "fail").as_str() {
        "fail" => OnEvaluationFailure::Fail,
        "mark-unstable" => OnEvaluationFailure::MarkUnstable,
        "run-and-mark-unstable" => OnEvaluationFailure::RunAndMarkUnstable,
        "run" => OnEvaluationFailure::Run,
        "dont-run" => OnEvaluationFailure::DontRun,
        other => {
            let message = format!("'{}' is no value of 'on-evaluation-failure'", other.escape_debug());
            let cure = "write fail, mark-unstable, run-and-mark-unstable, run or dont-run";
            options.find(
                Weight::Error,
                "on-evaluation-failure",
                Problem::error("unknown-word", message).cure(cure),
            );
            OnEvaluationFailure::Fail
        }
    };
    options.close();
    let steps = component.children.iter().filter_map(|child| step(scope, child)).collect();
    let place = scope.place(component.place);
    Some(ConditionalStep { condition: condition?, steps, on_evaluation_failure, place })
}

fn condition(scope: &Scope<'_>, component: &Component, options: &mut Options<'_>) -> Option<Condition> {
    let kind = options.need("condition-kind")?;
    Some(match kind.as_str() {
        "always" => Condition::Always,
        "never" => Condition::Never,
        "regex-match" => Condition::RegexMatch {
            pattern: options.text_or("regex", ""),
            text: options.text_or("label", ""),
        },
        "strings-match" => Condition::StringsMatch {
            left: options.text_or("condition-string1", ""),
            right: options.text_or("condition-string2", ""),
            ignore_case: options.flag("condition-case-insensitive", false),
        },
        "boolean-expression" => Condition::Boolean(options.need("condition-expression")?),
        "current-status" => Condition::CurrentStatus {
            worst: result(options, "condition-worst"),
            best: result(options, "condition-best"),
        },
        "num-comp" => condition_kinds::numbers(options)?,
        "time" => condition_kinds::time(options)?,
        "day-of-week" => condition_kinds::day(options)?,
        "build-cause" => condition_kinds::cause(options),
        "execution-node" => condition_kinds::node(options)?,
        "files-match" => condition_kinds::files(options)?,
        "file-exists" => file_exists(options)?,
        "shell" => {
            let command = options.text_or("condition-command", "");
            Condition::Shell(shell::script(scope, component, &command, None)?)
        }
        "not" => {
            Condition::Not(Box::new(operand(scope, component, options.node("condition-operand"), options)?))
        }
        "and" => Condition::And(operands(scope, component, options)?),
        "or" => Condition::Or(operands(scope, component, options)?),
        other => {
            let problem = Problem::error(
                "condition-not-carried",
                format!("the condition '{}' is not carried", other.escape_debug()),
            )
            .cure("use a 'shell' condition, or test it in a shell step");
            options.find(Weight::Stays, "condition-kind", problem);
            // Its operand (of `windows-shell`) is nobody's unknown option.
            let _ = options.node("condition-command");
            return None;
        }
    })
}

fn result(options: &mut Options<'_>, key: &'static str) -> String {
    let word = options.text_or(key, "SUCCESS");
    // Job Builder's own table has this word for Jenkins' NOT_BUILT.
    let word = if word == "NOT_BUILD" { "NOT_BUILT".to_owned() } else { word };
    if ResultWord::from_text(&word).is_none() {
        let message = format!("'{}' is no result of a build", word.escape_debug());
        options.find(
            Weight::Error,
            key,
            Problem::error("unknown-word", message).cure("write SUCCESS, UNSTABLE, FAILURE or ABORTED"),
        );
    }
    word
}

fn file_exists(options: &mut Options<'_>) -> Option<Condition> {
    let path = options.need("condition-filename");
    in_workspace(options).then_some(())?;
    path.map(|path| Condition::FileExists { path })
}

/// Whether files are looked for where a build can see them.
pub(super) fn in_workspace(options: &mut Options<'_>) -> bool {
    let base = options.text_or("condition-basedir", "workspace");
    if base != "workspace" {
        let message = format!("files of '{}' are not looked for", base.escape_debug());
        let problem =
            Problem::error("option-not-carried", message).because("a build only sees its workspace");
        options.find(Weight::Stays, "condition-basedir", problem);
    }
    base == "workspace"
}

fn operands(scope: &Scope<'_>, component: &Component, options: &mut Options<'_>) -> Option<Vec<Condition>> {
    let nodes = options.list("condition-operands");
    if nodes.is_empty() {
        options.find(
            Weight::Error,
            "condition-operands",
            Problem::error("missing-option", "'condition-operands' is missing"),
        );
        return None;
    }
    nodes.iter().map(|node| operand(scope, component, Some(node), options)).collect()
}

fn operand(
    scope: &Scope<'_>,
    component: &Component,
    node: Option<&Node>,
    outer: &Options<'_>,
) -> Option<Condition> {
    let Some(node) = node else {
        outer.find(
            Weight::Error,
            "condition-operand",
            Problem::error("missing-option", "'condition-operand' is missing"),
        );
        return None;
    };
    let mut options = Options::inside(scope, component, node);
    let inner = condition(scope, component, &mut options);
    options.close();
    inner
}
