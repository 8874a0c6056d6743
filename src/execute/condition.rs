//! Whether the condition of a step holds (jjb 23 `conditional-step`). What only the node can tell is asked there by scripts.

use std::borrow::Cow;
use std::collections::HashMap;

use fancy_regex::Regex;

use crate::catalog::cron::Minute;
use crate::catalog::recipe::{Comparator, Condition, ShellStep};
use crate::model::ResultWord;

/// Words that mean yes, in any case.
const YES: [&str; 7] = ["1", "y", "yes", "t", "true", "on", "run"];

/// What a condition comes to, with the reason for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judged {
    /// It holds.
    Holds(String),
    /// It does not.
    Fails(String),
    /// It cannot be said.
    Unclear(String),
    /// The answer of the script at this place in [`scripts`] decides.
    Asks(usize),
    /// Whether the workspace has such files decides.
    Looks(Patterns),
}

/// What files are looked for and what does not count: Ant patterns, separated by commas.
pub(super) type Patterns = (String, String);

/// What was found in the workspace.
pub(super) type Looked = HashMap<Patterns, bool>;

/// What is known so far: what scripts have answered, by their place in [`scripts`], and what was found.
pub(super) struct Answers<'a> {
    /// Exit codes; the inner `None`: could not be started.
    known: &'a [Option<Option<i32>>],
    looked: &'a Looked,
    next: usize,
}

impl Answers<'_> {
    /// Of a condition that is judged from its beginning.
    pub fn new<'a>(known: &'a [Option<Option<i32>>], looked: &'a Looked) -> Answers<'a> {
        Answers { known, looked, next: 0 }
    }

    fn take(&mut self) -> (usize, Option<Option<i32>>) {
        let at = self.next;
        self.next += 1;
        (at, self.known.get(at).copied().flatten())
    }
}

impl Judged {
    fn of(holds: bool, why: String) -> Judged {
        if holds { Judged::Holds(why) } else { Judged::Fails(why) }
    }
}

/// What a condition asks its surroundings.
pub(super) trait Surroundings {
    /// Replaces variables (jjb-T26).
    fn expand(&self, text: &str) -> String;
    /// The build's result so far.
    fn result(&self) -> ResultWord;
    /// The time now, in the server's time zone.
    fn minute(&self) -> Option<Minute>;
    /// How the build was started, in the plugin's words.
    fn cause(&self) -> &'static str;
}

/// The scripts that a condition may need, in the order in which [`judge`] asks for them.
pub(super) fn scripts(condition: &Condition) -> Vec<Cow<'_, ShellStep>> {
    match condition {
        Condition::Shell(script) => vec![Cow::Borrowed(script)],
        Condition::FileExists { path } => vec![Cow::Owned(exists(path))],
        Condition::Not(inner) => scripts(inner),
        Condition::And(all) | Condition::Or(all) => all.iter().flat_map(scripts).collect(),
        Condition::Always
        | Condition::Never
        | Condition::FilesMatch { .. }
        | Condition::RegexMatch { .. }
        | Condition::StringsMatch { .. }
        | Condition::Boolean(_)
        | Condition::Numbers { .. }
        | Condition::TimeOfDay { .. }
        | Condition::DayOfWeek(_)
        | Condition::Cause(_)
        | Condition::Node(_)
        | Condition::CurrentStatus { .. } => Vec::new(),
    }
}

/// Looks for a file as seen from the workspace. The variables in its path are replaced by the shell: it has the same ones.
fn exists(path: &str) -> ShellStep {
    let mut script = String::from("test -e \"");
    for letter in path.chars() {
        if matches!(letter, '"' | '\\' | '`') {
            script.push('\\');
        }
        script.push(letter);
    }
    script.push_str("\"\n");
    of_shell(script)
}

fn of_shell(script: String) -> ShellStep {
    ShellStep {
        interpreter: vec!["/bin/sh".to_owned()],
        script,
        unstable_return: None,
        place: Default::default(),
    }
}

