//! Secrets by reference: the configuration says where one lies, never what it is (pools-D91).

use std::fmt;
use std::path::PathBuf;

use super::value::{Fault, Setting};

/// A larger secret is refused: keys and tokens have a few kilobytes.
const LARGEST: u64 = 1 << 20;

/// Where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    /// In a file: `file:/etc/causeway/token`.
    File(PathBuf),
    /// In an environment variable: `env:CAUSEWAY_TOKEN`.
    Environment(String),
}

/// A secret's content. It never shows itself in messages and logs.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Vec<u8>);

/// A secret that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read.
    #[error("the secret's file {} cannot be read", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Its file has more than a mebibyte.
    #[error("the secret's file {} has more than 1 MiB", .path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// Its variable is not set, or is no text.
    #[error("the environment variable {name} is not set")]
    Environment {
        /// The variable.
        name: String,
    },
}

impl SecretReference {
    /// The same reference with a relative path changed.
    pub(super) fn based(self, base: impl FnOnce(PathBuf) -> PathBuf) -> SecretReference {
        match self {
            SecretReference::File(path) => SecretReference::File(base(path)),
            SecretReference::Environment(name) => SecretReference::Environment(name),
        }
    }

    /// Reads the secret. A line break at the end of a file does not belong to it.
    ///
    /// # Errors
    /// When the file cannot be read or the variable is not set.
    pub fn reveal(&self) -> Result<SecretText, SecretError> {
        let SecretText(mut bytes) = self.reveal_whole()?;
        if matches!(self, SecretReference::File(_)) && bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        Ok(SecretText(bytes))
    }

    /// Reads the secret with every byte that is there, for one that is a file itself.
    ///
    /// # Errors
    /// When the file cannot be read or the variable is not set.
    pub fn reveal_whole(&self) -> Result<SecretText, SecretError> {
        match self {
            SecretReference::File(path) => {
                let failed = |source| SecretError::File { path: path.clone(), source };
                let size = std::fs::metadata(path).map_err(failed)?.len();
                if size > LARGEST {
                    return Err(SecretError::Large { path: path.clone() });
                }
                Ok(SecretText(std::fs::read(path).map_err(failed)?))
            }
            SecretReference::Environment(name) => std::env::var(name)
                .map(|text| SecretText(text.into_bytes()))
                .map_err(|_| SecretError::Environment { name: name.clone() }),
        }
    }
}

impl SecretText {
    /// The content. Take care where it goes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretText(…)")
    }
}

impl Setting for SecretReference {
    const HIDDEN: bool = true;

    fn read(text: &str, _plain: bool) -> Result<SecretReference, Fault> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(SecretReference::File(PathBuf::from(path))),
            Some(("env", name)) if !name.is_empty() => Ok(SecretReference::Environment(name.to_owned())),
            _ => Err(Fault::new(
                "a secret is given by where it lies, never by itself",
                "write file:/path/of/a/file or env:NAME_OF_A_VARIABLE",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_and_never_shown() {
        assert_eq!(
            SecretReference::read("file:/etc/x", true).unwrap(),
            SecretReference::File("/etc/x".into())
        );
        assert_eq!(SecretReference::read("env:X", true).unwrap(), SecretReference::Environment("X".into()));
        for text in ["hunter2", "file:", "env:", ""] {
            assert!(SecretReference::read(text, true).is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", SecretText(b"hunter2".to_vec())), "SecretText(…)");
    }

    #[test]
    fn a_line_break_at_the_end_of_a_file_is_not_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "a\nb\n").unwrap();
        let secret = SecretReference::File(path);
        assert_eq!(secret.reveal().unwrap().expose(), b"a\nb");
        assert_eq!(secret.reveal_whole().unwrap().expose(), b"a\nb\n");
        assert!(SecretReference::File(folder.path().join("gone")).reveal().is_err());
    }
}
