//! Ant's patterns for paths, as Jenkins reads them.

/// One pattern: `*` and `?` within a name, `**` for any number of directories; a pattern that ends in `/` means all below.
/// `\` separates as `/` does, and doubled separators count once. A pattern that begins with `/` matches nothing here, since
/// names are relative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    absolute: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`.
    AnyDirectories,
    /// A name, perhaps with `*` and `?`.
    Name(Vec<char>),
}

impl Pattern {
    /// Reads a pattern; every text is one.
    pub fn new(text: &str) -> Pattern {
        let text = text.replace('\\', "/");
        let names =
            text.split('/').filter(|part| !part.is_empty()).chain(text.ends_with('/').then_some("**"));
        let mut parts: Vec<Part> = Vec::new();
        for name in names {
            match name {
                "**" if parts.last() == Some(&Part::AnyDirectories) => {}
                "**" => parts.push(Part::AnyDirectories),
                name => parts.push(Part::Name(name.chars().collect())),
            }
        }
        Pattern { parts, absolute: text.starts_with('/') }
    }

    /// The patterns of a list separated by commas; blanks around each are not part of it.
    pub fn list(text: &str) -> Vec<Pattern> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Pattern::new).collect()
    }

    /// Whether the relative path is meant.
    pub fn matches(&self, path: &str, case_sensitive: bool) -> bool {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        !self.absolute && self.matches_names(&names, case_sensitive)
    }

    /// The last `**` seen may stand for one more name whenever what follows it does not fit: no other choice needs to be
    /// taken back, so this is at worst names times parts.
    fn matches_names(&self, names: &[&str], case_sensitive: bool) -> bool {
        let (mut part, mut name) = (0, 0);
        let mut back: Option<(usize, usize)> = None;
        loop {
            let fits = match self.parts.get(part) {
                Some(Part::AnyDirectories) => {
                    back = Some((part + 1, name));
                    part += 1;
                    continue;
                }
                Some(Part::Name(wanted)) => {
                    names.get(name).is_some_and(|found| name_matches(wanted, found, case_sensitive))
                }
                None if name == names.len() => return true,
                None => false,
            };
            if fits {
                (part, name) = (part + 1, name + 1);
                continue;
            }
            match back {
                Some((after, from)) if from < names.len() => {
                    back = Some((after, from + 1));
                    (part, name) = (after, from + 1);
                }
                _ => return false,
            }
        }
    }
}

/// Whether one name fits, by the same way of taking back only the last `*`.
fn name_matches(wanted: &[char], found: &str, case_sensitive: bool) -> bool {
    let found: Vec<char> = found.chars().collect();
    let (mut at, mut place) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let fits = match wanted.get(at) {
            Some('*') => {
                back = Some((at + 1, place));
                at += 1;
                continue;
            }
            Some(one) => {
                found.get(place).is_some_and(|other| *one == '?' || same(*one, *other, case_sensitive))
            }
            None if place == found.len() => return true,
            None => false,
        };
        if fits {
            (at, place) = (at + 1, place + 1);
            continue;
        }
        match back {
            Some((after, from)) if from < found.len() => {
                back = Some((after, from + 1));
                (at, place) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

fn same(one: char, other: char, case_sensitive: bool) -> bool {
    one == other || (!case_sensitive && one.to_lowercase().eq(other.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pools_d70_patterns_mean_what_they_mean_in_ant() {
        for (pattern, path, expected) in [
            ("*.xml", "a.xml", true),
            ("*.xml", "sub/a.xml", false),
            ("**/*.xml", "a.xml", true),
            ("**/*.xml", "x/y/a.xml", true),
            ("log/**", "log/a/b", true),
            ("log/**", "log", true),
            ("log/", "log/a/b", true),
            ("log/", "logs/a", false),
            ("a/**/b", "a/b", true),
            ("a/**/b/**/c", "a/x/b/y/b/z/c", true),
            ("a/**/b", "a/x/c", false),
            ("**.xml", "sub/a.xml", false),
            ("**.xml", "a.xml", true),
            ("?.txt", "a.txt", true),
            ("?.txt", ".txt", false),
            ("?.txt", "ü.txt", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXcXb", false),
            ("sub\\*.xml", "sub/a.xml", true),
            ("a//b", "a/b", true),
            ("/a", "a", false),
            ("./a", "a", false),
            ("**", "any/thing", true),
            ("", "a", false),
            ("*", ".hidden", true),
            ("A.TXT", "a.txt", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(path, true), expected, "{pattern} {path}");
        }
        assert!(Pattern::new("A*.TXT").matches("aé.txt", false));
    }

    #[test]
    fn lists_are_separated_by_commas_and_may_hold_blanks() {
        let list = Pattern::list(" a b.txt ,,c/ , ");
        assert_eq!(list, [Pattern::new("a b.txt"), Pattern::new("c/**")]);
    }

    #[test]
    fn a_hostile_pattern_is_quick() {
        let pattern = Pattern::new(&format!("{}b", "*a".repeat(500)));
        assert!(!pattern.matches(&"a".repeat(20_000), true));
        let pattern = Pattern::new(&format!("{}b", "**/a/".repeat(500)));
        assert!(!pattern.matches(&"a/".repeat(5_000), true));
    }

    /// The definition, word for word, however slow.
    fn model_names(parts: &[&str], names: &[&str]) -> bool {
        match (parts.split_first(), names.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some((&"**", rest)), _) => (0..=names.len()).any(|skipped| model_names(rest, &names[skipped..])),
            (Some(_), None) => false,
            (Some((part, parts)), Some((name, names))) => {
                model_name(part.as_bytes(), name.as_bytes()) && model_names(parts, names)
            }
        }
    }

    fn model_name(wanted: &[u8], found: &[u8]) -> bool {
        match (wanted.split_first(), found.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => (0..=found.len()).any(|skipped| model_name(rest, &found[skipped..])),
            (Some((b'?', rest)), Some((_, found))) => model_name(rest, found),
            (Some((one, rest)), Some((other, found))) => one == other && model_name(rest, found),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_agree_with_their_definition(
            pattern in proptest::collection::vec("\\*\\*|[ab*?]{1,4}", 1..5),
            path in proptest::collection::vec("[ab]{1,4}", 1..6),
        ) {
            let parts: Vec<&str> = pattern.iter().map(String::as_str).collect();
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            prop_assert_eq!(
                Pattern::new(&parts.join("/")).matches(&names.join("/"), true),
                model_names(&parts, &names)
            );
        }
    }
}
