//! The name of a job, as JJB and Zuul write it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longer names are refused: Gearman's own tools stop at 512 bytes (zuul-gearman 1.3).
const LONGEST: usize = 512;

/// A job's full name, with its folders (`folder/name`). Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobName(Arc<str>);

/// A text that cannot be a job's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("a job's name is empty")]
    Empty,
    /// More than 512 bytes.
    #[error("a job's name has {length} bytes; {LONGEST} are allowed")]
    Long {
        /// Its length in bytes.
        length: usize,
    },
    /// A control character, or a path step that would lead elsewhere.
    #[error("the job's name '{name}' has a control character or a path step '.' or '..'")]
    Unsafe {
        /// The name, control characters escaped.
        name: String,
    },
}

impl JobName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part of the name, behind all folders (`JOB_BASE_NAME`, jjb-T21).
    pub fn base(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl FromStr for JobName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > LONGEST {
            return Err(NameError::Long { length: text.len() });
        }
        let path_step = text.split('/').any(|part| part.is_empty() || part == "." || part == "..");
        if path_step || text.chars().any(char::is_control) {
            return Err(NameError::Unsafe { name: text.escape_debug().to_string() });
        }
        Ok(JobName(text.into()))
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for JobName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "JobName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_folders_are_names() {
        let name: JobName = "ops/puppet-lint".parse().unwrap();
        assert_eq!(name.base(), "puppet-lint");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for text in ["", "/a", "a//b", "a/../b", ".", "a\nb"] {
            assert!(text.parse::<JobName>().is_err(), "{text:?}");
        }
    }
}
