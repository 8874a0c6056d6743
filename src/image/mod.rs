//! Images that builds ask for: names, options of image builds, and what a label allows.
//!
//! Owns what can be said of an image without an engine. Never: I/O, an engine's client, a build. Start with [`Reference`].

mod build_words;
mod dockerfile;
mod ignore;
mod record;
mod reference;
mod rules;
mod size;
mod workshop;

pub use build_words::{BuildArgument, BuildWords, WordProblem};
pub use dockerfile::{Dockerfile, DockerfileError, check_trigger};
pub use ignore::{IGNORE_FILE, Ignored};
pub use record::{ImageRecord, RECORDS_MAX};
pub use reference::{Reference, ReferenceError, from_registry, is_variable};
pub use rules::{ImageBuilds, ImageRules};
pub use size::bytes_of;
pub use workshop::{
    BuildFailure, BuildSpec, Built, Committed, Login, PushFailure, ROOM, RoomFacts, RoomSpec, SECRETS,
    Workshop,
};
