//! What the engine's failures mean (pools-P26, V4): one table, by status and text.

use bollard::errors::Error;

use crate::pool::provider::ProviderError;

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing would have changed.
    Look,
    /// Something may have changed: a lost answer has to be looked up.
    Change,
    /// Something may have changed, and doing it again does no harm.
    Repeatable,
}

/// Texts by which a failure is known, in the order in which they are looked for.
const TEXTS: &[(&str, Class)] = &[
    ("no space left", Class::Quota),
    ("quota exceeded", Class::Quota),
    ("toomanyrequests", Class::Transient),
    ("too many requests", Class::Transient),
    ("removal of container", Class::Transient),
    ("device or resource busy", Class::Transient),
    ("timeout", Class::Transient),
    ("connection reset", Class::Transient),
    ("connection refused", Class::Transient),
    ("unexpected eof", Class::Transient),
    ("temporary failure", Class::Transient),
    ("could not find an available", Class::Quota),
    ("bind source path does not exist", Class::Permanent),
    ("invalid mount config", Class::Permanent),
    ("manifest unknown", Class::Permanent),
    ("no matching manifest", Class::Permanent),
    ("repository does not exist", Class::Permanent),
    ("unauthorized", Class::Permanent),
    ("no basic auth credentials", Class::Permanent),
    ("access denied", Class::Permanent),
    ("denied:", Class::Permanent),
    ("invalid reference format", Class::Permanent),
    ("not found: manifest", Class::Permanent),
    ("exec format error", Class::Permanent),
    ("executable file not found", Class::Permanent),
    ("unable to find user", Class::Permanent),
    ("unable to find group", Class::Permanent),
    ("--storage-opt", Class::Permanent),
];

#[derive(Debug, Clone, Copy)]
enum Class {
    Quota,
    Transient,
    Permanent,
}

/// The class of a failure, with the engine's own words.
pub(super) fn classify(error: &Error, phase: Phase) -> ProviderError {
    match error {
        Error::DockerResponseServerError { status_code, message } => by_status(*status_code, message),
        Error::DockerStreamError { error } => {
            by_text(error).unwrap_or_else(|| ProviderError::Transient(error.clone()))
        }
        Error::SocketNotFoundError(path) => ProviderError::Transient(format!("{path} does not exist")),
        other => {
            let text = chain(other);
            // A connection that never came about changed nothing.
            let refused = text.contains("onnection refused") || text.contains("No such file");
            if phase == Phase::Change && !refused {
                ProviderError::Ambiguous(text)
            } else {
                ProviderError::Transient(text)
            }
        }
    }
}

/// Whether a name was taken.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code: 409, .. })
}

fn by_status(status: u16, message: &str) -> ProviderError {
    if let Some(known) = by_text(message) {
        return known;
    }
    let text = message.to_owned();
    match status {
        404 => ProviderError::NotFound,
        400 | 401 | 403 | 405 | 422 => ProviderError::Permanent(text),
        _ => ProviderError::Transient(text),
    }
}

fn by_text(message: &str) -> Option<ProviderError> {
    let lower = message.to_lowercase();
    let (_, class) = TEXTS.iter().find(|(text, _)| lower.contains(text))?;
    let text = message.to_owned();
    Some(match class {
        Class::Quota => ProviderError::Quota(text),
        Class::Transient => ProviderError::Transient(text),
        Class::Permanent => ProviderError::Permanent(text),
    })
}

/// An error with its causes: the outermost alone often says only "client error".
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status_code: u16, message: &str) -> &'static str {
        let error = Error::DockerResponseServerError { status_code, message: message.to_owned() };
        match classify(&error, Phase::Change) {
            ProviderError::Quota(_) => "quota",
            ProviderError::Transient(_) => "transient",
            ProviderError::Permanent(_) => "permanent",
            ProviderError::Ambiguous(_) => "ambiguous",
            ProviderError::NotFound => "not found",
        }
    }

    #[test]
    fn pools_p26_the_engines_words_have_classes() {
        let table = [
            (404, "No such container: x", "not found"),
            (404, "No such image: x:1", "not found"),
            (400, "invalid mount config for type \"bind\": bind source path does not exist: /x", "permanent"),
            (500, "Get https://r/v2/: net/http: request canceled (Client.Timeout exceeded)", "transient"),
            (404, "manifest for x:2 not found: manifest unknown: manifest unknown", "permanent"),
            (403, "pull access denied for x, repository does not exist", "permanent"),
            (500, "write /var/lib/docker/tmp/x: no space left on device", "quota"),
            (409, "removal of container x is already in progress", "transient"),
            (500, "driver failed to remove root filesystem: device or resource busy", "transient"),
            (400, "OCI runtime create failed: exec format error", "permanent"),
            (500, "something new", "transient"),
        ];
        for (status, message, expected) in table {
            assert_eq!(class(status, message), expected, "{status} {message}");
        }
    }

    #[test]
    fn pools_p26_a_lost_answer_is_ambiguous_only_where_something_may_have_changed() {
        let lost = Error::RequestTimeoutError;
        assert!(matches!(classify(&lost, Phase::Change), ProviderError::Ambiguous(_)));
        assert!(matches!(classify(&lost, Phase::Look), ProviderError::Transient(_)));
        assert!(matches!(classify(&lost, Phase::Repeatable), ProviderError::Transient(_)));
    }
}
