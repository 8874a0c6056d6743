//! What several tests need: the real program as a child, waiting, places outside the repository, snapshots.

mod engine;
mod harness;
mod house;
mod http;
mod oracle;
mod places;
mod program;
mod redact;
mod wait;

pub use engine::{IMAGE, OwnEngine, engine, import_busybox};
pub use harness::Zuul;
pub use house::{House, On, submit};
pub use http::{get, try_get};
pub use oracle::{Release, as_job_builder_does};
pub use places::{jjb_python, not_run, repository, shared};
pub use program::{Finished, Program, Serve, run, run_with};
pub use redact::filters;
pub(crate) use redact::{reads, says};
pub use wait::{until, within};
