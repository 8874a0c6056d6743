//! The text protocol's commands (zuul-gearman section 3): a line to a request. Words are told apart by spaces, in any case.

/// A line, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// `status`.
    Status,
    /// `prioritystatus`.
    PriorityStatus,
    /// `workers`.
    Workers,
    /// `show jobs`.
    ShowJobs,
    /// `show unique jobs`.
    ShowUniqueJobs,
    /// `cancel job HANDLE`.
    CancelJob(&'a [u8]),
    /// `version`.
    Version,
    /// `getpid`.
    GetPid,
    /// `verbose`.
    Verbose,
    /// `maxqueue FUNCTION [JOBS]`.
    MaxQueue {
        /// The function.
        function: &'a [u8],
        /// Queued jobs at which submits are refused; none takes the limit away.
        limit: Option<u32>,
    },
    /// `create function FUNCTION`.
    CreateFunction(&'a [u8]),
    /// `drop function FUNCTION`.
    DropFunction(&'a [u8]),
    /// `shutdown`.
    Shutdown,
    /// `acl …`.
    Acl,
    /// Not a command: the answer.
    Invalid(&'static str),
}

/// Understands a line without its end. Never fails: what is not a command has an answer too (zuul-T-1).
pub fn parse(line: &[u8]) -> Request<'_> {
    let mut words = line.split(|byte| *byte == b' ' || *byte == b'\t').filter(|word| !word.is_empty());
    let mut next = || words.next().unwrap_or_default();
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let (first, second, third) = (next(), next(), next());
    match first {
        word if is(word, "status") => Request::Status,
        word if is(word, "prioritystatus") => Request::PriorityStatus,
        word if is(word, "workers") => Request::Workers,
        word if is(word, "version") => Request::Version,
        word if is(word, "getpid") => Request::GetPid,
        word if is(word, "verbose") => Request::Verbose,
        word if is(word, "shutdown") => Request::Shutdown,
        word if is(word, "acl") => Request::Acl,
        word if is(word, "cancel") && is(second, "job") && !third.is_empty() => Request::CancelJob(third),
        word if is(word, "show") && is(second, "jobs") => Request::ShowJobs,
        word if is(word, "show") && is(second, "unique") && is(third, "jobs") => Request::ShowUniqueJobs,
        word if is(word, "create") && is(second, "function") && !third.is_empty() => {
            Request::CreateFunction(third)
        }
        word if is(word, "drop") && is(second, "function") && !third.is_empty() => {
            Request::DropFunction(third)
        }
        word if is(word, "maxqueue") => max_queue(second, third),
        _ => Request::Invalid("ERR UNKNOWN_COMMAND Unknown+server+command\n"),
    }
}

fn max_queue<'a>(function: &'a [u8], limit: &[u8]) -> Request<'a> {
    let number = || std::str::from_utf8(limit).ok().and_then(|text| text.parse::<i64>().ok());
    match (function, limit) {
        ([], _) => Request::Invalid(
            "ERR INVALID_ARGUMENTS An+incomplete+set+of+arguments+was+sent+to+this+command\n",
        ),
        (_, []) => Request::MaxQueue { function, limit: None },
        // gearmand takes zero and less for "no limit".
        _ => match number() {
            Some(jobs) => {
                Request::MaxQueue { function, limit: u32::try_from(jobs).ok().filter(|jobs| *jobs > 0) }
            }
            None => Request::Invalid("ERR INVALID_ARGUMENTS The+limit+is+not+a+number\n"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zuul_t_1_understands_every_line() {
        assert_eq!(parse(b"status"), Request::Status);
        assert_eq!(parse(b"STATUS "), Request::Status);
        assert_eq!(parse(b"cancel job H:1:2"), Request::CancelJob(b"H:1:2"));
        assert_eq!(parse(b"show unique jobs"), Request::ShowUniqueJobs);
        assert_eq!(parse(b"maxqueue f 10"), Request::MaxQueue { function: b"f", limit: Some(10) });
        assert_eq!(parse(b"maxqueue f -1"), Request::MaxQueue { function: b"f", limit: None });
        assert_eq!(parse(b"create function build:x"), Request::CreateFunction(b"build:x"));
        for line in
            [&b""[..], b"cancel job", b"cancel", b"maxqueue", b"\xff\xfe", b"statusfoo", b"GET / HTTP/1.1"]
        {
            assert!(
                matches!(parse(line), Request::Invalid(answer) if answer.starts_with("ERR ")),
                "{line:?}"
            );
        }
    }
}
