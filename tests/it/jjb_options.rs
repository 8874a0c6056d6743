//! `causeway jobs export` with every option beside the oracle's `run` with the same words (jjb-J130, `contrib/parity`).

use crate::support::{Release, as_job_builder_does};

const PROGRAM: &str = "export_options.py";

#[test]
fn jjb_j130_exports_with_every_option_as_release_4_3_0_reads() {
    as_job_builder_does(Release::Classic, PROGRAM, &[]);
}

#[test]
fn jjb_j130_exports_with_every_option_as_release_6_5_0_reads() {
    as_job_builder_does(Release::Unified, PROGRAM, &[]);
}