/// Judges a condition as far as its scripts have answered: as in Jenkins, what comes after the operand that decides is not asked.
pub(super) fn judge(
    condition: &Condition,
    surroundings: &impl Surroundings,
    answers: &mut Answers<'_>,
) -> Judged {
    let expand = |text: &str| surroundings.expand(text);
    match condition {
        Condition::Always => Judged::Holds("always".to_owned()),
        Condition::Never => Judged::Fails("never".to_owned()),
        Condition::RegexMatch { pattern, text } => regex(&expand(pattern), &expand(text)),
        Condition::StringsMatch { left, right, ignore_case } => {
            let (left, right) = (expand(left), expand(right));
            let same = match ignore_case {
                true => left.to_lowercase() == right.to_lowercase(),
                false => left == right,
            };
            Judged::of(same, format!("'{left}' against '{right}'"))
        }
        Condition::Boolean(text) => {
            let text = expand(text);
            let yes = YES.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
            Judged::of(yes, format!("'{text}'"))
        }
        Condition::CurrentStatus { worst, best } => {
            let now = surroundings.result();
            match (ResultWord::from_text(worst), ResultWord::from_text(best)) {
                (Some(worst), Some(best)) => {
                    Judged::of(best <= now && now <= worst, format!("the result so far is {now}"))
                }
                _ => Judged::Unclear(format!("'{worst}' or '{best}' is no result")),
            }
        }
        Condition::Numbers { left, right, comparator } => numbers(&expand(left), &expand(right), *comparator),
        Condition::TimeOfDay { earliest, latest } => clock(surroundings, |now| {
            let minute = now.hour * 60 + now.minute;
            Judged::of(
                (*earliest..=*latest).contains(&minute),
                format!("it is {:02}:{:02}", now.hour, now.minute),
            )
        }),
        Condition::DayOfWeek(days) => clock(surroundings, |now| {
            Judged::of(days.contains(&now.weekday), format!("it is day {} of the week", now.weekday))
        }),
        Condition::Cause(wanted) => {
            let cause = surroundings.cause();
            Judged::of(wanted == cause, format!("'{cause}' against '{wanted}'"))
        }
        Condition::Node(nodes) => {
            let names = format!("{} {}", expand("$NODE_NAME"), expand("$NODE_LABELS"));
            let known = names.split_whitespace().any(|name| nodes.iter().any(|node| node == name));
            Judged::of(known, format!("'{names}' against '{}'", nodes.join(" ")))
        }
        Condition::FilesMatch { includes, excludes } => {
            let patterns = (includes.clone(), excludes.clone());
            match answers.looked.get(&patterns) {
                Some(found) => Judged::of(*found, format!("files that match '{includes}'")),
                None => Judged::Looks(patterns),
            }
        }
        Condition::FileExists { path } => script(answers, &format!("the file '{}'", expand(path))),
        Condition::Shell(_) => script(answers, "the script"),
        Condition::Not(inner) => match judge(inner, surroundings, answers) {
            Judged::Holds(why) => Judged::Fails(format!("not: {why}")),
            Judged::Fails(why) => Judged::Holds(format!("not: {why}")),
            other => other,
        },
        Condition::And(all) => every(all, surroundings, answers, false),
        Condition::Or(all) => every(all, surroundings, answers, true),
    }
}

fn script(answers: &mut Answers<'_>, what: &str) -> Judged {
    match answers.take() {
        (at, None) => Judged::Asks(at),
        (_, Some(Some(0))) => Judged::Holds(format!("{what} says yes")),
        (_, Some(Some(code))) => Judged::Fails(format!("{what} says no, with exit code {code}")),
        (_, Some(None)) => Judged::Unclear(format!("{what} could not be run")),
    }
}

/// All or one of them, up to the first that decides; the places of the others' scripts are passed over.
fn every(
    all: &[Condition],
    surroundings: &impl Surroundings,
    answers: &mut Answers<'_>,
    one_is_enough: bool,
) -> Judged {
    let mut decided = None;
    let mut words = Vec::new();
    for condition in all {
        if decided.is_some() {
            answers.next += scripts(condition).len();
            continue;
        }
        let judged = judge(condition, surroundings, answers);
        match &judged {
            Judged::Asks(_) | Judged::Looks(_) => return judged,
            Judged::Unclear(_) => decided = Some(judged),
            Judged::Holds(_) if one_is_enough => decided = Some(judged),
            Judged::Fails(_) if !one_is_enough => decided = Some(judged),
            Judged::Holds(why) | Judged::Fails(why) => words.push(why.clone()),
        }
    }
    decided.unwrap_or_else(|| Judged::of(!one_is_enough, words.join("; ")))
}

fn clock(surroundings: &impl Surroundings, judge: impl FnOnce(Minute) -> Judged) -> Judged {
    surroundings.minute().map_or_else(|| Judged::Unclear("there is no clock".to_owned()), judge)
}

