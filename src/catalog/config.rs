//! What the catalogue is told.

use std::path::PathBuf;

use jjb_compat::Dialect;

use super::pattern::{NamePatterns, matches};
use crate::pool::{LabelSet, ProviderLimits};

/// Where the jobs are written, how they are read, and which of them are ours. Checked before it gets here.
#[derive(Debug, Clone, Default)]
pub struct CatalogConfig {
    /// Files and folders of Job Builder YAML.
    pub paths: Vec<PathBuf>,
    /// How the tree is read.
    pub reading: Reading,
    /// The names of the jobs that Causeway runs.
    pub own: NamePatterns,
    /// The names of jobs that are not started by others any more: what they do is not wanted, or done in another way (jjb-T44).
    pub leave_out: NamePatterns,
    /// The shell for steps without `#!`: words, to which `-xe` is added (jjb-T11).
    pub default_shell: Vec<String>,
    /// Variables of the server, for all jobs (jjb-T43).
    pub variables: Vec<(String, String)>,
    /// First build numbers: the first pattern that takes a job's name counts (zuul-8.2).
    pub first_numbers: Vec<(String, u64)>,
    /// What the site has; `None` without a configuration: then what a job needs of it is a difference and no reason to stay.
    pub site: Option<Site>,
}

/// What jobs can ask of a site.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Site {
    /// Its labels and the names that stand for them.
    pub labels: LabelSet,
    /// Its providers.
    pub providers: Vec<ProviderLimits>,
    /// The ids of its credentials.
    pub credentials: Vec<String>,
    /// Whether it has a mail server.
    pub mail: bool,
}

impl CatalogConfig {
    /// The first number of a job's builds; 1 unless it is set.
    pub fn first_number(&self, job: &str) -> u64 {
        self.first_numbers.iter().find(|(pattern, _)| matches(pattern, job)).map_or(1, |(_, number)| *number)
    }

    /// Whether jobs come out the same by the other configuration.
    pub(super) fn translates_like(&self, other: &CatalogConfig) -> bool {
        // All fields by name: whoever adds one has to say here whether a job's translation depends on it.
        let CatalogConfig {
            paths,
            reading,
            own: _,
            leave_out,
            default_shell,
            variables,
            first_numbers: _,
            site,
        } = self;
        *paths == other.paths
            && *reading == other.reading
            && *leave_out == other.leave_out
            && *default_shell == other.default_shell
            && *variables == other.variables
            && *site == other.site
    }

    /// The shell's words; `/bin/sh` unless it is set (jjb-T11).
    pub fn shell(&self) -> Vec<String> {
        if self.default_shell.is_empty() { vec!["/bin/sh".to_owned()] } else { self.default_shell.clone() }
    }
}

/// How a tree of Job Builder YAML is read: its options by their own names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Which of the two engines is followed (jjb-J1).
    pub dialect: Dialect,
    /// Where include tags look first.
    pub include_path: Vec<PathBuf>,
    /// A later definition of the same name replaces the earlier.
    pub allow_duplicates: bool,
    /// A missing variable is an empty text.
    pub allow_empty_variables: bool,
    /// Anchors live on into the following files.
    pub retain_anchors: bool,
    /// Folders are read with their sub-folders.
    pub recursive: bool,
    /// Folders that the recursion leaves out.
    pub exclude: Vec<String>,
    /// Plugin releases, by which some components have other forms.
    pub plugins: Vec<(String, String)>,
}
