//! The tests of the whole program, one module a subject.

#![allow(clippy::unwrap_used, reason = "all of it is tests; clippy only knows functions that carry the mark")]

mod bad_input;
mod bad_jobs;
mod catalog;
#[cfg(test)]
mod cli;
mod crash;
mod docker;
mod docker_engine;
mod durable;
mod full_disk;
mod gearman;
mod jjb;
mod keeper;
mod keeper_process;
mod keeper_support;
mod own_builds;
mod pool;
mod program;
mod support;
mod web;
mod zuul;
