//! `http`: pages and the API.

use std::net::{Ipv4Addr, SocketAddr};

use super::section::Section;
use crate::model::{BaseUrl, Problem};

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
    let public_url = section.get::<String>("public_url").and_then(|url| match BaseUrl::parse(&url) {
        Ok(url) => Some(url.as_str().to_owned()),
        Err(reason) => {
            let message = format!("'{}' is no address of pages", url.escape_debug());
            let cure = "write for example https://ci.example/";
            section.complain(
                "public_url",
                Problem::error("wrong-value", message).because(reason.to_string()).cure(cure),
            );
            None
        }
    });
    section.close();
    HttpConfig { listen, public_url }
}
