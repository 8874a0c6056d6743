//! What a reading is asked to do.

use std::path::PathBuf;

/// Which of Job Builder's two engines to follow (rule jjb-J1). Never guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Dialect {
    /// Releases up to 4.3.0.
    #[default]
    Classic,
    /// Releases from 5.0; as 6.5.0.
    Unified,
}

impl std::str::FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Dialect, UnknownDialect> {
        match text {
            "classic" => Ok(Dialect::Classic),
            "unified" => Ok(Dialect::Unified),
            _ => Err(UnknownDialect(text.to_string())),
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Dialect::Classic => "classic",
            Dialect::Unified => "unified",
        })
    }
}

/// A dialect that does not exist.
#[derive(Debug, Clone, thiserror::Error)]
#[error("'{0}' is no dialect; use classic or unified")]
pub struct UnknownDialect(String);

/// How to read a tree. `Options::default()` is Job Builder 4.3.0 without any option.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which engine.
    pub dialect: Dialect,
    /// A later definition of the same name replaces the earlier with a warning (rule jjb-J51, jjb-J113).
    pub allow_duplicates: bool,
    /// A missing variable is an empty text in contents (rule jjb-J44).
    pub allow_empty_variables: bool,
    /// A job without a description stays without (rule jjb-J111).
    pub keep_descriptions: bool,
    /// Anchors live on into the following files (rule jjb-J25).
    pub retain_anchors: bool,
    /// Folders are read with their sub-folders (rule jjb-J11).
    pub recursive: bool,
    /// Folders that the recursion leaves out; empty means `.*` (rule jjb-J11).
    pub exclude: Vec<String>,
    /// Where include tags look first; empty means the working directory (rule jjb-J31).
    pub include_path: Vec<PathBuf>,
    /// Only jobs and views whose full name matches one of these shell patterns; empty means all (rule jjb-J114).
    pub filters: Vec<String>,
    /// Go on after an error: the job with the error is left out, all others are read (rule jjb-J120).
    pub collect: bool,
    /// Refuse files outside the given paths and the include path (rule jjb-J134).
    pub confine: bool,
    /// Plugin releases of the Jenkins that is meant: pairs of a plugin's name and its version. Some component forms depend on them.
    pub plugins: Vec<(String, String)>,
    /// Bounds that keep hostile input from using up the machine.
    pub limits: Limits,
    /// Threads to use; 0 means as many as there are processors.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            dialect: Dialect::Classic,
            allow_duplicates: false,
            allow_empty_variables: false,
            keep_descriptions: false,
            retain_anchors: false,
            recursive: false,
            exclude: Vec::new(),
            include_path: Vec::new(),
            filters: Vec::new(),
            collect: true,
            confine: false,
            plugins: Vec::new(),
            limits: Limits::default(),
            threads: 0,
        }
    }
}

/// Bounds of a reading. Each is far above what real trees use; past one, a problem says so.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Jobs and views of a tree. The largest known tree has 12,336.
    pub jobs: usize,
    /// How deep lists and mappings may nest.
    pub depth: usize,
    /// Size of one file in bytes.
    pub file_bytes: usize,
    /// Size of one expanded text in bytes.
    pub text_bytes: usize,
    /// Macro calls inside macro calls.
    pub macro_depth: usize,
    /// Values made while expanding one job.
    pub steps: usize,
    /// Combinations of axes that one template may have in one use, excluded ones included.
    pub combinations: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            jobs: 200_000,
            depth: 200,
            file_bytes: 64 << 20,
            text_bytes: 16 << 20,
            macro_depth: 60,
            steps: 2_000_000,
            combinations: 1_000_000,
        }
    }
}
