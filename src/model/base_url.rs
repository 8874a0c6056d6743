//! The address of a web server's root: our own public one, or a Jenkins master's.

use std::fmt;

/// An address that others are below, ending in `/`; it may have a path prefix (jenkins-rest 1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// A text that cannot be such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotABase {
    /// Neither `http://` nor `https://`.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// Nothing between the scheme and the path.
    #[error("it names no host")]
    Host,
    /// User, query, fragment or blanks.
    #[error("it must be a host and a path, without user, query and fragment")]
    More,
}

impl BaseUrl {
    /// Reads an address; the `/` at its end may be left out.
    ///
    /// # Errors
    /// When nothing can be below it.
    pub fn parse(text: &str) -> Result<BaseUrl, NotABase> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let rest = rest.ok_or(NotABase::Scheme)?;
        if rest.split('/').next().is_none_or(str::is_empty) {
            return Err(NotABase::Host);
        }
        if rest.contains(['?', '#', '@'])
            || rest.contains(char::is_whitespace)
            || rest.contains(char::is_control)
        {
            return Err(NotABase::More);
        }
        Ok(BaseUrl(format!("{}/", text.trim_end_matches('/'))))
    }

    /// The address, ending in `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is spoken to over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_25_an_address_may_have_a_prefix_and_ends_in_a_slash() {
        let parse = |text| BaseUrl::parse(text).map(|base| base.as_str().to_owned());
        assert_eq!(parse("https://ci.example"), Ok("https://ci.example/".to_owned()));
        assert_eq!(parse("http://ci.example:81/x/"), Ok("http://ci.example:81/x/".to_owned()));
        for (wrong, why) in [
            ("ci.example", NotABase::Scheme),
            ("ftp://ci.example", NotABase::Scheme),
            ("http://", NotABase::Host),
            ("http:///x", NotABase::Host),
            ("http://a/?b", NotABase::More),
            ("http://u:p@h/", NotABase::More),
        ] {
            assert_eq!(parse(wrong), Err(why), "{wrong}");
        }
    }
}
