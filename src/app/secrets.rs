//! The secret store of builds: the credentials of the configuration, read where they lie when a build needs them.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::config::{Credential, CredentialKind, SecretError, SecretReference};
use crate::execute::{Secret, SecretFailure, SecretStore};

/// The credentials in force. Cheap to clone; a reload changes all clones.
#[derive(Clone)]
pub(super) struct Credentials(Arc<ArcSwap<Vec<Credential>>>);

impl Credentials {
    /// Those of a configuration.
    pub fn new(credentials: Vec<Credential>) -> Credentials {
        Credentials(Arc::new(ArcSwap::from_pointee(credentials)))
    }

    /// Takes others from now on.
    pub fn set(&self, credentials: Vec<Credential>) {
        self.0.store(Arc::new(credentials));
    }
}

impl SecretStore for Credentials {
    fn secret(&self, id: &str) -> Result<Secret, SecretFailure> {
        let credentials = self.0.load();
        let known = credentials.iter().find(|credential| credential.id == id);
        let credential = known.ok_or(SecretFailure::Unknown)?;
        Ok(match &credential.kind {
            CredentialKind::Text(text) => Secret::Text(revealed(text)?),
            CredentialKind::File(file) => {
                let content = file.reveal_whole().map_err(unreadable)?.expose().to_vec();
                Secret::File { name: name(file, id), content }
            }
            CredentialKind::UserPassword { user, password } => {
                Secret::UserPassword { user: user.clone(), password: revealed(password)? }
            }
            CredentialKind::SshKey { user, key } => {
                Secret::SshKey { user: user.clone(), key: revealed(key)? }
            }
        })
    }
}

fn revealed(reference: &SecretReference) -> Result<Vec<u8>, SecretFailure> {
    Ok(reference.reveal().map_err(unreadable)?.expose().to_vec())
}

fn unreadable(problem: SecretError) -> SecretFailure {
    let source = std::error::Error::source(&problem).map(|source| format!(": {source}"));
    SecretFailure::Unreadable(format!("{problem}{}", source.unwrap_or_default()))
}

/// The name that the file has for the build: its own, else the credential's id.
fn name(reference: &SecretReference, id: &str) -> String {
    let own = match reference {
        SecretReference::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        SecretReference::Environment(_) => None,
    };
    own.unwrap_or_else(|| id.replace(['/', '\0'], "-"))
}
