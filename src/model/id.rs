//! Ids: 48 bits of time and 40 random bits in base 32 (decision 19).
//!
//! They sort by creation, fit a container's name and a host's name, and one kind cannot be taken for another.

use std::fmt;
use std::str::FromStr;

/// Crockford's digits in lower case: no letter that reads like a digit.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 88 bits in groups of five.
const LENGTH: usize = 18;

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no id: 18 characters of 0-9 and a-z (without i, l, o, u) are expected")]
pub struct ParseIdError {
    /// The text as it was given.
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Id([u8; LENGTH]);

impl Id {
    fn new(millis: u64, random: u64) -> Id {
        Id::from_bits((u128::from(millis & 0xffff_ffff_ffff) << 40) | u128::from(random & 0xff_ffff_ffff))
    }

    fn from_bits(bits: u128) -> Id {
        let mut text = [0; LENGTH];
        for (place, digit) in text.iter_mut().rev().enumerate() {
            *digit = DIGITS[usize::try_from((bits >> (5 * place)) & 31).unwrap_or(0)];
        }
        Id(text)
    }

    /// The id that comes right after this one.
    fn next(self) -> Id {
        Id::from_bits(self.bits() + 1)
    }

    fn bits(self) -> u128 {
        let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte).unwrap_or(0) as u128;
        self.0.iter().fold(0, |bits, byte| (bits << 5) | digit(*byte))
    }

    fn millis(self) -> u64 {
        u64::try_from(self.bits() >> 40).unwrap_or(u64::MAX)
    }

    fn parse(text: &str) -> Result<Id, ParseIdError> {
        let wrong = || ParseIdError { text: text.chars().take(64).collect() };
        let bytes: [u8; LENGTH] = text.as_bytes().try_into().map_err(|_| wrong())?;
        if bytes.iter().all(|byte| DIGITS.contains(byte)) { Ok(Id(bytes)) } else { Err(wrong()) }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Id);

        impl $name {
            /// An id of that moment (milliseconds since 1970; 48 bits count) with 40 random bits.
            pub fn new(millis: u64, random: u64) -> Self {
                $name(Id::new(millis, random))
            }

            /// This id, or the one right after `earlier` when it would not sort behind that: of several made in one millisecond, or by
            /// a clock that was set back, each comes after the one before.
            pub fn after(self, earlier: Self) -> Self {
                self.max($name(earlier.0.next()))
            }

            /// The moment that it was made of, by the clock of whoever made it.
            pub fn made_at(self) -> super::Millis {
                super::Millis(self.0.millis())
            }

            /// The text form: 18 characters of `[0-9a-z]`.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Id::parse(text).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({})", stringify!($name), self.as_str())
            }
        }
    };
}

id! {
    /// One run of a job. Unlike the build's number it is unique over all jobs and masters.
    BuildId
}
id! {
    /// A node: also the name of its container, its directory and its host name.
    NodeId
}
id! {
    /// The right to use one node.
    LeaseId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation_and_read_back() {
        let early = BuildId::new(1_700_000_000_000, 0xff_ffff_ffff);
        let late = BuildId::new(1_700_000_000_001, 0);
        assert!(early < late);
        assert!(early.as_str() < late.as_str());
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn decision_19_ids_of_one_millisecond_sort_as_they_were_made() {
        let mut last = BuildId::new(1_700_000_000_000, 0xff_ffff_ffff);
        assert_eq!(BuildId::new(1_700_000_000_001, 7).after(last), BuildId::new(1_700_000_000_001, 7));
        assert_eq!(BuildId::new(1_600_000_000_000, 7).after(last), BuildId::new(1_700_000_000_001, 0));
        for random in [9, 3, 5, 0] {
            let next = BuildId::new(1_700_000_000_000, random).after(last);
            assert!(next > last);
            last = next;
        }
        assert_eq!(last, BuildId::new(1_700_000_000_001, 3));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "abc", "0123456789abcdefgu", "0123456789abcdefgA", "../../../../etc/pw"] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
        }
    }
}
