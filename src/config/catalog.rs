//! `catalog`: where the jobs are written, how they are read, which of them are ours.

use std::path::PathBuf;

use jjb_compat::Dialect;

use super::section::Section;
use crate::catalog::{CatalogConfig, NamePatterns, Reading};
use crate::model::Problem;

/// Job Builder's own option words for its two engines.
const DIALECTS: &[(&str, Dialect)] = &[("classic", Dialect::Classic), ("unified", Dialect::Unified)];

pub(super) fn read(mut section: Section<'_>) -> CatalogConfig {
    let paths = section.placed::<PathBuf>("jjb");
    for (at, path) in &paths {
        let full = section.report().path(path.clone());
        if let Err(error) = std::fs::metadata(&full) {
            let problem = Problem::error("missing-tree", format!("{} cannot be read: {error}", full.display()))
                .cure("write the folder or the file of the job definitions; relative paths count from this file's folder");
            section.report().add(*at, problem);
        }
    }
    let own = section.placed::<String>("own");
    if paths.is_empty() && !own.is_empty() {
        let problem =
            Problem::error("nothing-to-own", "'catalog.own' names jobs, but 'catalog.jjb' names no tree")
                .cure("add 'jjb: [FOLDER]'");
        section.complain("own", problem);
    }
    let config = CatalogConfig {
        paths: paths.into_iter().map(|(_, path)| section.report().path(path)).collect(),
        reading: reading(&mut section),
        own: NamePatterns::new(own.into_iter().map(|(_, pattern)| pattern)),
        leave_out: NamePatterns::new(section.list::<String>("leave_out")),
        default_shell: shell(&mut section),
        variables: variables(&mut section),
        first_numbers: numbers(&mut section),
        site: None,
    };
    section.close();
    config
}

fn reading(section: &mut Section<'_>) -> Reading {
    let include_path = section.list::<PathBuf>("include_path");
    Reading {
        dialect: section.choice("dialect", DIALECTS, Dialect::Classic),
        include_path: include_path.into_iter().map(|path| section.report().path(path)).collect(),
        allow_duplicates: section.or("allow_duplicates", false),
        allow_empty_variables: section.or("allow_empty_variables", false),
        retain_anchors: section.or("retain_anchors", false),
        recursive: section.or("recursive", false),
        exclude: section.list("exclude"),
        plugins: section.pairs("plugins"),
    }
}

/// The shell's words, as Jenkins' field takes them: split at blanks (jjb-T11).
fn shell(section: &mut Section<'_>) -> Vec<String> {
    let Some(text) = section.get::<String>("default_shell") else {
        return Vec::new();
    };
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if words.is_empty() {
        let problem = Problem::error("wrong-value", "'catalog.default_shell' is empty")
            .cure("write /bin/bash or /bin/sh");
        section.complain("default_shell", problem);
    }
    words
}

/// Site variables; a name with `=` or none at all would break every environment.
fn variables(section: &mut Section<'_>) -> Vec<(String, String)> {
    let pairs = section.pairs("variables");
    for (name, _) in &pairs {
        if name.is_empty() || name.contains(['=', '\0']) {
            let message = format!("'{}' cannot be a variable's name", name.escape_debug());
            section.complain(
                "variables",
                Problem::error("wrong-value", message).cure("write letters, digits and '_'"),
            );
        }
    }
    pairs
}

/// `first_number` for all, and `numbers` for some (zuul-8.2).
fn numbers(section: &mut Section<'_>) -> Vec<(String, u64)> {
    let mut numbers = Vec::new();
    for mut item in section.sections("numbers") {
        let why = "it says from which number on the builds of some jobs are counted";
        let jobs = item.need::<String>("jobs", why);
        let from = item.need::<u64>("from", why);
        numbers.extend(jobs.zip(from));
        item.close();
    }
    if let Some(first) = section.get::<u64>("first_number") {
        numbers.push(("*".to_owned(), first));
    }
    numbers
}
