//! Job Builder's own cases through its release and through ours (jjb-J132, contrib/parity). All of them are run by hand; some show
//! here that nothing has come apart.

use crate::support::{Release, as_job_builder_does, shared};

const PROGRAM: &str = "jjb_cases.py";

#[track_caller]
fn cases(release: Release, of: &str, every: &str) {
    let Some(shared) = shared() else { return };
    let folder = shared.join("corpora/jjb-cases").join(of);
    let folder = folder.to_str().expect("a path in UTF-8");
    as_job_builder_does(release, PROGRAM, &["--cases", folder, "--every", every]);
}

#[test]
fn jjb_j132_cases_of_release_4_3_0_read_as_it_reads_them() {
    cases(Release::Classic, "4.3.0", "8");
}

#[test]
fn jjb_j132_cases_of_release_6_5_0_read_as_it_reads_them() {
    cases(Release::Unified, "6.5.0", "40");
}
