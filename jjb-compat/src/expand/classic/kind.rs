//! Jobs and views are expanded by the same rules; this is where they differ.

/// The words of jobs or of views.
pub(super) struct Kind {
    pub(super) plain: &'static str,
    pub(super) template: &'static str,
    pub(super) group: &'static str,
    /// The key of a project that lists references.
    pub(super) list: &'static str,
    pub(super) is_job: bool,
}

pub(super) const JOBS: Kind =
    Kind { plain: "job", template: "job-template", group: "job-group", list: "jobs", is_job: true };

pub(super) const VIEWS: Kind =
    Kind { plain: "view", template: "view-template", group: "view-group", list: "views", is_job: false };
