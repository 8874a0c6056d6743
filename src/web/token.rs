//! The token that a change needs (decision 23): made by `serve`, readable only by its owner.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use sha2::{Digest, Sha256};

use crate::sys::Clock;

/// Its name in the state directory.
pub const FILE: &str = "token";
/// A shorter text was not made by us: 256 bits in hexadecimal digits.
const SHORTEST: usize = 32;

/// A token could not be made or read.
#[derive(Debug, thiserror::Error)]
#[error("the token file {} cannot be made or read", path.display())]
pub struct TokenError {
    /// The file.
    pub path: PathBuf,
    /// The system's words.
    #[source]
    pub source: io::Error,
}

/// The token, kept as its hash: comparing takes the same time wherever two tokens differ.
#[derive(Clone)]
pub struct Token {
    hash: [u8; 32],
}

impl Token {
    /// The token of that text.
    pub fn new(text: &str) -> Token {
        Token { hash: Sha256::digest(text).into() }
    }

    /// Reads the state directory's token, or makes it (mode 0600).
    ///
    /// # Errors
    /// When the file can be neither read nor made.
    pub fn of(state: &Path, clock: &dyn Clock) -> Result<Token, TokenError> {
        let path = state.join(FILE);
        read_or_make(&path, clock).map(|text| Token::new(&text)).map_err(|source| TokenError { path, source })
    }

    /// Whether `offered` is the token.
    pub fn matches(&self, offered: &str) -> bool {
        let offered: [u8; 32] = Sha256::digest(offered).into();
        let difference = self.hash.iter().zip(offered).fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
        difference == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token")
    }
}

fn read_or_make(path: &Path, clock: &dyn Clock) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= SHORTEST => {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            Ok(text.trim().to_owned())
        }
        Ok(_) => make(path, clock),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, clock),
        Err(error) => Err(error),
    }
}

fn make(path: &Path, clock: &dyn Clock) -> io::Result<String> {
    let text: String = (0..4).map(|_| format!("{:016x}", clock.random())).collect();
    let fresh = path.with_extension("new");
    // Removed first: a file that is there already would keep its mode.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::SystemClock;

    #[test]
    fn decision_23_the_token_is_made_once_and_is_private() {
        let state = tempfile::tempdir().unwrap();
        let made = Token::of(state.path(), &SystemClock).unwrap();
        let path = state.path().join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(made.matches(text.trim()));
        assert!(!made.matches("") && !made.matches(&text.trim()[1..]));
        assert!(Token::of(state.path(), &SystemClock).unwrap().matches(text.trim()));
    }
}
