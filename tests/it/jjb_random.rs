//! Random trees through the real Job Builder and through ours (contrib/parity). Thousands of seeds are run by hand;
//! some hundred show here that nothing has come apart.

use crate::support::{Release, as_job_builder_does};

const PROGRAM: &str = "random_parity.py";
/// Seeds of a dialect, and the time after which no other is begun.
const ARGUMENTS: &[&str] = &["--inside", "--seeds", "200", "--seconds", "40"];

#[test]
fn jjb_j132_random_trees_read_as_release_4_3_0_reads_them() {
    as_job_builder_does(Release::Classic, PROGRAM, ARGUMENTS);
}

#[test]
fn jjb_j132_random_trees_read_as_release_6_5_0_reads_them() {
    as_job_builder_does(Release::Unified, PROGRAM, ARGUMENTS);
}
