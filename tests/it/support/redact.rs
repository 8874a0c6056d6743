//! What differs from run to run, taken out of snapshots.

use std::path::Path;

use super::places::repository;

/// Filters for `insta::with_settings!`: the given folders by their names, then ports, process ids, times, versions.
pub fn filters(folders: &[(&Path, &str)]) -> Vec<(String, String)> {
    let mut filters: Vec<(String, String)> =
        folders.iter().map(|(folder, name)| (literally(folder), format!("[{name}]"))).collect();
    filters.push((literally(repository()), "[REPOSITORY]".to_owned()));
    for (pattern, name) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?", "[TIME]"),
        (r#"("pid": ?|process |pid )\d+"#, "$1[PID]"),
        (r"causeway[- ]\d+\.\d+\.\d+", "causeway [VERSION]"),
        (r"\b\d+(\.\d+)? ?(ms|µs)\b", "[DURATION]"),
    ] {
        filters.push((pattern.to_owned(), name.to_owned()));
    }
    filters
}

/// A path as a pattern that matches just it.
fn literally(path: &Path) -> String {
    let mut pattern = String::new();
    for letter in path.display().to_string().chars() {
        if !letter.is_alphanumeric() && letter != '/' {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// Compares a finished command with its snapshot in `tests/it/snapshots`; folders are shown by name.
macro_rules! says {
    ($name:literal, $finished:expr, $folders:tt) => {
        $crate::support::reads!($name, $finished.transcript(), $folders)
    };
}

/// The same for any text that people read: a console, an answer over HTTP.
macro_rules! reads {
    ($name:literal, $text:expr, [$($folder:expr => $as:literal),*]) => {
        let folders: &[(&std::path::Path, &str)] = &[$(($folder, $as)),*];
        let filters = $crate::support::filters(folders);
        let filters: Vec<(&str, &str)> =
            filters.iter().map(|(pattern, name)| (pattern.as_str(), name.as_str())).collect();
        insta::with_settings!({ filters => filters, omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "snapshots" }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

pub(crate) use {reads, says};
