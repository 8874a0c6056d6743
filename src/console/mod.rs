//! The logs of builds: appended once, read by offset by any number of readers.
//!
//! One directory per build below [`Consoles`], with three files: `console` (the bytes as they came, nothing else),
//! `times` (when which offset was written, pools-D48) and, only when a full disk made us drop something, `gaps`. **The file is
//! the truth**: after any kind of end its length says how much was kept. Never: a limit on what comes (the keeper sets it,
//! pools-D44), a reader that slows the writer (pools-D41), a byte changed on its way (pools-D42)
//! but for secrets, which [`Masks`] keep out (pools-D47).
//!
//! Start with [`Consoles`]. [`Progressive`] is what Jenkins' `progressiveText` answers; [`AnsiHtml`] shows bytes as HTML.

mod ansi;
mod consoles;
mod gaps;
mod live;
mod mask;
mod progressive;
mod reader;
mod tail;
#[cfg(test)]
mod tests;
mod ticker;
mod times;
mod writer;

pub use ansi::AnsiHtml;
pub use consoles::{Console, Consoles};
pub use mask::{Masker, Masks, TooMuch};
pub use progressive::{Progressive, whole_characters};
pub use reader::ConsoleReader;
pub use times::LineTimes;
