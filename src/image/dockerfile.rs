//! A Dockerfile, as far as it must be understood before an engine gets it (docker-M10, M29): stages and their bases, what would be fetched
//! from elsewhere, and where our own label goes. Everything else is the engine's business.

use std::collections::HashMap;

/// Instructions that the classic builder knows.
const KNOWN: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];
/// Instructions that reach beyond the context, or name images or labels.
const REACHING: [&str; 5] = ["ADD", "COPY", "FROM", "LABEL", "ONBUILD"];
/// The base that is no image.
const SCRATCH: &str = "scratch";
/// Labels that begin so are ours alone.
const OWN: &str = "causeway.";

/// Why a Dockerfile is not given to an engine; the line is the user's own, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the Dockerfile: {reason}")]
pub struct DockerfileError {
    line: usize,
    reason: String,
}

/// A Dockerfile that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    lines: Vec<String>,
    /// The last line of each FROM, counted from 0.
    stages: Vec<usize>,
    /// The images that stages begin with, each once.
    pub bases: Vec<String>,
}

/// One instruction with the line on which it begins.
struct Instruction {
    line: usize,
    last: usize,
    word: String,
    rest: String,
}

impl Dockerfile {
    /// Reads one, with the build arguments that are given. `may_fetch`: ADD may name addresses.
    ///
    /// # Errors
    /// What the classic builder would not take, or what is refused.
    pub fn read(
        text: &str,
        arguments: &[(String, String)],
        may_fetch: bool,
    ) -> Result<Dockerfile, DockerfileError> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut reading = Reading { may_fetch, given: arguments, ..Reading::default() };
        // First of all: what releases of the engine read differently could hide an instruction from us.
        unambiguous(&lines)?;
        for instruction in instructions(&lines) {
            reading
                .take(&instruction)
                .map_err(|reason| DockerfileError { line: instruction.line + 1, reason })?;
        }
        if reading.ends.is_empty() {
            return Err(DockerfileError { line: 1, reason: "there is no FROM".to_owned() });
        }
        Ok(Dockerfile { lines, stages: reading.ends, bases: reading.bases })
    }

    /// Its text with our own label after each FROM: that marks all that the build makes, and parts caches (docker-M29).
    pub fn with_label(&self, label: &str) -> String {
        let mut text = String::new();
        for (index, line) in self.lines.iter().enumerate() {
            text.push_str(line);
            text.push('\n');
            if self.stages.contains(&index) {
                text.push_str("LABEL ");
                text.push_str(label);
                text.push('\n');
            }
        }
        text
    }
}

/// Whether an instruction of a base image that is run in the build of its children is refused (docker-M10).
///
/// # Errors
/// Why.
pub fn check_trigger(instruction: &str, may_fetch: bool) -> Result<(), String> {
    let (word, rest) = split(instruction);
    if word == "COPY" && rest.contains("--from") {
        return Err("COPY out of another image".to_owned());
    }
    checked(&word, &rest, &HashMap::new(), may_fetch)
}

#[derive(Default)]
struct Reading<'a> {
    may_fetch: bool,
    given: &'a [(String, String)],
    /// Arguments before the first FROM.
    global: HashMap<String, String>,
    /// What is known in the current stage.
    known: HashMap<String, String>,
    names: Vec<String>,
    bases: Vec<String>,
    ends: Vec<usize>,
}

impl Reading<'_> {
    fn take(&mut self, instruction: &Instruction) -> Result<(), String> {
        let Instruction { word, rest, last, .. } = instruction;
        match word.as_str() {
            "FROM" => self.stage(rest, *last),
            "ARG" => {
                for text in rest.split_whitespace() {
                    self.argument(text);
                }
                Ok(())
            }
            known if !KNOWN.contains(&known) => Err(format!("'{known}' is no instruction")),
            _ if self.ends.is_empty() => Err("the first instruction is not FROM".to_owned()),
            "COPY" => self.copy(rest),
            "ENV" => {
                self.environment(rest);
                Ok(())
            }
            "ONBUILD" => {
                let (word, rest) = split(rest);
                checked(&word, &rest, &self.known, self.may_fetch)
            }
            word => checked(word, rest, &self.known, self.may_fetch),
        }
    }

    fn stage(&mut self, rest: &str, last: usize) -> Result<(), String> {
        let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
        let written = words.next().ok_or("FROM names no image")?;
        let base = replaced(written, &self.global).ok_or_else(|| {
            format!("'{written}' holds a variable that has no value: give it a default by ARG before FROM")
        })?;
        if base.is_empty() {
            return Err(format!("'{written}' is empty when its variables are replaced"));
        }
        let lower = base.to_ascii_lowercase();
        if base != SCRATCH && !self.names.contains(&lower) && !self.bases.contains(&base) {
            self.bases.push(base);
        }
        if words.next().is_some_and(|word| word.eq_ignore_ascii_case("as")) {
            self.names.extend(words.next().map(str::to_ascii_lowercase));
        }
        self.known.clear();
        self.ends.push(last);
        Ok(())
    }

    /// What is copied out of another image makes that a base: else the engine would fetch it unasked.
    fn copy(&mut self, rest: &str) -> Result<(), String> {
        let flags = rest.split_whitespace().take_while(|word| word.starts_with("--"));
        for from in flags.filter_map(|flag| flag.strip_prefix("--from=")) {
            let from = from.trim_matches(['"', '\'']);
            if from.contains('$') {
                return Err(format!("COPY from '{from}' holds a variable"));
            }
            let of_stage = from.parse::<usize>().is_ok_and(|stage| stage < self.ends.len());
            if !of_stage
                && !self.names.contains(&from.to_ascii_lowercase())
                && !self.bases.iter().any(|base| base == from)
            {
                self.bases.push(from.to_owned());
            }
        }
        Ok(())
    }

    fn argument(&mut self, text: &str) {
        let (name, default) = match text.split_once('=') {
            Some((name, default)) => (name, Some(default.trim_matches(['"', '\'']))),
            None => (text, None),
        };
        let given = self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.clone());
        let of_all = if self.ends.is_empty() { None } else { self.global.get(name).cloned() };
        let scope = if self.ends.is_empty() { &self.global } else { &self.known };
        let own = default.and_then(|default| replaced(default, scope));
        let value = given.or(own).or(of_all);
        let scope = if self.ends.is_empty() { &mut self.global } else { &mut self.known };
        match value {
            Some(value) => scope.insert(name.to_owned(), value),
            None => scope.remove(name),
        };
    }

    /// Only the plain form is understood; a name that is set in another one is not known any more.
    fn environment(&mut self, rest: &str) {
        for word in rest.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, "$"));
            match replaced(value.trim_matches(['"', '\'']), &self.known) {
                Some(value) => self.known.insert(name.to_owned(), value),
                None => self.known.remove(name),
            };
        }
    }
}

