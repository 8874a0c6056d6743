//! Builder `shell`: a script (jjb-T10 to T13). Options: the text itself, or `command` (required) and `unstable-return` (0).

use std::borrow::Cow;
use std::sync::Arc;

use jjb_compat::{Component, Value};

use super::options::{Options, text};
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::ShellStep;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<Arc<ShellStep>> {
    scope.script(component, || fresh(scope, component))
}

fn fresh(scope: &Scope<'_>, component: &Component) -> Option<ShellStep> {
    let (command, unstable_return) = match &component.arguments.value {
        Value::Map(_) => {
            let mut options = Options::of(scope, component);
            let command = options.need("command");
            let unstable = options.whole("unstable-return").filter(|code| *code != 0);
            let unstable_return = unstable.and_then(|code| i32::try_from(code).ok());
            options.close();
            (command?, unstable_return)
        }
        Value::Null | Value::Seq(_) => {
            let message = format!("a script is expected, not {}", component.arguments.kind());
            scope.find(Weight::Error, component, component.place, Problem::error("wrong-type", message));
            return None;
        }
        _ => (text(&component.arguments).into_owned(), None),
    };
    script(scope, component, &command, unstable_return)
}

/// A script that is ready to be written to a file, for whatever runs one.
pub(super) fn script(
    scope: &Scope<'_>,
    component: &Component,
    command: &str,
    unstable_return: Option<i32>,
) -> Option<ShellStep> {
    let script = normalised(command).into_owned();
    let interpreter = match first_line(&script) {
        Some(line) => words(line),
        None => shell(scope.config.shell()),
    };
    if interpreter.is_empty() {
        let problem = Problem::error("no-interpreter", "the script's '#!' line names no interpreter")
            .cure("write for example '#!/bin/bash -e'");
        scope.find(Weight::Error, component, component.place, problem);
        return None;
    }
    let place = scope.place(component.place);
    Some(ShellStep { interpreter, script: framed(script), unstable_return, place })
}

/// Line ends become LF (jjb-T12).
fn normalised(command: &str) -> Cow<'_, str> {
    if command.contains("\r\n") { Cow::Owned(command.replace("\r\n", "\n")) } else { Cow::Borrowed(command) }
}

/// The first line without its `#!`. One behind a blank or a line break does not count (jjb-T11).
fn first_line(script: &str) -> Option<&str> {
    let rest = script.strip_prefix("#!")?;
    Some(rest.split('\n').next().unwrap_or(rest))
}

/// The server's shell with `-xe` (jjb-T11).
fn shell(mut words: Vec<String>) -> Vec<String> {
    words.push("-xe".to_owned());
    words
}

/// A step that begins neither with `#!` nor with a line break gets one in front (jjb-T12): line numbers in messages stay Jenkins'.
fn framed(script: String) -> String {
    if script.starts_with("#!") || script.starts_with('\n') { script } else { format!("\n{script}") }
}

/// Words at blanks; quotes of both kinds hold a word together, a backslash takes the next letter as it is (jjb-T10).
pub(super) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, '\\') => word.get_or_insert_default().extend(letters.next()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_t10_all_words_of_the_first_line_count() {
        assert_eq!(words("/bin/bash -eu"), ["/bin/bash", "-eu"]);
        assert_eq!(words(" /usr/bin/env  bash "), ["/usr/bin/env", "bash"]);
        assert_eq!(words("/bin/x 'a b' \"c d\" e\\ f ''"), ["/bin/x", "a b", "c d", "e f", ""]);
        assert_eq!(words("  "), [""; 0]);
    }

    #[test]
    fn jjb_t12_line_ends_and_the_first_line() {
        assert_eq!(framed(normalised("a\r\nb\rc").into_owned()), "\na\nb\rc");
        assert_eq!(framed("#!/bin/sh\n".into()), "#!/bin/sh\n");
        assert_eq!(framed("\necho".into()), "\necho");
    }

    #[test]
    fn jjb_t11_a_mark_behind_a_blank_does_not_count() {
        assert_eq!(first_line("#!/bin/sh -x\necho"), Some("/bin/sh -x"));
        assert_eq!(first_line(" #!/bin/sh"), None);
        assert_eq!(first_line("\n#!/bin/sh"), None);
    }
}
