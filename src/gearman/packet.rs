//! Packet types and headers: what stands in the twelve bytes before a body (zuul-gearman 1.1 and 1.2).

/// First four bytes of a packet towards the server.
pub const MAGIC_REQUEST: [u8; 4] = *b"\0REQ";
/// First four bytes of a packet from the server.
pub const MAGIC_RESPONSE: [u8; 4] = *b"\0RES";
/// Length of magic, type and size.
pub const HEADER_LEN: usize = 12;

macro_rules! kinds {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// The number of each packet type that this server knows.
        pub mod kind {
            $(#[doc = concat!("Type ", stringify!($number), ": `", $text, "`.")] pub const $name: u32 = $number;)*
        }
        /// The protocol's name of a packet type; none for a type we do not know.
        pub fn name_of(kind: u32) -> Option<&'static str> {
            match kind {
                $($number => Some($text),)*
                _ => None,
            }
        }
    };
}

kinds! {
    CAN_DO = 1, "CAN_DO";
    CANT_DO = 2, "CANT_DO";
    RESET_ABILITIES = 3, "RESET_ABILITIES";
    PRE_SLEEP = 4, "PRE_SLEEP";
    NOOP = 6, "NOOP";
    SUBMIT_JOB = 7, "SUBMIT_JOB";
    JOB_CREATED = 8, "JOB_CREATED";
    GRAB_JOB = 9, "GRAB_JOB";
    NO_JOB = 10, "NO_JOB";
    JOB_ASSIGN = 11, "JOB_ASSIGN";
    WORK_STATUS = 12, "WORK_STATUS";
    WORK_COMPLETE = 13, "WORK_COMPLETE";
    WORK_FAIL = 14, "WORK_FAIL";
    GET_STATUS = 15, "GET_STATUS";
    ECHO_REQ = 16, "ECHO_REQ";
    ECHO_RES = 17, "ECHO_RES";
    SUBMIT_JOB_BG = 18, "SUBMIT_JOB_BG";
    ERROR = 19, "ERROR";
    STATUS_RES = 20, "STATUS_RES";
    SUBMIT_JOB_HIGH = 21, "SUBMIT_JOB_HIGH";
    SET_CLIENT_ID = 22, "SET_CLIENT_ID";
    CAN_DO_TIMEOUT = 23, "CAN_DO_TIMEOUT";
    ALL_YOURS = 24, "ALL_YOURS";
    WORK_EXCEPTION = 25, "WORK_EXCEPTION";
    OPTION_REQ = 26, "OPTION_REQ";
    OPTION_RES = 27, "OPTION_RES";
    WORK_DATA = 28, "WORK_DATA";
    WORK_WARNING = 29, "WORK_WARNING";
    GRAB_JOB_UNIQ = 30, "GRAB_JOB_UNIQ";
    JOB_ASSIGN_UNIQ = 31, "JOB_ASSIGN_UNIQ";
    SUBMIT_JOB_HIGH_BG = 32, "SUBMIT_JOB_HIGH_BG";
    SUBMIT_JOB_LOW = 33, "SUBMIT_JOB_LOW";
    SUBMIT_JOB_LOW_BG = 34, "SUBMIT_JOB_LOW_BG";
    SUBMIT_JOB_SCHED = 35, "SUBMIT_JOB_SCHED";
    SUBMIT_JOB_EPOCH = 36, "SUBMIT_JOB_EPOCH";
    SUBMIT_REDUCE_JOB = 37, "SUBMIT_REDUCE_JOB";
    SUBMIT_REDUCE_JOB_BACKGROUND = 38, "SUBMIT_REDUCE_JOB_BACKGROUND";
    GRAB_JOB_ALL = 39, "GRAB_JOB_ALL";
    JOB_ASSIGN_ALL = 40, "JOB_ASSIGN_ALL";
    GET_STATUS_UNIQUE = 41, "GET_STATUS_UNIQUE";
    STATUS_RES_UNIQUE = 42, "STATUS_RES_UNIQUE";
    MASS_DO = 101, "MASS_DO";
}

