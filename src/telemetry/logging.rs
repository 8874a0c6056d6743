//! Log lines: text or JSON, always on the standard error output, so that the standard output stays for data.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// What is logged when nothing is asked for.
pub const DEFAULT_FILTER: &str = "info";

/// How to log.
#[derive(Debug, Clone, Default)]
pub struct Logging {
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Which lines, in the syntax of `tracing`: `info`, `causeway::pool=debug,warn`. Empty: [`DEFAULT_FILTER`].
    pub filter: String,
    /// Never colours, even on a terminal.
    pub no_colour: bool,
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is not in the syntax.
    #[error("the log filter '{filter}' is not valid")]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// What the parser says.
        #[source]
        source: ParseError,
    },
    /// Something in this process logs already.
    #[error("logging was set up before")]
    Twice,
}

/// Sends log lines of the whole process to the standard error output from now on.
///
/// # Errors
/// When the filter is not valid or logging was set up before.
pub fn start(logging: &Logging) -> Result<(), LoggingError> {
    let filter = if logging.filter.is_empty() { DEFAULT_FILTER } else { &logging.filter };
    let filter = EnvFilter::try_new(filter)
        .map_err(|source| LoggingError::Filter { filter: logging.filter.clone(), source })?;
    let colour = !logging.no_colour && std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false);
    let started = if logging.json { lines.json().flatten_event(true).try_init() } else { lines.try_init() };
    started.map_err(|_| LoggingError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_filter_is_named() {
        let logging = Logging { filter: "info,=debug=x".into(), ..Logging::default() };
        let error = start(&logging).unwrap_err();
        assert_eq!(error.to_string(), "the log filter 'info,=debug=x' is not valid");
    }
}
