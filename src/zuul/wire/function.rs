//! Names of Gearman functions (zuul 5.3, 5.9, 5.10, 6.2).

/// A function of ours, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function<'a> {
    /// `build:JOB` or `build:JOB:LABEL`: everything behind `build:`. Which part is the label only the catalogue can tell,
    /// since a job's name may hold a colon.
    Build(&'a str),
    /// `stop:MANAGER`.
    Stop(&'a str),
    /// `set_description:MANAGER`.
    SetDescription(&'a str),
}

impl<'a> Function<'a> {
    /// The function behind a name; `None` for names of other trades (`merger:merge`) and names that are not UTF-8.
    pub fn parse(name: &'a [u8]) -> Option<Function<'a>> {
        let (kind, rest) = std::str::from_utf8(name).ok()?.split_once(':')?;
        match kind {
            "build" => Some(Function::Build(rest)),
            "stop" => Some(Function::Stop(rest)),
            "set_description" => Some(Function::SetDescription(rest)),
            _ => None,
        }
    }
}

/// `build:JOB`.
pub fn build_function(job: &str) -> String {
    format!("build:{job}")
}

/// `build:JOB:LABEL`, for Zuul's `ZUUL_NODE` parameter (zuul 5.3).
pub fn build_label_function(job: &str, label: &str) -> String {
    format!("build:{job}:{label}")
}

/// `stop:MANAGER`.
pub fn stop_function(manager: &str) -> String {
    format!("stop:{manager}")
}

/// `set_description:MANAGER`.
pub fn set_description_function(manager: &str) -> String {
    format!("set_description:{manager}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_at_the_first_colon() {
        assert_eq!(Function::parse(b"build:unit:docker"), Some(Function::Build("unit:docker")));
        assert_eq!(Function::parse(b"stop:causeway"), Some(Function::Stop("causeway")));
        assert_eq!(Function::parse(b"merger:merge"), None);
        assert_eq!(Function::parse(b"build"), None);
        assert_eq!(Function::parse(b"build:\xff"), None);
    }
}
