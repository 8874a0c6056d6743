//! Secrets never reach a log (pools-D47): every byte of one becomes `*` before it is stored.
//!
//! A masked text is as long as it was. So an offset in a console still is an offset in the step's own log, and whoever takes a
//! log up after a crash needs no other knowledge than that offset. Which byte is masked depends on the bytes around it alone.

mod forms;
mod stream;
mod table;

use std::sync::Arc;

pub use stream::Masker;
use table::Table;

/// All secrets of one build together. Each becomes some twenty patterns; memory is bounded by this.
const SECRETS_MAX: usize = 64 * 1024;

/// The secrets of one build are larger than what can be looked for in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secrets of a build are {size} bytes in all; {SECRETS_MAX} can be kept out of its log")]
pub struct TooMuch {
    /// Their size in bytes.
    size: usize,
}

/// What is kept out of a build's log. Cheap to clone.
#[derive(Clone, Default)]
pub struct Masks {
    table: Option<Arc<Table>>,
}

impl Masks {
    /// Masks for these secrets, in plain and in the encodings that a log shows (base64, URL, shell, JSON, XML).
    ///
    /// # Errors
    /// When there is more than can be looked for.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Result<Masks, TooMuch> {
        let secrets: Vec<&[u8]> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
        let size = secrets.iter().map(|secret| secret.len()).sum();
        if size > SECRETS_MAX {
            return Err(TooMuch { size });
        }
        let patterns: Vec<Vec<u8>> = secrets.into_iter().flat_map(forms::of).collect();
        Ok(Masks { table: (!patterns.is_empty()).then(|| Arc::new(Table::new(&patterns))) })
    }

    /// A text of ours, masked.
    pub fn hide(&self, text: &str) -> String {
        let Some(table) = &self.table else { return text.to_owned() };
        let mut bytes = text.as_bytes().to_vec();
        table.mask(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether a text holds a secret.
    pub fn found_in(&self, text: &str) -> bool {
        self.table.as_ref().is_some_and(|table| table.mask(&mut text.as_bytes().to_vec()))
    }

    /// How many bytes before an offset decide together with those behind it what is masked there.
    pub fn reach(&self) -> u64 {
        self.table.as_ref().map_or(0, |table| table.longest().saturating_sub(1) as u64)
    }
}

/// Never shows what it looks for.
impl std::fmt::Debug for Masks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Masks(…)")
    }
}

#[cfg(test)]
mod tests;
