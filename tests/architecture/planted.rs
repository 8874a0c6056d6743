//! Each rule catches a violation planted for it, and leaves alone what is right.

use crate::dependencies::acceptable;
use crate::rules::{self, Finding};
use crate::source::Tree;
use crate::table;

fn tree(texts: &[(&str, &str)]) -> Tree {
    let texts: Vec<(String, String)> =
        texts.iter().map(|(name, text)| (format!("src/{name}"), (*text).to_owned())).collect();
    Tree::from_texts("src", &texts).expect("the planted sources can be lexed")
}

/// `file:line` of each finding.
fn places(findings: &[Finding]) -> Vec<String> {
    let mut places: Vec<String> =
        findings.iter().map(|finding| format!("{}:{}", finding.file, finding.line)).collect();
    places.sort();
    places.dedup();
    places
}

#[test]
fn an_import_that_points_up_is_found_in_every_spelling() {
    let planted = tree(&[
        ("zuul/mod.rs", "pub mod feed;\npub mod wire;"),
        ("zuul/feed.rs", ""),
        ("zuul/wire/mod.rs", "mod answer;"),
        ("zuul/wire/answer.rs", "use crate::build::Event;\nuse super::super::feed::Feed;"),
        ("build/mod.rs", "use crate::{model::BuildId, web::{page, Page}};"),
        (
            "build/dispatcher.rs",
            "fn f() {\n    crate::zuul::feed::send();\n    format!(\"{}\", crate::config::X);\n}",
        ),
        (
            "web/mod.rs",
            "use crate::build;\nuse crate::provider::docker as engine;\nfn f() { engine::start(); }",
        ),
        ("model/mod.rs", "mod inner { use super::super::sys::Clock; }"),
    ]);
    assert_eq!(
        places(&rules::imports(&planted)),
        [
            "src/build/dispatcher.rs:2",
            "src/build/dispatcher.rs:3",
            "src/build/mod.rs:1",
            "src/model/mod.rs:1",
            "src/web/mod.rs:2",
            "src/web/mod.rs:3",
            "src/zuul/wire/answer.rs:1",
            "src/zuul/wire/answer.rs:2",
        ]
    );
}

#[test]
fn core_never_names_its_adapters_even_by_a_re_export() {
    let planted = tree(&[
        ("store/mod.rs", "pub mod sqlite;\npub use sqlite::Sqlite;"),
        ("store/sqlite/mod.rs", "use super::Store;\nuse crate::provider::docker;"),
        ("provider/docker.rs", "use super::marks;\nuse crate::pool::Provider;"),
    ]);
    assert_eq!(places(&rules::imports(&planted)), ["src/store/mod.rs:2", "src/store/sqlite/mod.rs:2"]);
}

#[test]
fn imports_that_point_down_are_fine() {
    let planted = tree(&[
        ("main.rs", "fn main() { causeway::cli::run(); causeway::keeper::node::main(); }"),
        ("cli/mod.rs", "use crate::app;\nuse crate::config::Config;"),
        ("app.rs", "use crate::{provider::docker, store::sqlite, web, zuul::feed};"),
        ("execute/mod.rs", "use crate::{keeper, pool::Lease, store::Store, model::*};"),
        ("keeper/mod.rs", "pub mod node;\npub mod wire;\nuse wire::Frame;"),
        ("keeper/wire.rs", "use crate::model::NodeId;"),
        (
            "web/mod.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::provider::fake;\n}\nuse crate::build::Build;",
        ),
    ]);
    assert_eq!(places(&rules::imports(&planted)), [""; 0]);
}

#[test]
fn a_room_without_a_row_is_found() {
    let planted = tree(&[("attic/mod.rs", ""), ("model/mod.rs", ""), ("lib.rs", "")]);
    assert_eq!(places(&rules::unknown_rooms(&planted)), ["src/attic/mod.rs:1"]);
}

