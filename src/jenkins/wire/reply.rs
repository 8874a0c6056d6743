//! An answer of a master, and what its status means (jenkins-rest 1.2, 1.3, 1.6, 3.1).

use bytes::Bytes;
use serde::de::DeserializeOwned;

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers in their order; names compare without case.
    pub headers: Vec<(String, String)>,
    /// The body, already bounded by whoever read it.
    pub body: Bytes,
}

/// Why a master did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 401: user or token are wrong.
    #[error("the master does not know this user and token")]
    WrongLogin,
    /// 403 for somebody who is not logged in. It also hides whether the object exists.
    #[error("the master wants a login")]
    LoginNeeded,
    /// 403 for somebody who lacks a right.
    #[error("the user lacks the right {permission}")]
    NotAllowed {
        /// Jenkins' name of it: `hudson.model.Item.Build`.
        permission: String,
    },
    /// 403 to a POST without a crumb; only passwords need one (jenkins-rest 1.3).
    #[error("the master wants a crumb: the secret is a password, or no login was sent")]
    CrumbNeeded,
    /// 404: it does not exist, or may not be seen.
    #[error("the master knows no such object, or this user may not see it")]
    NotFound,
    /// 405: wants another method.
    #[error("the master does not take this method here")]
    WrongMethod,
    /// 409: the job is disabled, or was copied and never saved.
    #[error("the job is disabled, or was copied and never saved")]
    NotBuildable,
    /// 400, with the master's own words where it said some.
    #[error("the master refuses the request{}", reason.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Malformed {
        /// `X-Error`.
        reason: Option<String>,
    },
    /// 503: the master is starting.
    #[error("the master is starting")]
    Starting,
    /// Another 4xx or 5xx.
    #[error("the master answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// A success that is not what Jenkins sends: another program or a login page answers at this address.
    #[error("this is no answer of Jenkins: {detail}")]
    NotJenkins {
        /// What is wrong with it.
        detail: String,
    },
}

impl Refusal {
    /// Whether waiting may help: the master starts, or its answer got lost in a proxy.
    pub fn is_passing(&self) -> bool {
        matches!(self, Refusal::Starting | Refusal::Status { status: 502 | 504 | 429 })
    }
}

impl Reply {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The reply itself when its status is a success; 302 is one for a POST (jenkins-rest 1.7).
    ///
    /// # Errors
    /// With the meaning of any other status.
    pub fn accepted(&self) -> Result<&Reply, Refusal> {
        match self.status {
            200..=299 | 302 => Ok(self),
            _ => Err(self.refusal()),
        }
    }

    /// The body as JSON, or why there is none.
    ///
    /// # Errors
    /// When the status is no 200, or the body is no JSON of this form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        match self.status {
            200 => {}
            status @ 201..=399 => {
                return Err(Refusal::NotJenkins {
                    detail: format!("status {status} where an object was asked for"),
                });
            }
            _ => return Err(self.refusal()),
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = self.header("content-type").unwrap_or("no content type");
            Refusal::NotJenkins { detail: format!("{kind}, and not the JSON that was asked for ({error})") }
        })
    }

    fn refusal(&self) -> Refusal {
        match self.status {
            400 => Refusal::Malformed { reason: self.header("x-error").map(str::to_owned) },
            401 => Refusal::WrongLogin,
            403 => self.forbidden(),
            404 => Refusal::NotFound,
            405 => Refusal::WrongMethod,
            409 => Refusal::NotBuildable,
            503 => Refusal::Starting,
            status => Refusal::Status { status },
        }
    }

    fn forbidden(&self) -> Refusal {
        if let Some(permission) = self.header("x-required-permission") {
            return Refusal::NotAllowed { permission: permission.to_owned() };
        }
        // The page's words are not translated: it comes from the crumb filter, before any language is known.
        let crumb = b"No valid crumb";
        if self.body.windows(crumb.len()).any(|part| part == crumb) {
            return Refusal::CrumbNeeded;
        }
        Refusal::LoginNeeded
    }
}
