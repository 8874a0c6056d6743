//! Publisher `docker-stop-container` (plugin docker-plugin): nothing to do (docker-M8). Option: `remove-stopped-containers` (false).

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) {
    let mut options = Options::of(scope, component);
    let _ = options.flag("remove-stopped-containers", false);
    options.close();
    let problem = Problem::note("left-out", "publisher 'docker-stop-container' has nothing to stop")
        .because("all containers of a lease go with it");
    scope.find(Weight::Difference, component, component.place, problem);
}
