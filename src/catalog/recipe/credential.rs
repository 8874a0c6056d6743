//! Credentials that a build gets.

use serde::{Deserialize, Serialize};

use super::Place;

/// One binding of the `credentials-binding` wrapper: a secret in variables, masked in every log (jjb 23).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialBinding {
    /// The credential's id in the secret store.
    pub credential: String,
    /// How it is given.
    pub form: BindingForm,
    /// Where it was written.
    pub place: Place,
}

/// How a credential is given to steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BindingForm {
    /// The text itself.
    Text {
        /// The variable.
        variable: String,
    },
    /// The path of a file outside the workspace.
    File {
        /// The variable.
        variable: String,
    },
    /// `user:password` in one variable.
    UserPassword {
        /// The variable.
        variable: String,
    },
    /// User and password in a variable each.
    UserPasswordSeparated {
        /// The user's variable.
        user: String,
        /// The password's variable.
        password: String,
    },
    /// The path of a file with a private ssh key.
    SshKey {
        /// The variable with the key's path.
        key_file: String,
        /// The user's variable.
        user: Option<String>,
        /// The variable for the key's passphrase.
        passphrase: Option<String>,
    },
}
