//! Addresses of pages, by Jenkins' paths (decision 25).

use super::{BuildNumber, JobName};

/// How addresses of pages are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    root: String,
}

impl Addresses {
    /// Addresses below `root`: `http.public_url` or the bound address.
    pub fn new(root: &str) -> Addresses {
        Addresses { root: format!("{}/", root.trim_end_matches('/')) }
    }

    /// The overview, ending in `/`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A job's page: `ROOTjob/FOLDER/job/NAME/`.
    pub fn job(&self, job: &JobName) -> String {
        let mut url = self.root.clone();
        for part in job.as_str().split('/') {
            url.push_str("job/");
            url.push_str(&percent_encode(part));
            url.push('/');
        }
        url
    }

    /// A build's page.
    pub fn build(&self, job: &JobName, number: BuildNumber) -> String {
        format!("{}{number}/", self.job(job))
    }
}

/// A path segment with only those characters as they are that need no escape there.
fn percent_encode(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()@$&+,=:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_25_pages_have_jenkins_paths() {
        let job: JobName = "ops/a job é".parse().unwrap();
        for root in ["http://ci", "http://ci/"] {
            let addresses = Addresses::new(root);
            assert_eq!(addresses.build(&job, 3), "http://ci/job/ops/job/a%20job%20%C3%A9/3/");
        }
    }
}
