//! What `cargo deny check bans licenses sources` would say, without building it in every run: it takes longer to
//! compile than all our tests. `deny.toml` says the same to those who have it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::rules::Finding;
use crate::table;

/// Everything that the program for this platform is made of.
pub fn metadata(root: &Path) -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ])
        .current_dir(root)
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON")
}

fn packages(metadata: &Value) -> impl Iterator<Item = Package<'_>> {
    metadata["packages"].as_array().expect("a list of packages").iter().map(|package| Package {
        name: package["name"].as_str().unwrap_or_default(),
        version: package["version"].as_str().unwrap_or_default(),
        source: package["source"].as_str(),
        licence: package["license"].as_str(),
    })
}

struct Package<'a> {
    name: &'a str,
    version: &'a str,
    source: Option<&'a str>,
    licence: Option<&'a str>,
}

fn finding(package: &Package<'_>, what: String, rule: &str) -> Finding {
    let file = format!("Cargo.lock ({} {})", package.name, package.version);
    Finding { file, line: 1, what, rule: rule.to_owned() }
}

/// Only the two members of the workspace have no source; everything else comes from the one registry.
pub fn sources(metadata: &Value) -> Vec<Finding> {
    packages(metadata)
        .filter_map(|package| {
            let fine = match package.source {
                None => ["causeway", "jjb-compat"].contains(&package.name),
                Some(source) => source.starts_with("registry+") && source.contains("crates.io-index"),
            };
            let what = format!("comes from {}", package.source.unwrap_or("a folder"));
            (!fine).then(|| finding(&package, what, "dependencies come from the one registry"))
        })
        .collect()
}

/// Crates whose licence field says nothing that can be read, with what their files say.
const CLARIFIED: &[(&str, &str)] = &[("libyaml-safer", "MIT")];

/// Every licence is one of the table's.
pub fn licences(metadata: &Value) -> Vec<Finding> {
    packages(metadata)
        .filter_map(|package| {
            let clarified =
                CLARIFIED.iter().find(|(name, _)| *name == package.name).map(|(_, licence)| *licence);
            let licence = package.licence.or(clarified);
            let what = format!("has the licence {}", licence.unwrap_or("(none named)"));
            let fine = licence.is_some_and(acceptable);
            (!fine).then(|| {
                finding(&package, what, "add it to LICENCES in tests/architecture/table.rs if it may")
            })
        })
        .collect()
}

/// Crates that must not come in.
pub fn banned(metadata: &Value) -> Vec<Finding> {
    packages(metadata)
        .filter_map(|package| {
            let (_, reason) = table::BANNED.iter().find(|(name, _)| *name == package.name)?;
            Some(finding(&package, "is banned".to_owned(), reason))
        })
        .collect()
}

/// Names that come in more than one version.
pub fn doubled(metadata: &Value) -> Vec<String> {
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in packages(metadata) {
        *versions.entry(package.name).or_default() += 1;
    }
    versions.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name.to_owned()).collect()
}

/// Whether an SPDX expression can be satisfied from the table: one side of an OR, both of an AND.
pub fn acceptable(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let fine = either(&words, &mut at);
    fine && at == words.len()
}

fn either(words: &[&str], at: &mut usize) -> bool {
    let mut fine = both(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        fine |= both(words, at);
    }
    fine
}

fn both(words: &[&str], at: &mut usize) -> bool {
    let mut fine = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        fine &= one(words, at);
    }
    fine
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let fine = either(words, at);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return fine && closed;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    table::LICENCES.contains(&licence.as_str())
}
