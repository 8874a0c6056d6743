//! The tests of the whole program, one module a subject.

mod bad_input;
mod bad_jobs;
mod catalog;
#[cfg(test)]
mod cli;
mod crash;
mod full_disk;
mod gearman;
mod jjb;
mod program;
#[allow(dead_code, unused_imports, reason = "several subjects use it, and they land one after the other")]
mod support;
#[cfg(test)]
mod web;
mod zuul;

#[cfg(test)]
mod docker;
#[cfg(test)]
mod docker_engine;
mod durable;
#[cfg(test)]
mod keeper;
mod keeper_process;
mod keeper_support;
mod own_builds;
mod pool;
