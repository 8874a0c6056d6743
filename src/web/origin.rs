//! Who may ask: only under our own names, so that no other web page can act through somebody's browser (decision 23).

use std::net::{IpAddr, Ipv6Addr};

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};

/// The host names that are ours.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    names: Vec<String>,
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// No `Host`.
    NoHost,
    /// A name that is not ours: perhaps somebody's name that resolves to our address.
    Host,
    /// A page of another site asks.
    Origin,
}

impl Hosts {
    /// `localhost`, addresses, and these names (the host of `http.public_url`).
    pub fn new(names: impl IntoIterator<Item = String>) -> Hosts {
        let lower = |name: String| name.trim_end_matches('.').to_ascii_lowercase();
        Hosts { names: names.into_iter().map(lower).chain(["localhost".to_owned()]).collect() }
    }

    /// The host name in a URL.
    pub fn of_url(url: &str) -> Option<String> {
        url.parse::<Uri>().ok()?.authority().map(|authority| host(authority.as_str()).to_owned())
    }

    fn is_ours(&self, authority: &str) -> bool {
        let host = host(authority).trim_end_matches('.').to_ascii_lowercase();
        // An address cannot be made to resolve elsewhere.
        host.parse::<IpAddr>().is_ok()
            || host.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok()
            || self.names.contains(&host)
    }

    /// Checks `Host` and, where a browser sent it, `Origin`.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Stranger> {
        let named = headers.get(HOST).and_then(|value| value.to_str().ok());
        let authority =
            uri.authority().map(|authority| authority.as_str()).or(named).ok_or(Stranger::NoHost)?;
        if !self.is_ours(authority) {
            return Err(Stranger::Host);
        }
        let Some(origin) = headers.get(ORIGIN) else {
            return Ok(());
        };
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
        match origin {
            Some(origin) if origin.eq_ignore_ascii_case(authority) => Ok(()),
            // Behind a proxy the browser knows us by the public name, and the proxy may have changed `Host`.
            Some(origin) if self.names.iter().any(|name| name != "localhost" && name == host(origin)) => {
                Ok(())
            }
            _ => Err(Stranger::Origin),
        }
    }
}

/// `name` of `name:port`, `[::1]` of `[::1]:80`.
fn host(authority: &str) -> &str {
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    match authority.rfind(']') {
        Some(end) => &authority[..=end],
        None => authority.split(':').next().unwrap_or(authority),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(host: &str, origin: Option<&str>) -> Result<(), Stranger> {
        let mut headers = HeaderMap::new();
        if !host.is_empty() {
            headers.insert(HOST, host.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        let hosts = Hosts::new(Hosts::of_url("https://CI.example:8443/x"));
        hosts.check(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn decision_23_our_own_names_are_answered() {
        for host in
            ["127.0.0.1:8080", "localhost:1", "[::1]:8080", "ci.example", "CI.EXAMPLE.:8443", "10.0.0.7"]
        {
            assert_eq!(ask(host, None), Ok(()), "{host}");
        }
    }

    #[test]
    fn decision_23_a_rebound_name_is_refused() {
        for host in
            ["evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example:8080", "ci.example.org"]
        {
            assert_eq!(ask(host, None), Err(Stranger::Host), "{host}");
        }
        assert_eq!(ask("", None), Err(Stranger::NoHost));
    }

    #[test]
    fn decision_23_other_pages_are_refused() {
        assert_eq!(ask("127.0.0.1:8080", Some("http://127.0.0.1:8080")), Ok(()));
        assert_eq!(ask("127.0.0.1:8080", Some("https://ci.example")), Ok(()));
        for origin in ["null", "http://evil.example", "http://127.0.0.1:9999", "http://localhost:8080"] {
            assert_eq!(ask("127.0.0.1:8080", Some(origin)), Err(Stranger::Origin), "{origin}");
        }
    }
}
