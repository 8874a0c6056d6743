//! Builder and wrapper `inject`, wrapper `env-file`: variables for all that follows. Options: `properties-file` (a file of the
//! workspace), `properties-content` (lines of `NAME=VALUE`), `script-content` (a script, run with them; what it exports is lost, as in
//! Jenkins); not carried: `script-file`, `groovy-script`, `load-from-master`.

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use super::shell;
use crate::catalog::properties;
use crate::catalog::recipe::Inject;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Inject {
    let mut options = Options::of(scope, component);
    let file = options.text("properties-file").filter(|path| !path.trim().is_empty());
    let variables =
        options.text("properties-content").map(|lines| properties::read(&lines)).unwrap_or_default();
    let script = options.text("script-content").filter(|text| !text.trim().is_empty());
    let script = script.and_then(|text| shell::script(scope, component, &text, None));
    options.not_carried("script-file", "");
    options.not_carried("groovy-script", "");
    options.without_effect("groovy-sandbox", "no Groovy script is run");
    options.not_carried("load-from-master", "false");
    options.close();
    Inject { file, variables, script, place: scope.place(component.place) }
}
