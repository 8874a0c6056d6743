//! How a tree of Job Builder YAML is read: the options that several commands share.

use std::path::PathBuf;

use clap::Args;
use jjb_compat::{Dialect, FileSystem, Options};
use serde::Deserialize;

use super::failure::{Failure, Kind};
use crate::sys;

/// Options of reading; their names are Job Builder's.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// Which of Job Builder's engines to follow: classic (to 4.3.0) or unified (from 5.0)
    #[arg(long, default_value_t = Dialect::Classic)]
    dialect: Dialect,
    /// Only jobs whose name matches this shell pattern (may be given again)
    #[arg(long, value_name = "GLOB")]
    filter: Vec<String>,
    /// Read sub-folders too
    #[arg(long)]
    recursive: bool,
    /// Leave folders of this name or path out (may be given again)
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Where include tags look first (may be given again)
    #[arg(long, value_name = "DIR")]
    include_path: Vec<PathBuf>,
    /// A YAML list of plugins: `shortName`, `longName`, `version`
    #[arg(long, value_name = "FILE")]
    plugins_info: Option<PathBuf>,
    /// A later definition of the same name replaces the earlier
    #[arg(long)]
    allow_duplicates: bool,
    /// A missing variable is an empty text
    #[arg(long)]
    allow_empty_variables: bool,
    /// A job without a description stays without one
    #[arg(long)]
    keep_descriptions: bool,
    /// Anchors live on into the following files
    #[arg(long)]
    retain_anchors: bool,
}

/// An entry of a plugin list. Job Builder finds a plugin by either of its names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plugin {
    short_name: Option<String>,
    long_name: Option<String>,
    version: Option<serde_yaml::Value>,
}

impl Plugin {
    fn pairs(self) -> impl Iterator<Item = (String, String)> {
        let version = match self.version {
            Some(serde_yaml::Value::String(text)) => text,
            Some(serde_yaml::Value::Number(number)) => number.to_string(),
            _ => "0".to_owned(),
        };
        [self.short_name, self.long_name].into_iter().flatten().map(move |name| (name, version.clone()))
    }
}

/// The disk as the reader sees it.
pub(super) fn disk() -> FileSystem {
    sys::variable("HOME").map_or_else(FileSystem::new, |home| FileSystem::with_home(home.into()))
}

impl Reading {
    /// As the reader takes them; with `collect` it goes on after an error.
    pub(super) fn options(&self, collect: bool) -> Result<Options, Failure> {
        Ok(Options {
            dialect: self.dialect,
            allow_duplicates: self.allow_duplicates,
            allow_empty_variables: self.allow_empty_variables,
            keep_descriptions: self.keep_descriptions,
            retain_anchors: self.retain_anchors,
            recursive: self.recursive,
            exclude: self.exclude.clone(),
            include_path: self.include_path.clone(),
            filters: self.filter.clone(),
            collect,
            plugins: self.plugins()?,
            ..Options::default()
        })
    }

    fn plugins(&self) -> Result<Vec<(String, String)>, Failure> {
        let Some(path) = &self.plugins_info else { return Ok(Vec::new()) };
        let unusable = |why: String| {
            Failure::new(Kind::Usage, format!("{} is no list of plugins: {why}", path.display()))
                .hint("write a YAML list of mappings with shortName and version")
        };
        let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
        let list: Vec<Plugin> = serde_yaml::from_str(&text).map_err(|error| unusable(error.to_string()))?;
        Ok(list.into_iter().flat_map(Plugin::pairs).collect())
    }
}
