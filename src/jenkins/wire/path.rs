//! Addresses on a master: its base, the paths of jobs and folders, and links that come back.

use std::fmt;

/// Folders in folders: Jenkins allows more, nobody nests more, and requests stay short.
pub(super) const DEEPEST: usize = 16;

/// A master's address as it was configured, ending in `/`; it may have a path prefix (jenkins-rest 1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// A text that cannot be a master's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotABase {
    /// Neither `http://` nor `https://`.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// Nothing between the scheme and the path.
    #[error("it names no host")]
    Host,
    /// User, query, fragment or blanks.
    #[error("it must be a host and perhaps a path, without user, query and fragment")]
    More,
}

impl BaseUrl {
    /// Reads an address; the `/` at its end may be left out.
    ///
    /// # Errors
    /// When it is no address of a master.
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

    /// The address of a path below the base, such as `api/json`.
    pub fn join(&self, path: &str) -> String {
        format!("{}{}", self.0, path.trim_start_matches('/'))
    }

    /// Puts a link of the master on this base. The master may know itself by another address (jenkins-rest 1.1), so only the
    /// path counts; this base's own prefix is taken off where the link has it.
    pub fn adopt(&self, link: &str) -> String {
        let path = match link.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
            None => link,
        };
        let path = path.trim_start_matches('/');
        let prefix = self.prefix();
        self.join(path.strip_prefix(prefix).unwrap_or(path))
    }

    /// The path prefix: `""` or `jenkins/`.
    fn prefix(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        rest.split_once('/').map_or("", |(_, path)| path)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A job by its full name, `folder/inner` for one in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobPath(String);

/// A full name that is no job's: empty, with an empty part, or in more than 16 folders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no full name of a job on a master")]
pub struct TooDeep(String);

impl JobPath {
    /// The job with this full name.
    ///
    /// # Errors
    /// When no job can have it.
    pub fn new(full_name: &str) -> Result<JobPath, TooDeep> {
        let mut parts = full_name.split('/');
        let wrong = parts.clone().count() > DEEPEST || parts.any(|part| matches!(part, "" | "." | ".."));
        if wrong { Err(TooDeep(full_name.to_owned())) } else { Ok(JobPath(full_name.to_owned())) }
    }

    /// The full name.
    pub fn full_name(&self) -> &str {
        &self.0
    }

    /// The name without folders: what the Gearman plugin registers (jenkins-rest 12).
    pub fn short_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The path below a base, ending in `/`: `job/folder/job/inner/`.
    pub fn path(&self) -> String {
        self.0.split('/').map(|part| format!("job/{}/", encode_segment(part))).collect()
    }
}

/// One segment of a path, percent-encoded: everything but letters, digits and `-._~`. A blank is `%20`, never `+`.
pub fn encode_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jenkins_rest_1_1_a_base_may_have_a_prefix_and_needs_no_slash() {
        assert_eq!(BaseUrl::parse("http://ci:8080").unwrap().join("api/json"), "http://ci:8080/api/json");
        assert_eq!(
            BaseUrl::parse("https://ci/jenkins/").unwrap().join("/api/json"),
            "https://ci/jenkins/api/json"
        );
        assert_eq!(BaseUrl::parse("ftp://ci").unwrap_err(), NotABase::Scheme);
        assert_eq!(BaseUrl::parse("http:///x").unwrap_err(), NotABase::Host);
        assert_eq!(BaseUrl::parse("http://u:p@ci/").unwrap_err(), NotABase::More);
    }

    #[test]
    fn jenkins_rest_1_1_links_are_put_on_the_configured_base() {
        let plain = BaseUrl::parse("http://ci:8080/").unwrap();
        assert_eq!(plain.adopt("http://other.example/job/x/1/"), "http://ci:8080/job/x/1/");
        assert_eq!(plain.adopt("/queue/item/7/"), "http://ci:8080/queue/item/7/");
        let below = BaseUrl::parse("https://ci/jenkins").unwrap();
        assert_eq!(below.adopt("http://other.example/jenkins/job/x/1/"), "https://ci/jenkins/job/x/1/");
        assert_eq!(below.adopt("queue/item/7/"), "https://ci/jenkins/queue/item/7/");
    }

    #[test]
    fn jenkins_rest_1_1_names_are_one_segment_each() {
        let path = |name| JobPath::new(name).unwrap().path();
        assert_eq!(path("demo été +1"), "job/demo%20%C3%A9t%C3%A9%20%2B1/");
        assert_eq!(path("team/inner"), "job/team/job/inner/");
        assert_eq!(JobPath::new("team/inner").unwrap().short_name(), "inner");
        for wrong in ["", "/x", "x/", "a//b", "a/../b", &"a/".repeat(20)] {
            assert!(JobPath::new(wrong).is_err(), "{wrong}");
        }
    }
}
