//! Wrapper `ansicolor`: becomes `TERM`. Option: `colormap` (`xterm`).

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;

/// The colour map's name.
pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> String {
    let mut options = Options::of(scope, component);
    let terminal = options.text_or("colormap", "xterm");
    options.close();
    terminal
}
