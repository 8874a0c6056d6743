//! Causeway: leave Jenkins and Nodepool one job at a time.
//!
//! # The way of one build
//!
//! Zuul submits `build:JOB`. [`gearman`]'s queue answers at once and, if the name is ours and there is room, hands the job to
//! [`zuul`]'s feed. The feed takes what it means from [`catalog`] and gives it to [`build`], which records it under its number before
//! anything outside hears of it. [`execute`] asks [`pool`] for a node, starts the recipe's steps through the node's [`keeper`], copies
//! their output to [`console`] and files to [`artifact`], and tells [`build`] how it ended. The feed sends one end to Zuul.
//!
//! # The map
//!
//! Imports point down only; `tests/architecture.rs` holds the table.
//!
//! | floor | rooms |
//! | --- | --- |
//! | the program | [`cli`] prints and asks; [`app`] composes, the only one that names adapters; [`drain`]; [`config`] |
//! | faces: translate, decide nothing | [`zuul::feed`], [`web`] |
//! | core: decides | [`build`], [`execute`], [`route`], [`catalog`], [`pool`], [`image`], [`console`], [`artifact`], [`store`] (the trait) |
//! | adapters: implement what the core asks for | [`store::sqlite`], [`provider`], [`jenkins::client`] |
//! | transport: bytes, no builds | [`gearman`]'s server and client, [`keeper`]'s side of the wire |
//! | wire: pure | [`gearman::packet`], [`gearman::codec`], [`zuul::wire`], [`jenkins::wire`], [`keeper::wire`] |
//! | ground | [`model`], [`sys`], [`telemetry`] |
//!
//! # What always holds
//!
//! - A build has one writer, [`build::Builds`]; an event is stored before it is shown (pools-P1).
//! - A step that the record calls ended is never run again, and one that it calls started is followed, not started: the same code runs
//!   a build and takes it up after a crash.
//! - A node's log and status are files beside its workspace; every stream to it is only a view and may break at any byte.
//! - Only [`pool`]'s reconciler creates or deletes anything on an engine.
//! - Trouble of ours gives Zuul no result word, so that it tries again; what would end the same way again gets one.
//! - The Gearman thread waits for nobody: no disk, no lock and no builds in its path.
//! - Every queue has a limit, and an answer to "and when it is full?".

pub mod app;
pub mod artifact;
pub mod build;
pub mod catalog;
pub mod cli;
pub mod compare;
pub mod config;
pub mod console;
pub mod drain;
pub mod execute;
pub mod gearman;
pub mod guard;
pub mod image;
pub mod jenkins;
pub mod keeper;
pub mod model;
pub mod pool;
pub mod provider;
pub mod route;
pub mod store;
pub mod sys;
pub mod telemetry;
pub mod web;
pub mod zuul;
