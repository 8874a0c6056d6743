//! Mail about a build.

use serde::{Deserialize, Serialize};

use super::Place;

/// The `email-ext` publisher (jjb 23): one mail, by the result so far. Variables in its texts are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Addresses, separated by blanks or commas.
    pub recipients: String,
    /// Where answers go; empty: to the sender.
    pub reply_to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Whether the text is HTML.
    pub html: bool,
    /// The results with which it is sent (Jenkins' words).
    pub on: Vec<String>,
    /// Where it was written.
    pub place: Place,
}
