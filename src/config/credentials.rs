//! `credentials`: the secret store, by the ids that jobs use (jjb-T46).

use super::secret::SecretReference;
use super::section::Section;
use crate::model::Problem;

/// A credential and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its id, as jobs write it.
    pub id: String,
    /// Its kind and where its secret lies.
    pub kind: CredentialKind,
}

/// Kinds of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// One text.
    Text(SecretReference),
    /// The content of a file.
    File(SecretReference),
    /// A user and a password.
    UserPassword {
        /// The user's name.
        user: String,
        /// The password.
        password: SecretReference,
    },
    /// A private ssh key.
    SshKey {
        /// The user's name.
        user: String,
        /// The key.
        key: SecretReference,
    },
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<Credential> {
    let mut credentials: Vec<Credential> = Vec::new();
    for mut section in sections {
        let id = section.need::<String>("id", "jobs name a credential by it");
        let user = section.get::<String>("user").unwrap_or_default();
        let report = section.report();
        let mut secret = |key| Some(section.get::<SecretReference>(key)?.based(|path| report.path(path)));
        let kinds = [
            secret("text").map(CredentialKind::Text),
            secret("file").map(CredentialKind::File),
            secret("password").map(|password| CredentialKind::UserPassword { user: user.clone(), password }),
            secret("ssh_key").map(|key| CredentialKind::SshKey { user: user.clone(), key }),
        ];
        let written = ["text", "file", "password", "ssh_key"]
            .into_iter()
            .filter(|key| section.node(key).is_some())
            .count();
        let kind = kinds.into_iter().flatten().next();
        if written != 1 {
            let message =
                "a credential is exactly one of 'text', 'file', 'password' (with 'user') and 'ssh_key'";
            let problem =
                Problem::error("credential-kind", message).cure("write one of them: text: file:/path");
            section.report().add(section.at(), problem);
        }
        if let Some((id, kind)) = id.zip(kind) {
            if credentials.iter().any(|known| known.id == id) {
                let message = format!("the credential '{id}' is defined twice");
                section
                    .complain("id", Problem::error("duplicate-name", message).cure("remove one of the two"));
            }
            credentials.push(Credential { id, kind });
        }
        section.close();
    }
    credentials
}