/// Precedence of a job. The order of the variants is the order of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Served before all others.
    High,
    /// Served when no high job waits.
    Normal,
    /// Served when nothing else waits.
    Low,
}

impl Level {
    /// All levels, in the order of service.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The packet type that submits a foreground job of this level.
    pub fn submit_kind(self) -> u32 {
        match self {
            Self::High => kind::SUBMIT_JOB_HIGH,
            Self::Normal => kind::SUBMIT_JOB,
            Self::Low => kind::SUBMIT_JOB_LOW,
        }
    }

    /// Position in [`Level::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

/// Appends a header for a body of `size` bytes.
fn put_header(out: &mut Vec<u8>, magic: [u8; 4], kind: u32, size: usize) {
    let mut header = [0; HEADER_LEN];
    header[..4].copy_from_slice(&magic);
    header[4..8].copy_from_slice(&kind.to_be_bytes());
    // Bodies are limited far below four gibibytes before they get here.
    header[8..].copy_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&header);
}

fn put(out: &mut Vec<u8>, magic: [u8; 4], kind: u32, arguments: &[&[u8]]) {
    let size =
        arguments.iter().map(|argument| argument.len()).sum::<usize>() + arguments.len().saturating_sub(1);
    out.reserve(HEADER_LEN + size);
    put_header(out, magic, kind, size);
    for (position, argument) in arguments.iter().enumerate() {
        if position > 0 {
            out.push(0);
        }
        out.extend_from_slice(argument);
    }
}

/// Appends a packet from the server: its arguments joined by NUL bytes.
pub fn put_response(out: &mut Vec<u8>, kind: u32, arguments: &[&[u8]]) {
    put(out, MAGIC_RESPONSE, kind, arguments);
}

/// Appends a packet towards the server: its arguments joined by NUL bytes.
pub fn put_request(out: &mut Vec<u8>, kind: u32, arguments: &[&[u8]]) {
    put(out, MAGIC_REQUEST, kind, arguments);
}

/// Splits a body into exactly `N` arguments, from the left; the last may hold NUL bytes. None when there are fewer.
pub fn arguments<const N: usize>(body: &[u8]) -> Option<[&[u8]; N]> {
    let mut found: [&[u8]; N] = [&[]; N];
    let mut rest = body;
    for slot in found.iter_mut().take(N.saturating_sub(1)) {
        let end = memchr::memchr(0, rest)?;
        *slot = &rest[..end];
        rest = &rest[end + 1..];
    }
    if let Some(last) = found.last_mut() {
        *last = rest;
    }
    Some(found)
}

/// Cuts one trailing NUL off a last argument that is a handle: gearmand 1.1.20 sends such packets (zuul-B-7).
pub fn without_trailing_nul(argument: &[u8]) -> &[u8] {
    argument.strip_suffix(b"\0").unwrap_or(argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zuul_b_splits_from_the_left_and_keeps_nuls_in_the_last_argument() {
        assert_eq!(arguments::<3>(b"f\0u\0A\0B\0"), Some([&b"f"[..], b"u", b"A\0B\0"]));
        assert_eq!(arguments::<2>(b"only"), None);
        assert_eq!(arguments::<1>(b""), Some([&b""[..]]));
    }

    #[test]
    fn zuul_b_7_cuts_a_handle_at_a_trailing_nul() {
        assert_eq!(without_trailing_nul(b"H:vm:4\0"), b"H:vm:4");
        assert_eq!(without_trailing_nul(b"H:vm:4"), b"H:vm:4");
    }

    #[test]
    fn a_packet_is_written_as_captured_from_the_plugin() {
        let mut out = Vec::new();
        put_request(&mut out, kind::CAN_DO, &[b"build:lint"]);
        assert_eq!(out, b"\0REQ\0\0\0\x01\0\0\0\x0abuild:lint");
        out.clear();
        put_response(&mut out, kind::WORK_STATUS, &[b"H:1", b"7", b"-1"]);
        assert_eq!(out, b"\0RES\0\0\0\x0c\0\0\0\x08H:1\x007\x00-1");
    }
}
