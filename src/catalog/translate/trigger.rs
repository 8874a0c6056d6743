//! Publisher `trigger`: starts jobs after this build, without parameters. Options: `project` (text, several with `,`), `threshold`
//! (SUCCESS; UNSTABLE, FAILURE: the worst result with which they are started).

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use super::trigger_builds::projects;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{BuildStart, StartAfter, StartsAfter};
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> StartsAfter {
    let mut options = Options::of(scope, component);
    let _ = options.need("project");
    let jobs = projects(scope, &mut options);
    let on: &[&str] = match options.text_or("threshold", "SUCCESS").to_uppercase().as_str() {
        "SUCCESS" => &["SUCCESS"],
        "UNSTABLE" => &["SUCCESS", "UNSTABLE"],
        "FAILURE" => &["SUCCESS", "UNSTABLE", "FAILURE"],
        other => {
            let message = format!("'{}' is no threshold", other.escape_debug());
            let problem = Problem::error("unknown-word", message).cure("write SUCCESS, UNSTABLE or FAILURE");
            options.find(Weight::Error, "threshold", problem);
            &[]
        }
    };
    options.close();
    let on = on.iter().map(|word| (*word).to_owned()).collect();
    let start = BuildStart { jobs, parameters: Vec::new(), wait: None };
    let starts =
        if start.jobs.is_empty() { vec![] } else { vec![StartAfter { on, start, without_parameters: true }] };
    StartsAfter { publisher: "trigger".to_owned(), starts, place: scope.place(component.place) }
}
