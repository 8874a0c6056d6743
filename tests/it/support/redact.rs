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
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?", "[TIME]"),
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
