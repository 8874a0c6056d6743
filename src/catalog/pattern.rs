//! Patterns of job names: shell patterns, as in Job Builder's own filters (jjb-J114).

/// The names that are meant: any of the patterns, and none of those that begin with `!`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamePatterns {
    wanted: Vec<String>,
    left_out: Vec<String>,
}

impl NamePatterns {
    /// From the words of a configuration: `demo-*`, `!demo-slow`. `*` also takes `/`.
    pub fn new(words: impl IntoIterator<Item = String>) -> NamePatterns {
        let mut patterns = NamePatterns::default();
        for word in words {
            match word.strip_prefix('!') {
                Some(rest) => patterns.left_out.push(rest.to_owned()),
                None => patterns.wanted.push(word),
            }
        }
        patterns
    }

    /// Whether a name is meant.
    pub fn has(&self, name: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name));
        any(&self.wanted) && !any(&self.left_out)
    }

    /// Whether no name at all is meant.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The patterns that no name of these answers to: probably a slip of the pen.
    pub fn without_match<'a>(&'a self, names: &[&str]) -> Vec<&'a str> {
        let all = self.wanted.iter().chain(&self.left_out);
        all.map(String::as_str).filter(|pattern| !names.iter().any(|name| matches(pattern, name))).collect()
    }
}

/// Whether a shell pattern (`*`, `?`, `[a-z]`, `[!a-z]`) takes the whole of a name.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut here) = (0, 0);
    // Where to go on after the last `*`: each star is only ever taken back to once, so the time is bounded by the product.
    let mut star: Option<(usize, usize)> = None;
    while here < name.len() {
        match step(&pattern, at, name[here]) {
            Step::Star => {
                star = Some((at + 1, here));
                at += 1;
            }
            Step::Takes(length) => {
                at += length;
                here += 1;
            }
            Step::Refuses => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                at = after;
                here = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

enum Step {
    Star,
    Takes(usize),
    Refuses,
}

fn step(pattern: &[char], at: usize, letter: char) -> Step {
    match pattern.get(at) {
        Some('*') => Step::Star,
        Some('?') => Step::Takes(1),
        Some('[') => set(&pattern[at..], letter),
        Some(written) if *written == letter => Step::Takes(1),
        Some(_) | None => Step::Refuses,
    }
}

/// A set in brackets; one that is not closed is a bracket like any other letter.
fn set(pattern: &[char], letter: char) -> Step {
    let negated = pattern.get(1) == Some(&'!');
    let first = if negated { 2 } else { 1 };
    // A closing bracket in the first place belongs to the set.
    let end = pattern.iter().skip(first + 1).position(|letter| *letter == ']').map(|at| at + first + 1);
    let Some(end) = end else {
        return if letter == '[' { Step::Takes(1) } else { Step::Refuses };
    };
    let mut at = first;
    let mut found = false;
    while at < end {
        if at + 2 < end && pattern[at + 1] == '-' {
            found |= (pattern[at]..=pattern[at + 2]).contains(&letter);
            at += 3;
        } else {
            found |= pattern[at] == letter;
            at += 1;
        }
    }
    if found != negated { Step::Takes(end + 1) } else { Step::Refuses }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_j114_patterns_are_those_of_the_shell() {
        for (pattern, name) in [
            ("demo-*", "demo-unit"),
            ("*", "folder/any"),
            ("*-docker", "a-docker-docker"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]", "]"),
            ("[", "["),
            ("", ""),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("demo-*", "other"), ("a?c", "ac"), ("[a-c]x", "dx"), ("Demo", "demo"), ("a", "ab"), ("", "a")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_bounded_time() {
        let pattern = "*a".repeat(40);
        assert!(!matches(&pattern, &"b".repeat(4000)));
        assert!(!matches(&format!("{pattern}c"), &"a".repeat(2000)));
    }

    #[test]
    fn what_begins_with_an_exclamation_mark_is_left_out() {
        let patterns = NamePatterns::new(["demo-*".to_owned(), "!demo-slow".to_owned()]);
        assert!(patterns.has("demo-unit"));
        assert!(!patterns.has("demo-slow"));
        assert!(!patterns.has("other"));
        assert_eq!(patterns.without_match(&["demo-unit"]), ["demo-slow"]);
        assert!(!NamePatterns::default().has("demo-unit"));
    }
}
