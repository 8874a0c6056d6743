//! The jobs we know: component tree → [`recipe::Recipe`], with its problems; reload without a gap.
//!
//! Owns the translation of what Job Builder YAML says into what `execute` runs. What is not understood is a problem with file,
//! line and reason, and such a job is not owned (design A9). Start with [`CatalogHandle`]; [`Tree`] is a reading without a server.
//! Never: running anything, knowing who submitted a build.

mod config;
pub mod cron;
mod finding;
mod handle;
mod layout;
mod loaded;
mod pattern;
mod plan;
pub mod properties;
pub mod recipe;
mod targets;
mod translate;
mod tree;

pub use config::{CatalogConfig, Reading, Site};
pub use finding::{Finding, Verdict, Weight};
pub use handle::{CatalogHandle, ReloadReport};
pub use layout::LayoutUses;
pub use loaded::{Catalog, Entry};
pub use pattern::{NamePatterns, matches};
pub use plan::{Plan, PlannedJob, ReasonGroup};
pub use tree::{OpenTree, Tree, TreeJob};
