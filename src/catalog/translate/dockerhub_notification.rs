//! Trigger `dockerhub-notification` (plugin dockerhub-notification): builds when an image was pushed (docker-27.8). Options:
//! `referenced-image` (absent), `repositories` ([]). Not carried: the job stays.

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) {
    let mut options = Options::of(scope, component);
    let referenced = options.node("referenced-image").is_some();
    let repositories = options.list("repositories").len();
    options.close();
    let problem = if referenced || repositories > 0 {
        Problem::error("not-done-yet", "jobs are not started by pushes to a registry yet")
            .because("Causeway takes no notifications from registries")
            .cure("leave the job on Jenkins until then, or start it in another way")
    } else {
        Problem::error("not-done-yet", "trigger 'dockerhub-notification' is not carried yet")
            .because("it names no image, so the job never starts by it in Jenkins either")
            .cure("remove the trigger")
    };
    scope.find(Weight::Stays, component, component.place, problem);
}