#[test]
fn what_only_some_rooms_may_touch_is_found_elsewhere() {
    let planted = tree(&[
        ("model/id.rs", "use std::fs;\nfn f() { fs::read(\"x\"); }"),
        ("gearman/codec.rs", "use tokio::net::TcpStream;\nuse tokio_util::codec::Decoder;"),
        ("build/mod.rs", "fn f() { std::env::var(\"X\"); }\nuse sqlx::Row;"),
        ("config/mod.rs", "fn f() { std::env::var(\"X\"); }"),
        ("execute/mod.rs", "use std::{env, time::Duration};"),
        ("provider/docker/mod.rs", "use bollard::Docker;"),
        ("provider/process.rs", "use bollard::Docker;"),
    ]);
    assert_eq!(
        places(&rules::touches(&planted, table::RESTRICTIONS)),
        [
            "src/build/mod.rs:1",
            "src/build/mod.rs:2",
            "src/execute/mod.rs:1",
            "src/gearman/codec.rs:1",
            "src/model/id.rs:1",
            "src/model/id.rs:2",
            "src/provider/process.rs:1",
        ]
    );
}

#[test]
fn jjb_compat_that_looks_at_the_world_is_found() {
    let planted = tree(&[
        ("source.rs", "use std::fs;"),
        ("yaml.rs", "fn f() { std::fs::read(\"x\"); std::time::Instant::now(); }"),
        ("lib.rs", "use causeway::model;"),
    ]);
    let found = rules::touches(&planted, table::JJB_RESTRICTIONS);
    assert_eq!(places(&found), ["src/lib.rs:1", "src/yaml.rs:1"]);
}

#[test]
fn the_keeper_that_imports_more_is_found() {
    let planted = tree(&[
        ("keeper/mod.rs", "pub mod node;\npub mod wire;"),
        ("keeper/wire.rs", ""),
        (
            "keeper/node/mod.rs",
            "#![expect(clippy::all)]\nmod step;\nuse crate::keeper::wire::Frame;\nuse super::wire;\nuse std::io;",
        ),
        (
            "keeper/node/step.rs",
            "use rustix::process;\nuse crate::model::NodeId;\nuse tokio::net;\nfn f() { u64::MAX; }",
        ),
    ]);
    assert_eq!(
        places(&rules::node_imports(&planted)),
        ["src/keeper/node/step.rs:2", "src/keeper/node/step.rs:3"]
    );
}

#[test]
fn a_serialised_type_in_the_model_is_found() {
    let planted = tree(&[
        ("model/id.rs", "/// Not with serde.\n#[derive(Debug, serde::Serialize)]\nstruct Id;"),
        ("web/view.rs", "#[derive(serde::Serialize)]\nstruct View;"),
    ]);
    assert_eq!(places(&rules::serialised_model(&planted)), ["src/model/id.rs:2"]);
}

#[test]
fn printing_is_found_and_talking_about_it_is_not() {
    let planted = tree(&[
        ("cli/mod.rs", "fn f() { println!(); }"),
        (
            "build/mod.rs",
            "/// Never `println!`.\nfn f() {\n    let s = \"eprintln!\";\n    eprintln!(\"{s}\");\n}",
        ),
        ("pool/mod.rs", "#[cfg(test)]\nmod tests;"),
        ("pool/tests.rs", "fn f() { println!(); }"),
    ]);
    assert_eq!(places(&rules::printing(&planted, &["cli", "main"])), ["src/build/mod.rs:4"]);
}

#[test]
fn long_files_and_empty_names_are_found() {
    let long = "\n".repeat(801);
    let planted =
        tree(&[("pool/planner.rs", long.as_str()), ("pool/utils.rs", ""), ("pool_manager/mod.rs", "")]);
    assert_eq!(places(&rules::long_files(&planted)), ["src/pool/planner.rs:801"]);
    assert_eq!(places(&rules::empty_names(&planted)), ["src/pool/utils.rs:1", "src/pool_manager/mod.rs:1"]);
}

#[test]
fn licence_expressions_are_read_as_spdx_has_them() {
    assert!(acceptable("MIT OR GPL-3.0-only"));
    assert!(acceptable("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(acceptable("Apache-2.0 WITH LLVM-exception"));
    assert!(acceptable("MIT/Apache-2.0"));
    assert!(!acceptable("MIT AND GPL-3.0-only"));
    assert!(!acceptable("GPL-3.0-only"));
    assert!(!acceptable(""));
}
