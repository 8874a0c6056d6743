//! Variables that a build gives itself.

use serde::{Deserialize, Serialize};

use super::{Place, ShellStep};

/// The `inject` builder or wrapper (jjb 23): variables from files and from the job, for all that follows; then a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inject {
    /// A file of the workspace with lines of `NAME=VALUE`, perhaps with variables in its path.
    pub file: Option<String>,
    /// Names and values; variables in the values are replaced. They win over the file's.
    pub variables: Vec<(String, String)>,
    /// A script that runs with them; what it exports is lost.
    pub script: Option<ShellStep>,
    /// Where it was written.
    pub place: Place,
}
