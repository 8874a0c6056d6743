//! A log in pieces, as Jenkins' `progressiveText` gives it (jenkins-rest 4.3).

use std::io;

use bytes::Bytes;

use super::ConsoleReader;

/// One answer to a reader that asks from a position on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progressive {
    /// The bytes; a character is never cut in two unless it stays incomplete for ever.
    pub bytes: Bytes,
    /// From where to ask next, in bytes of the log: `X-Text-Size`.
    pub size: u64,
    /// Whether there is or will be more: `X-More-Data`.
    pub more: bool,
}

impl Progressive {
    /// The body that Jenkins sends: lines end in CR LF, and what is no UTF-8 is U+FFFD.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let mut body = String::with_capacity(text.len() + text.len() / 32);
        let mut last = '\0';
        for character in text.chars() {
            if character == '\n' && last != '\r' {
                body.push('\r');
            }
            body.push(character);
            last = character;
        }
        body
    }
}

impl ConsoleReader {
    /// What there is from `start` on, at most `max` bytes (four at least) or 1 MiB. A start beyond the end gives the log from
    /// its beginning, as in Jenkins.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn progressive(&self, start: u64, max: usize) -> io::Result<Progressive> {
        // In this order: what is finished has its final length.
        let finished = self.finished();
        let length = self.length();
        let start = if start > length { 0 } else { start };
        let bytes = self.read(start, max.max(4)).await?;
        let read_all = start + bytes.len() as u64 >= length;
        let whole = if finished && read_all { bytes.len() } else { whole_characters(&bytes) };
        let bytes = bytes.slice(..whole);
        let size = start + bytes.len() as u64;
        Ok(Progressive { bytes, size, more: !finished || size < length })
    }
}

/// How many of these bytes to show now: all but a character at their end that has begun and may be completed by what follows.
pub fn whole_characters(bytes: &[u8]) -> usize {
    let back = bytes.iter().rev().take(3).position(|byte| !is_continuation(*byte));
    let Some(start) = back.map(|back| bytes.len() - 1 - back) else {
        return bytes.len();
    };
    let needed = match bytes[start] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    if bytes.len() - start < needed { start } else { bytes.len() }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::console::{Console, Consoles};
    use crate::model::BuildId;
    use crate::sys::SystemClock;

    async fn console(directory: &tempfile::TempDir, bytes: &'static [u8]) -> (Consoles, Console) {
        let consoles = Consoles::open(directory.path(), Arc::new(SystemClock)).unwrap();
        let console = consoles.writer(BuildId::new(1, 1)).await.unwrap();
        console.append(Bytes::from_static(bytes)).await.unwrap();
        (consoles, console)
    }

    #[tokio::test]
    async fn jenkins_4_3_positions_count_bytes_and_more_means_running() {
        let directory = tempfile::tempdir().unwrap();
        let (_consoles, console) = console(&directory, "grün\n".as_bytes()).await;
        let reader = console.reader();
        let part = reader.progressive(0, 1 << 20).await.unwrap();
        assert_eq!((part.text().as_str(), part.size, part.more), ("grün\r\n", 6, true));
        let end = reader.progressive(6, 1 << 20).await.unwrap();
        assert_eq!((end.bytes.len(), end.size, end.more), (0, 6, true));
        console.finish();
        let end = reader.progressive(6, 1 << 20).await.unwrap();
        assert_eq!((end.bytes.len(), end.size, end.more), (0, 6, false));
        let beyond = reader.progressive(7, 1 << 20).await.unwrap();
        assert_eq!((beyond.bytes.len(), beyond.size, beyond.more), (6, 6, false));
    }

    #[tokio::test]
    async fn a_character_is_not_cut_but_a_broken_one_is_given_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let (_consoles, console) = console(&directory, b"abc\xf0\x9f\x98").await;
        let reader = console.reader();
        let part = reader.progressive(0, 1 << 20).await.unwrap();
        assert_eq!((&part.bytes[..], part.size), (&b"abc"[..], 3));
        let nothing = reader.progressive(3, 1 << 20).await.unwrap();
        assert_eq!((nothing.size, nothing.more), (3, true));
        console.finish();
        let rest = reader.progressive(3, 1 << 20).await.unwrap();
        assert_eq!((rest.text().as_str(), rest.size, rest.more), ("\u{fffd}", 6, false));
    }

    #[test]
    fn line_ends_that_are_right_stay() {
        let part = Progressive { bytes: Bytes::from_static(b"a\r\nb\nc\n\n"), size: 0, more: false };
        assert_eq!(part.text(), "a\r\nb\r\nc\r\n\r\n");
    }

    proptest! {
        #[test]
        fn pieces_of_valid_text_are_valid_and_nothing_is_lost(text in "\\PC{0,40}", at in 0usize..160) {
            let at = at.min(text.len());
            let whole = whole_characters(&text.as_bytes()[..at]);
            prop_assert!(std::str::from_utf8(&text.as_bytes()[..whole]).is_ok());
            prop_assert!(at - whole < 4);
        }

        #[test]
        fn no_bytes_hold_back_more_than_three(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert!(bytes.len() - whole_characters(&bytes) < 4);
        }
    }
}
