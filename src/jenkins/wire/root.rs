//! The master itself, and who we are there.

use serde::Deserialize;

use super::{Refusal, Reply};

/// What a master says of itself (jenkins-rest 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootFacts {
    /// Its version, from `X-Jenkins`.
    pub version: String,
    /// Changes with each start of the master (jenkins-rest 1.4).
    pub session: Option<String>,
    /// It takes triggers and starts nothing.
    pub quieting_down: bool,
    /// It asks for crumbs.
    pub use_crumbs: bool,
    /// Its idea of the time, from `Date`.
    pub date: Option<String>,
}

impl RootFacts {
    /// What to ask: `GET` this below the base.
    pub const PATH: &str = "api/json?tree=mode,quietingDown,useCrumbs";

    /// Reads the answer.
    ///
    /// # Errors
    /// When the master refuses, or something else than Jenkins answers.
    pub fn read(reply: &Reply) -> Result<RootFacts, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            quieting_down: Option<bool>,
            use_crumbs: Option<bool>,
        }
        let raw: Raw = reply.json()?;
        let version = reply.header("x-jenkins").ok_or_else(|| Refusal::NotJenkins {
            detail: "it has no X-Jenkins header; does a proxy take it away?".to_owned(),
        })?;
        Ok(RootFacts {
            version: version.to_owned(),
            session: reply.header("x-jenkins-session").map(str::to_owned),
            quieting_down: raw.quieting_down.unwrap_or(false),
            use_crumbs: raw.use_crumbs.unwrap_or(false),
            date: reply.header("date").map(str::to_owned),
        })
    }
}

/// Who a master takes us for (jenkins-rest 1.2).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Identity {
    /// The user's id.
    pub name: String,
    /// Nobody logged in.
    pub anonymous: bool,
}

impl Identity {
    /// What to ask; it works for everyone.
    pub const PATH: &str = "whoAmI/api/json";

    /// Reads the answer.
    ///
    /// # Errors
    /// When the login is wrong, or something else than Jenkins answers.
    pub fn read(reply: &Reply) -> Result<Identity, Refusal> {
        reply.json()
    }
}

/// What a POST with a password needs besides: bound to the session of the cookie (jenkins-rest 1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// The header that carries it.
    pub header: String,
    /// Its value.
    pub value: String,
    /// The session's cookies, as they go back.
    pub cookies: String,
}

impl Crumb {
    /// What to ask.
    pub const PATH: &str = "crumbIssuer/api/json";

    /// Reads the answer.
    ///
    /// # Errors
    /// When there is none: [`Refusal::NotFound`] from a master without crumbs.
    pub fn read(reply: &Reply) -> Result<Crumb, Refusal> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            crumb: String,
            crumb_request_field: String,
        }
        let raw: Raw = reply.json()?;
        let cookies = reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let cookies: Vec<&str> =
            cookies.map(|(_, value)| value.split(';').next().unwrap_or_default().trim()).collect();
        Ok(Crumb { header: raw.crumb_request_field, value: raw.crumb, cookies: cookies.join("; ") })
    }
}
