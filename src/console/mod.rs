//! The logs of builds: appended once, read by offset by any number of readers.
//!
//! One directory per build below [`Consoles`], with three files: `console` (the bytes as they came, nothing else),
//! `times` (when which offset was written, pools-D48) and, only when a full disk made us drop something, `gaps`. **The file is
//! the truth**: after any kind of end its length says how much was kept. Never: a limit on what comes (the keeper sets it,
//! pools-D44), a reader that slows the writer (pools-D41), a byte changed on its way (pools-D42).
//!
//! Start with [`Consoles`].

mod consoles;
mod gaps;
mod live;
mod reader;
mod tail;
#[cfg(test)]
mod tests;
mod ticker;
mod times;
mod writer;

pub use consoles::{Console, Consoles};
pub use reader::ConsoleReader;
pub use times::LineTimes;
