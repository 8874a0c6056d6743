//! One value of a setting: text to a checked type, with what was expected and what to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::tree::{Node, Value};

/// Why a value does not fit, and what would.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) cure: String,
}

impl Fault {
    pub(super) fn new(reason: impl Into<String>, cure: impl Into<String>) -> Fault {
        Fault { reason: reason.into(), cure: cure.into() }
    }
}

/// A type that one setting can have.
pub(super) trait Setting: Sized {
    /// Whether a wrong value may be a secret: messages then do not repeat it.
    const HIDDEN: bool = false;

    /// Reads it from its text.
    fn read(text: &str, plain: bool) -> Result<Self, Fault>;

    /// Reads it from a value of the tree.
    fn of(node: &Node) -> Result<Self, Fault> {
        match &node.value {
            Value::Scalar { text, plain } => Self::read(text, *plain),
            Value::Null => {
                Err(Fault::new("it has no value", "write one, or remove the key to get the default"))
            }
            Value::List(_) | Value::Map(_) => {
                Err(Fault::new(format!("one value is expected, not {}", node.kind()), "write a single value"))
            }
        }
    }
}

impl Setting for String {
    fn read(text: &str, _plain: bool) -> Result<String, Fault> {
        Ok(text.to_owned())
    }
}

impl Setting for PathBuf {
    fn read(text: &str, _plain: bool) -> Result<PathBuf, Fault> {
        if text.is_empty() || text.contains('\0') {
            return Err(Fault::new("a path is expected", "write the path of a file or a directory"));
        }
        Ok(PathBuf::from(text))
    }
}

impl Setting for bool {
    fn read(text: &str, plain: bool) -> Result<bool, Fault> {
        match text {
            "true" if plain => Ok(true),
            "false" if plain => Ok(false),
            _ => Err(Fault::new("true or false is expected", "write true or false, without quotes")),
        }
    }
}

/// A whole number without sign; `_` may group digits.
fn whole(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(|letter| *letter != '_').collect();
    let only_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| only_digits)
}

impl Setting for u64 {
    fn read(text: &str, _plain: bool) -> Result<u64, Fault> {
        whole(text).ok_or_else(|| Fault::new("a whole number is expected", "write digits only, such as 20"))
    }
}

impl Setting for u32 {
    fn read(text: &str, plain: bool) -> Result<u32, Fault> {
        let number = u64::read(text, plain)?;
        u32::try_from(number)
            .map_err(|_| Fault::new("the number is too large", format!("{} at most", u32::MAX)))
    }
}

impl Setting for usize {
    fn read(text: &str, plain: bool) -> Result<usize, Fault> {
        let number = u64::read(text, plain)?;
        usize::try_from(number).map_err(|_| Fault::new("the number is too large", "write a smaller one"))
    }
}

impl Setting for SocketAddr {
    fn read(text: &str, _plain: bool) -> Result<SocketAddr, Fault> {
        let address = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        address.as_deref().unwrap_or(text).parse().map_err(|_| {
            Fault::new(
                "an address and a port are expected",
                "write for example 127.0.0.1:4730, 0.0.0.0:4730 or [::1]:4730",
            )
        })
    }
}

impl Setting for Duration {
    fn read(text: &str, _plain: bool) -> Result<Duration, Fault> {
        let fault = || {
            Fault::new("a duration with its unit is expected", "write for example 500ms, 30s, 10m, 2h or 1d")
        };
        let split = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(fault)?;
        let (number, unit) = text.split_at(split);
        let number: u64 = number.parse().map_err(|_| fault())?;
        let millis = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(fault()),
        };
        number.checked_mul(millis).map(Duration::from_millis).ok_or_else(fault)
    }
}

/// A number of bytes: `64MiB`, `4g`, `1048576`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bytes(pub(super) u64);

impl Setting for Bytes {
    fn read(text: &str, _plain: bool) -> Result<Bytes, Fault> {
        let fault = || {
            Fault::new("a size is expected", "write for example 512KiB, 64MiB, 4GiB, or a number of bytes")
        };
        let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let number: u64 = number.parse().map_err(|_| fault())?;
        // Units of 1024, as everywhere in the worlds of containers and builds; `MB` is taken for what people mean by it there.
        let shift = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            "t" | "tb" | "tib" => 40,
            _ => return Err(fault()),
        };
        number.checked_mul(1 << shift).map(Bytes).ok_or_else(fault)
    }
}

/// Processor cores in thousandths: `2`, `1.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cores(pub(super) u32);

impl Setting for Cores {
    fn read(text: &str, _plain: bool) -> Result<Cores, Fault> {
        let fault =
            || Fault::new("a number of processor cores is expected", "write for example 2, 0.5 or 1.5");
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 3 {
            return Err(fault());
        }
        let whole: u32 = whole.parse().map_err(|_| fault())?;
        let part: u32 = format!("{part:0<3}").parse().map_err(|_| fault())?;
        let milli = whole.checked_mul(1000).and_then(|whole| whole.checked_add(part)).ok_or_else(fault)?;
        if milli == 0 { Err(fault()) } else { Ok(Cores(milli)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Setting>(text: &str) -> Option<T> {
        T::read(text, true).ok()
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(read("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read("30s"), Some(Duration::from_secs(30)));
        assert_eq!(read("10m"), Some(Duration::from_secs(600)));
        assert_eq!(read("1d"), Some(Duration::from_secs(86_400)));
        for wrong in ["", "30", "s", "-1s", "1.5h", "3 weeks", "99999999999999999999s"] {
            assert_eq!(read::<Duration>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_count_in_1024() {
        assert_eq!(read("64MiB"), Some(Bytes(64 << 20)));
        assert_eq!(read("4g"), Some(Bytes(4 << 30)));
        assert_eq!(read("17"), Some(Bytes(17)));
        for wrong in ["", "MiB", "1.5g", "64 megs", "99999999999999t"] {
            assert_eq!(read::<Bytes>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn cores_are_counted_in_thousandths() {
        assert_eq!(read("2"), Some(Cores(2000)));
        assert_eq!(read("0.5"), Some(Cores(500)));
        for wrong in ["0", "", ".", "-1", "1.0001", "two"] {
            assert_eq!(read::<Cores>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_and_words_are_not_guessed() {
        assert_eq!(read("20_000"), Some(20_000_u32));
        assert_eq!(read::<u32>("4294967296"), None);
        assert_eq!(read::<u64>("+3"), None);
        assert_eq!(read("true"), Some(true));
        assert_eq!(read::<bool>("yes"), None);
        assert!(bool::read("true", false).is_err(), "a quoted text is no boolean");
        assert_eq!(read("localhost:0"), Some(SocketAddr::from(([127, 0, 0, 1], 0))));
        assert_eq!(read::<SocketAddr>("4730"), None);
    }
}
