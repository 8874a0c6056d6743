//! Kinds of conditions of the should tier (jjb-T31): `num-comp` (`lhs`, `rhs`, `comparator` less-than), `time` (`earliest-hour` 09,
//! `earliest-min` 00, `latest-hour` 17, `latest-min` 30), `day-of-week` (`day-selector` weekend; `days` for `select-days`),
//! `build-cause` (`cause` USER_CAUSE), `execution-node` (`nodes`, required), `files-match` (`include-pattern`, `exclude-pattern`: lists of
//! Ant patterns; `condition-basedir` workspace). `use-build-time` (false) is not carried.

use jjb_compat::Node;

use super::conditional_step::in_workspace;
use super::options::{Options, text};
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{Comparator, Condition};
use crate::model::Problem;

const COMPARATORS: [(&str, Comparator); 6] = [
    ("less-than", Comparator::Less),
    ("greater-than", Comparator::Greater),
    ("equal", Comparator::Equal),
    ("not-equal", Comparator::NotEqual),
    ("less-than-equal", Comparator::AtMost),
    ("greater-than-equal", Comparator::AtLeast),
];

/// Job Builder's names of days, from Sunday on.
const DAYS: [&str; 7] = ["SUN", "MON", "TUES", "WED", "THURS", "FRI", "SAT"];

pub(super) fn numbers(options: &mut Options<'_>) -> Option<Condition> {
    let (left, right) = (options.need("lhs"), options.need("rhs"));
    let word = options.text_or("comparator", "less-than");
    let Some((_, comparator)) = COMPARATORS.iter().find(|(known, _)| *known == word) else {
        let words = COMPARATORS.map(|(word, _)| word).join(", ");
        unknown(options, "comparator", &word, &words);
        return None;
    };
    Some(Condition::Numbers { left: left?, right: right?, comparator: *comparator })
}

pub(super) fn time(options: &mut Options<'_>) -> Option<Condition> {
    let mut part = |key: &'static str, default: i64, most: i64| {
        let written = options.node(key).is_some();
        let value = if written { options.whole(key)? } else { default };
        let fits = (0..=most).contains(&value);
        if !fits {
            unknown(options, key, &value.to_string(), &format!("0 to {most}"));
        }
        u32::try_from(value).ok().filter(|_| fits)
    };
    let (from_hour, from_minute) = (part("earliest-hour", 9, 23), part("earliest-min", 0, 59));
    let (to_hour, to_minute) = (part("latest-hour", 17, 23), part("latest-min", 30, 59));
    options.not_carried("use-build-time", "false");
    let (earliest, latest) = (from_hour? * 60 + from_minute?, to_hour? * 60 + to_minute?);
    Some(Condition::TimeOfDay { earliest, latest })
}

pub(super) fn day(options: &mut Options<'_>) -> Option<Condition> {
    let selector = options.text_or("day-selector", "weekend");
    let chosen = options.node("days").and_then(Node::as_map);
    options.not_carried("use-build-time", "false");
    let days = match selector.as_str() {
        "weekend" => vec![0, 6],
        "weekday" => vec![1, 2, 3, 4, 5],
        "select-days" => (0u32..)
            .zip(DAYS)
            .filter(|(_, name)| chosen.and_then(|days| days.get(name)).is_some_and(is_true))
            .map(|(day, _)| day)
            .collect(),
        other => {
            unknown(options, "day-selector", other, "weekend, weekday, select-days");
            return None;
        }
    };
    Some(Condition::DayOfWeek(days))
}

fn is_true(node: &Node) -> bool {
    text(node).eq_ignore_ascii_case("true")
}

pub(super) fn cause(options: &mut Options<'_>) -> Condition {
    // A build has one cause here.
    let _ = options.flag("exclusive-cause", false);
    Condition::Cause(options.text_or("cause", "USER_CAUSE"))
}

pub(super) fn node(options: &mut Options<'_>) -> Option<Condition> {
    if options.node("nodes").is_none() {
        let _ = options.need("nodes");
        return None;
    }
    let nodes = options.list("nodes").iter().map(|node| text(node).into_owned()).collect();
    let problem = Problem::note("node-names-differ", "nodes have other names here than on Jenkins")
        .because("they come and go; the name of a label counts as the name of each of its nodes")
        .cure("name the labels that were meant under 'nodes'");
    options.find(Weight::Difference, "nodes", problem);
    Some(Condition::Node(nodes))
}

pub(super) fn files(options: &mut Options<'_>) -> Option<Condition> {
    let mut patterns = |key| {
        let all: Vec<_> = options.list(key).iter().map(|pattern| text(pattern).into_owned()).collect();
        let all = all.join(",");
        if all.contains('$') {
            let message = format!("variables in '{key}' are not carried");
            let cure = "write the pattern out, or use a 'shell' condition";
            options.find(Weight::Stays, key, Problem::error("option-not-carried", message).cure(cure));
        }
        all
    };
    let (includes, excludes) = (patterns("include-pattern"), patterns("exclude-pattern"));
    in_workspace(options).then_some(Condition::FilesMatch { includes, excludes })
}

fn unknown(options: &Options<'_>, key: &str, word: &str, words: &str) {
    let problem = Problem::error("unknown-word", format!("'{}' is no value of '{key}'", word.escape_debug()));
    options.find(Weight::Error, key, problem.cure(format!("write {words}")));
}
