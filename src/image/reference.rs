//! References of images: `[HOST/]PATH[:TAG][@DIGEST]` (docker-M34).

use std::fmt;

/// The host of names that name none.
const HUB: &str = "docker.io";
/// A tag has at most so many characters.
const TAG_MAX: usize = 128;
/// A whole name has at most so many.
const NAME_MAX: usize = 255;

/// A text that is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a reference of an image: {reason}")]
pub struct ReferenceError {
    text: String,
    reason: &'static str,
}

/// A valid reference, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    name: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl Reference {
    /// Reads one. No variable is left in it.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        let wrong = |reason| ReferenceError { text: text.escape_debug().to_string(), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(wrong("its digest is not sha256 and 64 digits"));
        }
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last..].find(':') {
            Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..])),
            None => (rest, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("a tag is at most 128 letters, digits, '_', '.' and '-'"));
        }
        if name.is_empty() {
            return Err(wrong("it has no name"));
        }
        let path = split(name).map_or(name, |(_, path)| path);
        if name.len() > NAME_MAX || !path.split('/').all(is_component) {
            return Err(wrong(
                "a name is made of small letters and digits, with '.', '_', '-' and '/' in between",
            ));
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(Reference { name: name.to_owned(), tag: owned(tag), digest: owned(digest) })
    }

    /// Host and path, without tag and digest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag; `latest` when neither a tag nor a digest is written.
    pub fn tag(&self) -> Option<&str> {
        let implied = if self.digest.is_none() { Some("latest") } else { None };
        self.tag.as_deref().or(implied)
    }

    /// The same name with this tag and no digest.
    #[must_use]
    pub fn with_tag(&self, tag: &str) -> Reference {
        Reference { name: self.name.clone(), tag: Some(tag.to_owned()), digest: None }
    }

    /// The registry's host, with its port: `docker.io` when none is written.
    pub fn registry(&self) -> &str {
        split(&self.name).map_or(HUB, |(host, _)| host)
    }
}

impl fmt::Display for Reference {
    /// Always with a tag or a digest: without, an engine would mean all tags.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        match (&self.digest, self.tag()) {
            (Some(digest), _) => write!(formatter, "@{digest}"),
            (None, tag) => write!(formatter, ":{}", tag.unwrap_or_default()),
        }
    }
}

/// A name with the host of a registry's address in front, unless it has it already, or the address is the Hub's (docker-27.4).
pub fn from_registry(address: &str, name: &str) -> String {
    let address = address.trim();
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let hub = host.is_empty() || host == HUB || host.ends_with(".docker.io");
    if hub || name.strip_prefix(host).is_some_and(|rest| rest.starts_with('/')) {
        return name.to_owned();
    }
    format!("{host}/{name}")
}

/// Whether a text may still change when variables are replaced (jjb-T26).
pub fn is_variable(text: &str) -> bool {
    text.contains('$')
}

/// Host and path of a name, when its first part is a host: it has a dot or a port, or is `localhost`.
fn split(name: &str) -> Option<(&str, &str)> {
    let (host, path) = name.split_once('/')?;
    let is_host = host == "localhost" || host.contains(['.', ':']);
    is_host.then_some((host, path))
}

fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let inner = |byte: u8| plain(byte) || matches!(byte, b'.' | b'_' | b'-');
    let ends = |byte: Option<&u8>| byte.is_some_and(|byte| plain(*byte));
    let bytes = text.as_bytes();
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|byte| inner(*byte)) && !text.contains("..")
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= TAG_MAX
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_m34_references_are_read_or_refused() {
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        for (text, shown, registry) in [
            ("wmfreleng/ci-jessie-wikimedia", "wmfreleng/ci-jessie-wikimedia:latest", "docker.io"),
            ("centos:7", "centos:7", "docker.io"),
            ("127.0.0.1:5000/a/b:1.10", "127.0.0.1:5000/a/b:1.10", "127.0.0.1:5000"),
            ("localhost/x", "localhost/x:latest", "localhost"),
            ("a__b/c-d:Tag_1", "a__b/c-d:Tag_1", "docker.io"),
            (&digest, &digest, "docker.io"),
        ] {
            let read = Reference::parse(text).unwrap();
            assert_eq!((read.to_string().as_str(), read.registry()), (shown, registry));
        }
        let long = format!("a:{}", "x".repeat(129));
        for wrong in [
            "",
            "A/b",
            "a b",
            "a:",
            "a:b c",
            "a:-x",
            "/a",
            "a//b",
            "a@sha256:1",
            "a/",
            ":tag",
            "-a",
            &long,
            "a$B",
        ] {
            assert!(Reference::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn docker_27_4_a_registrys_host_goes_in_front_once() {
        for (address, name, want) in [
            ("https://registry.example.org", "test", "registry.example.org/test"),
            ("https://registry.example.org:5000/v1/", "a/b", "registry.example.org:5000/a/b"),
            ("registry.example.org", "registry.example.org/a", "registry.example.org/a"),
            ("https://index.docker.io/v1/", "a/b", "a/b"),
            ("", "a", "a"),
        ] {
            assert_eq!(from_registry(address, name), want);
        }
    }
}
