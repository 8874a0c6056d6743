//! `.dockerignore`: what of a context is not sent (docker-M11). The last pattern that takes a path counts; `!` takes it back in.

/// The name of the file.
pub const IGNORE_FILE: &str = ".dockerignore";

/// The patterns of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ignored {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    back_in: bool,
    parts: Vec<String>,
}

impl Ignored {
    /// Reads the file's text.
    pub fn read(text: &str) -> Ignored {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim);
        let patterns = lines.filter_map(|line| {
            let (back_in, path) = match line.strip_prefix('!') {
                Some(path) => (true, path.trim()),
                None => (false, line),
            };
            let mut parts: Vec<String> = Vec::new();
            for part in path.split('/') {
                match part {
                    "" | "." => {}
                    ".." => {
                        parts.pop();
                    }
                    part => parts.push(part.to_owned()),
                }
            }
            (!parts.is_empty()).then_some(Pattern { back_in, parts })
        });
        Ignored { patterns: patterns.collect() }
    }

    /// Whether a path, relative to the context, is left out.
    pub fn has(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        let mut out = false;
        for pattern in &self.patterns {
            // A pattern that takes a directory takes all that is in it.
            if pattern.back_in == out
                && (1..=parts.len()).any(|length| takes(&pattern.parts, &parts[..length]))
            {
                out = !pattern.back_in;
            }
        }
        out
    }

    /// Whether nothing in a directory that is left out can be taken back in.
    pub fn is_final(&self) -> bool {
        !self.patterns.iter().any(|pattern| pattern.back_in)
    }
}

/// Whether a pattern takes a whole path. The places that can be reached are followed part by part, so no pattern takes long.
fn takes(pattern: &[String], path: &[&str]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for (index, part) in pattern.iter().enumerate() {
        let mut next = vec![false; path.len() + 1];
        if part == "**" {
            // At the end it stands for at least one part.
            let least = usize::from(index + 1 == pattern.len());
            if let Some(first) = reached.iter().position(|reached| *reached) {
                next.iter_mut().skip(first + least).for_each(|place| *place = true);
            }
        } else {
            let letters: Vec<char> = part.chars().collect();
            for (at, name) in path.iter().enumerate() {
                next[at + 1] = reached[at] && part_takes(&letters, &name.chars().collect::<Vec<_>>());
            }
        }
        reached = next;
    }
    reached[path.len()]
}

/// `*`, `?`, `[a-z]`, `[^a-z]` and `\` within one part of a path, in the same way.
fn part_takes(pattern: &[char], name: &[char]) -> bool {
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        let mut next = vec![false; name.len() + 1];
        let mut step = |takes: &dyn Fn(char) -> bool| {
            for (at, letter) in name.iter().enumerate() {
                next[at + 1] = reached[at] && takes(*letter);
            }
        };
        rest = after;
        match first {
            '*' => {
                if let Some(first) = reached.iter().position(|reached| *reached) {
                    next.iter_mut().skip(first).for_each(|place| *place = true);
                }
            }
            '?' => step(&|_| true),
            '[' => {
                let Some((length, takes)) = class(after) else { return false };
                step(&takes);
                rest = &after[length..];
            }
            '\\' if !after.is_empty() => {
                step(&|letter| letter == after[0]);
                rest = &after[1..];
            }
            plain => step(&|letter| letter == *plain),
        }
        reached = next;
    }
    reached[name.len()]
}

/// A class after its `[`: how long it is, with its `]`, and what it takes.
fn class(pattern: &[char]) -> Option<(usize, impl Fn(char) -> bool)> {
    let negated = pattern.first() == Some(&'^');
    let start = usize::from(negated);
    let end = pattern.iter().skip(start + 1).position(|letter| *letter == ']')? + start + 1;
    let body = pattern[start..end].to_vec();
    let takes = move |letter: char| {
        let mut found = false;
        let mut at = 0;
        while at < body.len() {
            if at + 2 < body.len() && body[at + 1] == '-' {
                found |= (body[at]..=body[at + 2]).contains(&letter);
                at += 3;
            } else {
                found |= body[at] == letter;
                at += 1;
            }
        }
        found != negated
    };
    Some((end + 1, takes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_m11_the_last_pattern_counts() {
        let ignored = Ignored::read(
            "# comment\n*.log\n!keep.log\n/build\n**/cache\ndocs/*\n!docs/README.md\n a? \n[x-z]1\n",
        );
        for out in ["a.log", "build", "build/x/y", "cache", "a/b/cache/c", "docs/x", "docs/x/y", "ab", "y1"] {
            assert!(ignored.has(out), "{out}");
        }
        for kept in ["keep.log", "src/a.log", "docs", "docs/README.md", "src/build", "abc", "w1", "# comment"]
        {
            assert!(!ignored.has(kept), "{kept}");
        }
        assert!(!ignored.is_final() && Ignored::read("a").is_final());
        let all = Ignored::read("**\n!src/**");
        assert!(all.has("x/y") && !all.has("src/x"));
        assert!(!Ignored::default().has("x"));
    }
}
