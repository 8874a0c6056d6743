//! The jobs we know: component tree → [`recipe::Recipe`], with its problems; reload without a gap.
//!
//! Owns the translation of what Job Builder YAML says into what `execute` runs. What is not understood is a problem with file,
//! line and reason, and such a job is not owned (design A9). Never: running anything, knowing who submitted a build.

mod config;
mod pattern;
pub mod recipe;

pub use config::{CatalogConfig, Reading};
pub use pattern::NamePatterns;