/// Refuses what reaches beyond the context, and labels that are ours.
fn checked(word: &str, rest: &str, known: &HashMap<String, String>, may_fetch: bool) -> Result<(), String> {
    match word {
        "ADD" if !may_fetch => {
            // As a JSON list or as words: the pieces between blanks, quotes, commas and brackets are sources all the same.
            let separate = |letter: char| letter.is_whitespace() || "[],\"'".contains(letter);
            for piece in rest.split(separate).filter(|piece| !piece.is_empty() && !piece.starts_with("--")) {
                let value = replaced(piece, known);
                let fetches =
                    value.as_deref().is_none_or(|value| value.contains("://") || value.starts_with("git@"));
                if fetches {
                    return Err(format!(
                        "ADD of '{piece}' may be fetched by the engine in its host's network; the pool allows it only with 'add_url: true' (docker-M10)"
                    ));
                }
            }
            Ok(())
        }
        "LABEL" => {
            let own = |piece: &str| {
                let key = piece.split('=').next().unwrap_or_default().trim_matches(['"', '\'']);
                key.starts_with(OWN) || (piece.contains('=') && key.contains('$'))
            };
            match rest.split_whitespace().find(|piece| own(piece)) {
                Some(piece) => {
                    Err(format!("the label '{piece}' may be one of Causeway's own, which begin with '{OWN}'"))
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// A text with its variables replaced; `None` when one is not known, or its form is none that is understood.
fn replaced(text: &str, known: &HashMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        if rest[..dollar].ends_with('\\') {
            return None;
        }
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        let (name, default, after) = match rest.strip_prefix('{') {
            Some(body) => {
                let (inner, after) = body.split_once('}')?;
                match inner.split_once(":-") {
                    Some((name, default)) => (name, Some(default), after),
                    None => (inner, None, after),
                }
            }
            None => {
                let plain = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
                let end = rest.find(plain).unwrap_or(rest.len());
                (&rest[..end], None, &rest[end..])
            }
        };
        out.push_str(known.get(name).map(String::as_str).or(default)?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// Refuses what releases of the engine, or they and we, may read differently: where an instruction ends then is not certain.
fn unambiguous(lines: &[String]) -> Result<(), DockerfileError> {
    let wrong = |index: usize, reason: &str| DockerfileError { line: index + 1, reason: reason.to_owned() };
    let odd = |letter: char| (letter.is_whitespace() || letter.is_control()) && !matches!(letter, ' ' | '\t');
    let escape = escape(lines);
    let (mut open, mut commented) = (false, false);
    for (index, line) in lines.iter().enumerate() {
        if line.chars().any(odd) {
            return Err(wrong(index, "it holds a blank or a control character other than blank and tab"));
        }
        let trimmed = line.trim();
        if open && trimmed.starts_with('#') {
            commented |= !line.starts_with('#');
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let (word, _) = split(trimmed);
        if open && commented && REACHING.contains(&word.as_str()) {
            return Err(wrong(
                index,
                "it may be an instruction or not, because of the comment above it that does not begin the line",
            ));
        }
        let part = trimmed.strip_suffix(escape);
        if part.is_some_and(|part| part.ends_with(escape)) {
            return Err(wrong(index, "it ends in two escapes, which engines read differently"));
        }
        open = part.is_some();
        commented &= open;
    }
    Ok(())
}

/// The instructions; lines that end in the escape go on in the next, comments and blank lines are passed over.
fn instructions(lines: &[String]) -> Vec<Instruction> {
    let escape = escape(lines);
    let mut found: Vec<Instruction> = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, goes_on) = match line.strip_suffix(escape) {
            Some(part) => (part, true),
            None => (line, false),
        };
        let (first, mut text) = open.take().unwrap_or((index, String::new()));
        text.push_str(part);
        text.push(' ');
        if goes_on && index + 1 < lines.len() {
            open = Some((first, text));
        } else {
            let (word, rest) = split(&text);
            found.push(Instruction { line: first, last: index, word, rest });
        }
    }
    if let Some((first, text)) = open {
        let (word, rest) = split(&text);
        found.push(Instruction { line: first, last: lines.len() - 1, word, rest });
    }
    found
}

/// The letter by which lines go on: a directive in the first lines may change it.
fn escape(lines: &[String]) -> char {
    for line in lines {
        let Some(comment) = line.trim().strip_prefix('#') else { break };
        let Some((name, value)) = comment.split_once('=') else { break };
        match name.trim().to_ascii_lowercase().as_str() {
            "escape" if value.trim() == "`" => return '`',
            "escape" | "syntax" => {}
            // An unknown one ends the directives.
            _ => break,
        }
    }
    '\\'
}

fn split(text: &str) -> (String, String) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word.to_ascii_uppercase(), rest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Dockerfile, DockerfileError> {
        Dockerfile::read(text, &[("VERSION".into(), "9".into())], false)
    }

    #[test]
    fn docker_m29_our_label_comes_after_each_stage() {
        let text =
            "ARG VERSION=1\nFROM \\\n  r/a:$VERSION AS first\nRUN x\nfrom first\nFROM scratch\nFROM r/b\n";
        let file = read(text).unwrap();
        assert_eq!(file.bases, ["r/a:9", "r/b"]);
        let want = "ARG VERSION=1\nFROM \\\n  r/a:$VERSION AS first\nLABEL L\nRUN x\nfrom first\nLABEL L\nFROM scratch\nLABEL L\nFROM r/b\nLABEL L\n";
        assert_eq!(file.with_label("L"), want);
    }

    #[test]
    fn docker_m10_what_is_refused_names_the_users_own_line() {
        for (text, line, part) in [
            ("", 1, "no FROM"),
            ("RUN x", 1, "not FROM"),
            ("FROM a\n\n# c\nFORM b", 4, "'FORM' is no instruction"),
            ("FROM $NOPE", 1, "has no value"),
            ("FROM a\nADD http://h/x /x", 2, "add_url"),
            ("FROM a\nADD [\"https://h/x\", \"/x\"]", 2, "add_url"),
            ("FROM a\nARG U=http://h\nADD $U /x", 3, "add_url"),
            ("FROM a\nADD $U /x", 2, "add_url"),
            ("FROM a\nENV U x\nADD $U /x", 3, "add_url"),
            ("FROM a\nADD \\\n  git@h:x /x", 2, "add_url"),
            ("FROM a\nONBUILD ADD http://h/x /x", 2, "add_url"),
            ("FROM a\nLABEL causeway.scope=x", 2, "own"),
            ("FROM a\nLABEL a=b \"causeway.scope\"=x", 2, "own"),
            ("FROM a\nLABEL $A=b", 2, "own"),
            ("FROM a\nCOPY --from=$B x y", 2, "variable"),
            // Hidden from one reader and not from another.
            ("# x=y\n# escape=`\nFROM a\nRUN x `\nADD http://h/x /y", 5, "add_url"),
            ("FROM a\nRUN x \\\\\nADD http://h/x /y", 2, "two escapes"),
            ("FROM a\nRUN x \\\u{a0}\nADD http://h/x /y", 2, "blank"),
            ("FROM a\nRUN x \\\n  # c\nADD http://h/x /y", 4, "may be an instruction"),
            ("FROM a\nRUN x \\\n  # c\nfrom private", 4, "may be an instruction"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
        for good in [
            "FROM a\nADD x /y",
            "FROM a\nARG V=1\nADD x-$V.tar /y",
            "FROM a\nENV V=1\nADD x-${V} /y",
            "FROM a\nLABEL a=$B",
            "# escape=`\nFROM a\nRUN x `\n  && y\nCOPY a b",
            "FROM a:${NONE:-1}",
            "FROM a\r\nRUN x \\\r\n  # comment\r\n  y\r\n",
        ] {
            assert!(read(good).is_ok(), "{good}: {:?}", read(good));
        }
        let copies =
            read("FROM a AS one\nCOPY --from=one x y\nCOPY --from=0 x y\ncopy --from=r/private x y").unwrap();
        assert_eq!(copies.bases, ["a", "r/private"]);
        assert!(check_trigger("COPY --from=r/private x y", false).is_err());
        assert!(Dockerfile::read("FROM a\nADD http://h/x /x", &[], true).is_ok());
        assert!(
            check_trigger("ADD http://x /y", false).is_err() && check_trigger("COPY x /y", false).is_ok()
        );
    }
}
