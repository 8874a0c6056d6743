//! Places where a crash test lets the process die, as by power failure.
//!
//! Always compiled in, so that the program that is tested is the program that is shipped. Off unless `CAUSEWAY_FAILPOINT` names
//! a place: `before-create`, or `after-start:3` for the third time that it is reached.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that arms a place.
pub const VARIABLE: &str = "CAUSEWAY_FAILPOINT";

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

struct Armed {
    place: String,
    /// How many times the place may still be reached, this one included.
    left: AtomicU32,
}

fn parse(text: &str) -> Armed {
    let (place, times) = match text.rsplit_once(':') {
        Some((place, times)) => (place, times.parse().unwrap_or(1)),
        None => (text, 1),
    };
    Armed { place: place.to_owned(), left: AtomicU32::new(times) }
}

impl Armed {
    /// Whether this is the time.
    fn reached(&self, place: &str) -> bool {
        self.place == place && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// Ends the process on the spot, without any clean-up, if the place is the armed one.
pub fn hit(place: &str) {
    let armed = ARMED.get_or_init(|| std::env::var(VARIABLE).ok().map(|text| parse(&text)));
    if armed.as_ref().is_some_and(|armed| armed.reached(place)) {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_reached_the_time_that_was_named() {
        let armed = parse("after-create:2");
        assert!(!armed.reached("before-create"));
        assert!(!armed.reached("after-create"));
        assert!(armed.reached("after-create"));
        assert!(!armed.reached("after-create"));
        assert!(parse("before-create").reached("before-create"));
        hit("never-armed");
    }
}
