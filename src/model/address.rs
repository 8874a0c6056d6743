//! Addresses of pages, by Jenkins' paths (decision 25).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{BuildNumber, JobName};

/// What is escaped in a segment of a path: all that means something there.
const SEGMENT: &AsciiSet = &escape_all_but(b"-_.!~*'()@$&+,=:");

/// Everything but letters, digits and these is escaped.
pub(crate) const fn escape_all_but(mut left: &[u8]) -> AsciiSet {
    let mut set = NON_ALPHANUMERIC.union(AsciiSet::EMPTY);
    while let [byte, rest @ ..] = left {
        set = set.remove(*byte);
        left = rest;
    }
    set
}

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
            url.extend(utf8_percent_encode(part, SEGMENT));
            url.push('/');
        }
        url
    }

    /// A build's page.
    pub fn build(&self, job: &JobName, number: BuildNumber) -> String {
        format!("{}{number}/", self.job(job))
    }
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