fn numbers(left: &str, right: &str, comparator: Comparator) -> Judged {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let (Some(one), Some(other)) = (number(left), number(right)) else {
        return Judged::Unclear(format!("'{left}' or '{right}' is no number"));
    };
    let holds = match comparator {
        Comparator::Less => one < other,
        Comparator::Greater => one > other,
        Comparator::Equal => one == other,
        Comparator::NotEqual => one != other,
        Comparator::AtMost => one <= other,
        Comparator::AtLeast => one >= other,
    };
    Judged::of(holds, format!("'{left}' against '{right}'"))
}

/// A Java pattern has to take the whole of the text.
fn regex(pattern: &str, text: &str) -> Judged {
    let matched = Regex::new(&format!(r"\A(?:{pattern})\z")).and_then(|regex| regex.is_match(text));
    match matched {
        Ok(matched) => Judged::of(matched, format!("'{text}' against '{pattern}'")),
        Err(problem) => Judged::Unclear(format!("the pattern '{pattern}' cannot be used: {problem}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Surroundings for Fixed {
        fn expand(&self, text: &str) -> String {
            text.replace("$ZUUL_PIPELINE", "gate-and-submit-wmf")
                .replace("$YES", "Run")
                .replace("$NODE_NAME", "cw-1")
                .replace("$NODE_LABELS", "any Debian")
        }

        fn result(&self) -> ResultWord {
            ResultWord::Unstable
        }

        /// A Monday, 17:30.
        fn minute(&self) -> Option<Minute> {
            Some(Minute { minute: 30, hour: 17, day: 2, month: 3, weekday: 1 })
        }

        fn cause(&self) -> &'static str {
            "UPSTREAM_CAUSE"
        }
    }

    /// `+` holds, `-` does not, `?` cannot be said, a digit: asks that script, `/`: looks for files.
    fn sign(condition: &Condition, ended: &[Option<i32>]) -> char {
        let known: Vec<_> = ended.iter().copied().map(Some).collect();
        match judge(condition, &Fixed, &mut Answers::new(&known, &Looked::new())) {
            Judged::Holds(_) => '+',
            Judged::Fails(_) => '-',
            Judged::Unclear(_) => '?',
            Judged::Asks(at) => char::from_digit(at as u32, 10).unwrap(),
            Judged::Looks(_) => '/',
        }
    }

    fn regex(pattern: &str, text: &str) -> Condition {
        Condition::RegexMatch { pattern: pattern.into(), text: text.into() }
    }

    #[test]
    fn jjb_23_a_pattern_takes_the_whole_of_the_text() {
        for (pattern, text, want) in [
            ("^(gate-and-submit.*|postmerge)$", "$ZUUL_PIPELINE", '+'),
            ("^(gate-and-submit|postmerge)$", "$ZUUL_PIPELINE", '-'),
            ("gate", "$ZUUL_PIPELINE", '-'),
            ("(?!test).*", "check", '+'),
            ("(?i)CHECK", "check", '+'),
            (".*", "two\nlines", '-'),
            ("(", "check", '?'),
            ("", "", '+'),
        ] {
            assert_eq!(sign(&regex(pattern, text), &[]), want, "{pattern}");
        }
    }

    #[test]
    fn jjb_23_texts_and_results() {
        let strings = |left: &str, right: &str, ignore_case| {
            let condition = Condition::StringsMatch { left: left.into(), right: right.into(), ignore_case };
            sign(&condition, &[])
        };
        assert_eq!(
            [strings("a", "a", false), strings("a", "A", false), strings("a", "A", true)],
            ['+', '-', '+']
        );
        for (text, want) in [("$YES", '+'), ("true", '+'), ("1", '+'), ("no", '-'), ("", '-')] {
            assert_eq!(sign(&Condition::Boolean(text.into()), &[]), want, "{text}");
        }
        let status = |worst: &str, best: &str| {
            sign(&Condition::CurrentStatus { worst: worst.into(), best: best.into() }, &[])
        };
        assert_eq!([status("FAILURE", "SUCCESS"), status("SUCCESS", "SUCCESS")], ['+', '-']);
        assert_eq!([status("FAILURE", "FAILURE"), status("UNSTABLE", "UNSTABLE")], ['-', '+']);
    }

    #[test]
    fn jjb_23_numbers_times_days_and_causes() {
        let numbers = |left: &str, comparator, right: &str| {
            sign(&Condition::Numbers { left: left.into(), right: right.into(), comparator }, &[])
        };
        for (left, comparator, right, want) in [
            ("9", Comparator::Less, "10", '+'),
            ("9", Comparator::Greater, " 10 ", '-'),
            ("1.0", Comparator::Equal, "1", '+'),
            ("1", Comparator::NotEqual, "1", '-'),
            ("1", Comparator::AtMost, "1", '+'),
            ("1", Comparator::AtLeast, "2", '-'),
            ("one", Comparator::Less, "2", '?'),
        ] {
            assert_eq!(numbers(left, comparator, right), want, "{left} {comparator:?} {right}");
        }
        let time = |earliest, latest| sign(&Condition::TimeOfDay { earliest, latest }, &[]);
        assert_eq!([time(540, 1050), time(540, 1049), time(1051, 1200)], ['+', '-', '-']);
        let day = |days: &[u32]| sign(&Condition::DayOfWeek(days.to_vec()), &[]);
        assert_eq!([day(&[0, 6]), day(&[1]), day(&[])], ['-', '+', '-']);
        let cause = |word: &str| sign(&Condition::Cause(word.into()), &[]);
        assert_eq!([cause("UPSTREAM_CAUSE"), cause("USER_CAUSE")], ['+', '-']);
    }

    #[test]
    fn jjb_23_nodes_are_known_by_label_too() {
        let node =
            |names: &[&str]| sign(&Condition::Node(names.iter().map(|&name| name.into()).collect()), &[]);
        assert_eq!(
            [node(&["x", "Debian"]), node(&["cw-1"]), node(&["deb"]), node(&[])],
            ['+', '+', '-', '-']
        );
    }

    #[test]
    fn jjb_23_files_are_looked_for_once() {
        let files =
            |includes: &str| Condition::FilesMatch { includes: includes.into(), excludes: "x".into() };
        let both = Condition::And(vec![files("a"), Condition::Not(Box::new(files("b")))]);
        let mut looked = Looked::new();
        for (next, found) in [("a", true), ("b", false)] {
            let patterns = (next.to_owned(), "x".to_owned());
            let judged = judge(&both, &Fixed, &mut Answers::new(&[], &looked));
            assert_eq!(judged, Judged::Looks(patterns.clone()));
            looked.insert(patterns, found);
        }
        assert!(matches!(judge(&both, &Fixed, &mut Answers::new(&[], &looked)), Judged::Holds(_)));
        looked.insert(("a".to_owned(), "x".to_owned()), false);
        assert!(matches!(judge(&both, &Fixed, &mut Answers::new(&[], &looked)), Judged::Fails(_)));
    }

    #[test]
    fn jjb_23_scripts_are_asked_in_their_order() {
        let file = |path: &str| Condition::FileExists { path: path.into() };
        let both = Condition::And(vec![file("a"), Condition::Not(Box::new(file("b")))]);
        let either = Condition::Or(vec![Condition::Never, file("$HOME/`x`")]);
        assert_eq!(scripts(&both).len(), 2);
        assert_eq!(scripts(&either)[0].script, "test -e \"$HOME/\\`x\\`\"\n");
        assert_eq!(sign(&both, &[Some(0), Some(1)]), '+');
        assert_eq!(sign(&both, &[Some(0), Some(0)]), '-');
        assert_eq!(sign(&both, &[None, Some(0)]), '?');
        assert_eq!(sign(&either, &[Some(0)]), '+');
        let nested = Condition::Or(vec![both, file("c")]);
        assert_eq!(sign(&nested, &[Some(1), Some(1), Some(0)]), '+');
        // The first operand decides: `b` is not asked, and `c` is, at its own place.
        assert_eq!(sign(&nested, &[]), '0');
        let asked =
            |known: &[Option<Option<i32>>]| judge(&nested, &Fixed, &mut Answers::new(known, &Looked::new()));
        assert_eq!(asked(&[Some(Some(1)), None, None]), Judged::Asks(2));
        assert_eq!(asked(&[Some(Some(0)), None, None]), Judged::Asks(1));
        assert!(matches!(asked(&[Some(Some(0)), Some(Some(1)), None]), Judged::Holds(_)));
        assert_eq!(sign(&Condition::Not(Box::new(Condition::Always)), &[]), '-');
    }
}
