//! Jenkins' paths read back: `/job/FOLDER/job/NAME/NUMBER/REST` (decision 25).

use crate::model::{BuildNumber, JobName};

/// What a path below `/job/` names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// A job's page.
    Job(JobName),
    /// Something of a build: its page when `rest` is empty.
    Build {
        /// The job.
        job: JobName,
        /// The build's number.
        number: BuildNumber,
        /// What follows the number, still encoded, without the leading `/`.
        rest: &'a str,
    },
    /// The same page, but its address must end in `/` so that relative links work.
    AddSlash,
}

/// Reads a request's path as it came, `%` escapes and all: an escaped `/` never separates.
pub(super) fn parse(path: &str) -> Option<Target<'_>> {
    let mut rest = path.strip_prefix('/')?;
    let mut name = String::new();
    while let Some(tail) = rest.strip_prefix("job/") {
        let (segment, after) = tail.split_once('/').unwrap_or((tail, ""));
        let part = decode(segment)?;
        if part.contains('/') {
            return None;
        }
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(&part);
        if !tail.contains('/') {
            return name.parse::<JobName>().is_ok().then_some(Target::AddSlash);
        }
        rest = after;
    }
    let job: JobName = name.parse().ok()?;
    if rest.is_empty() {
        return Some(Target::Job(job));
    }
    let (number, after) = rest.split_once('/').unwrap_or((rest, ""));
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| number.parse().ok()).flatten()?;
    if !rest.contains('/') {
        return Some(Target::AddSlash);
    }
    Some(Target::Build { job, number, rest: after })
}

/// Percent escapes undone; `None` when the bytes are no UTF-8 or an escape is broken.
pub(super) fn decode(segment: &str) -> Option<String> {
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        if bytes[place] == b'%' {
            let digits = segment.get(place + 1..place + 3)?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
            place += 3;
        } else {
            out.push(bytes[place]);
            place += 1;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Addresses;

    fn job(name: &str) -> JobName {
        name.parse().unwrap()
    }

    #[test]
    fn decision_25_paths_read_back_what_addresses_wrote() {
        for name in ["unit", "ops/puppet lint", "a/7", "é%2F?#"] {
            let addresses = Addresses::new("");
            let path = addresses.build(&job(name), 12);
            assert_eq!(parse(&path), Some(Target::Build { job: job(name), number: 12, rest: "" }), "{path}");
            assert_eq!(parse(&addresses.job(&job(name))), Some(Target::Job(job(name))));
        }
    }

    #[test]
    fn what_follows_the_number_stays_as_it_came() {
        let found = parse("/job/unit/7/artifact/a%2Fb/c.txt");
        assert_eq!(found, Some(Target::Build { job: job("unit"), number: 7, rest: "artifact/a%2Fb/c.txt" }));
    }

    #[test]
    fn pages_end_in_a_slash() {
        for path in ["/job/unit", "/job/unit/7", "/job/ops/job/unit"] {
            assert_eq!(parse(path), Some(Target::AddSlash), "{path}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_nothing() {
        for path in [
            "/job/",
            "/job//7/",
            "/job/%2e%2e/7/",
            "/job/a%2Fb/",
            "/job/unit/x/",
            "/job/unit/-1/",
            "/job/%zz/",
        ] {
            assert_eq!(parse(path), None, "{path}");
        }
    }
}
