//! Wrapper `config-file-provider`: files from the configuration. Options: `files`, each `file-id` (required), `target` (empty: beside
//! the workspace), `variable` (none), `replace-tokens` (false; not carried).

use jjb_compat::{Component, Node};

use super::credentials_binding::known;
use super::options::Options;
use super::scope::Scope;
use crate::catalog::recipe::ManagedFile;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Vec<ManagedFile> {
    let mut options = Options::of(scope, component);
    let files = options.list("files");
    options.close();
    files.iter().filter_map(|entry| file(scope, component, entry)).collect()
}

fn file(scope: &Scope<'_>, component: &Component, entry: &Node) -> Option<ManagedFile> {
    let mut options = Options::inside(scope, component, entry);
    let id = options.need("file-id");
    let (target, variable) = (options.text_or("target", ""), options.text_or("variable", ""));
    options.not_carried("replace-tokens", "false");
    if let Some(id) = &id {
        known(scope, &options, "file-id", id);
    }
    options.close();
    let place = scope.place(if entry.place.is_somewhere() { entry.place } else { component.place });
    id.map(|id| ManagedFile { id, target, variable, place })
}
