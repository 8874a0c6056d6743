//! A master's log as our console has it: LF for CRLF, no line lost and none twice.

use bytes::{Bytes, BytesMut};

/// Turns the CRLF of progressive text into LF (jenkins-rest 4.3). `pending`: the part before ended in a carriage return whose line
/// feed may still come; it is held back until that is known. A carriage return alone is a progress bar's and stays.
pub(super) fn with_line_feeds(text: &[u8], pending: &mut bool) -> Bytes {
    let mut out = BytesMut::with_capacity(text.len() + 1);
    for byte in text {
        if *pending && *byte != b'\n' {
            out.extend_from_slice(b"\r");
        }
        *pending = *byte == b'\r';
        if !*pending {
            out.extend_from_slice(&[*byte]);
        }
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jenkins_4_3_line_ends_come_out_the_same_wherever_the_log_is_cut() {
        let text = b"one\r\ntwo\rthree\r\r\n\nfour\r\n";
        for cut in 0..=text.len() {
            let mut pending = false;
            let parts =
                [with_line_feeds(&text[..cut], &mut pending), with_line_feeds(&text[cut..], &mut pending)];
            assert_eq!(parts.concat(), b"one\ntwo\rthree\r\n\nfour\n", "cut at {cut}");
            assert!(!pending);
        }
    }
}
