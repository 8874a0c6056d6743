//! `http`: pages and the API.

use std::net::{Ipv4Addr, SocketAddr};

use super::section::Section;
use crate::model::Problem;

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens. Always a loopback address as long as there is no access control (decision 23).
    pub listen: SocketAddr,
    /// The address that people use, ending in `/`; `None`: the bound one (decision 25).
    pub public_url: Option<String>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), public_url: None }
    }
}

/// Without access control nobody but this machine may reach the port (decision 23).
pub(super) fn refusal(listen: SocketAddr) -> Option<Problem> {
    (!listen.ip().is_loopback()).then(|| {
        Problem::error("open-http", format!("HTTP would listen on {listen}, which other machines can reach"))
            .because("there is no access control yet, and every page and log would be open to them")
            .cure(
                "listen on 127.0.0.1 or [::1], and put a web server that asks for a password in front of it",
            )
    })
}

pub(super) fn read(mut section: Section<'_>, flag: Option<SocketAddr>) -> HttpConfig {
    let default = HttpConfig::default();
    let listen = section.or("listen", default.listen);
    if let Some(problem) = refusal(listen).filter(|_| flag.is_none()) {
        section.complain("listen", problem);
    }
    let public_url = section.get::<String>("public_url").and_then(|url| match public(&url) {
        Ok(url) => Some(url),
        Err(reason) => {
            let message = format!("'{}' is no address of pages", url.escape_debug());
            let cure = "write for example https://ci.example/";
            section.complain("public_url", Problem::error("wrong-value", message).because(reason).cure(cure));
            None
        }
    });
    section.close();
    HttpConfig { listen, public_url }
}

/// The address with a `/` at its end.
fn public(url: &str) -> Result<String, &'static str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or("it must begin with http:// or https://")?;
    if rest.split('/').next().is_none_or(str::is_empty) {
        return Err("it names no host");
    }
    if rest.contains(['?', '#', '@']) || rest.contains(char::is_whitespace) || rest.contains(char::is_control)
    {
        return Err("it must be a host and a path, without user, query and fragment");
    }
    Ok(format!("{}/", url.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_25_the_public_address_ends_in_a_slash() {
        assert_eq!(public("https://ci.example"), Ok("https://ci.example/".to_owned()));
        assert_eq!(public("http://ci.example:81/x/"), Ok("http://ci.example:81/x/".to_owned()));
        for wrong in ["ci.example", "ftp://ci.example", "http://", "http:///x", "http://a/?b", "http://u@h/"]
        {
            assert!(public(wrong).is_err(), "{wrong}");
        }
    }
}
