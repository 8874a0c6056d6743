//! The tests of the whole program, one module a subject.
//!
//! Each is marked as a test, so that the lints know its helper functions for what they are.

#[cfg(test)]
mod afterwards;
#[cfg(test)]
mod bad_engine;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bad_jobs;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod checkout;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod docker;
#[cfg(test)]
mod docker_engine;
#[cfg(test)]
mod docker_words;
#[cfg(test)]
mod durable;
#[cfg(test)]
mod engine_faults;
#[cfg(test)]
mod events;
#[cfg(test)]
mod failpoints;
#[cfg(test)]
#[allow(dead_code, unused_imports, reason = "each subject uses a part of it")]
mod fake_master;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod gearman;
#[cfg(test)]
mod given;
#[cfg(test)]
mod guard;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod jenkins_exchanges;
#[cfg(test)]
mod jjb;
#[cfg(test)]
mod jjb_cases;
#[cfg(test)]
mod jjb_options;
#[cfg(test)]
mod jjb_random;
#[cfg(test)]
mod keeper;
#[cfg(test)]
mod keeper_process;
#[cfg(test)]
mod keeper_support;
#[cfg(test)]
mod master_builds;
#[cfg(test)]
mod master_client;
#[cfg(test)]
mod masters;
#[cfg(test)]
mod origins;
#[cfg(test)]
mod own_builds;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod program;
#[cfg(test)]
mod reload;
mod rooms;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod shadows;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod stalled;
#[cfg(test)]
mod started;
#[cfg(test)]
mod step_ends;
#[cfg(test)]
#[allow(dead_code, unused_imports, reason = "each subject uses a part of it")]
mod support;
#[cfg(test)]
mod test_reports;
#[cfg(test)]
mod web;
#[cfg(test)]
mod wikimedia;
#[cfg(test)]
mod zuul;
