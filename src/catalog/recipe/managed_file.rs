//! Files that a build gets from the configuration.

use serde::{Deserialize, Serialize};

use super::Place;

/// One file of the `config-file-provider` wrapper (jjb 23): kept in the secret store, since such files hold passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedFile {
    /// Its id in the secret store.
    pub id: String,
    /// Where it goes in the workspace, perhaps with variables; empty: beside it. One that ends in `/` is a folder.
    pub target: String,
    /// The variable that gets its path; empty: none.
    pub variable: String,
    /// Where it was written.
    pub place: Place,
}
