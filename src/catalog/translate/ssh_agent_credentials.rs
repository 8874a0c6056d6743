//! Wrapper `ssh-agent-credentials`: an agent with keys for the steps. Options: `users` (ids of credentials), `user` (one id, of old;
//! passed over beside `users`), `ignore-missing-credentials` (false; not carried).

use jjb_compat::Component;

use super::credentials_binding::known;
use super::options::{Options, text};
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Vec<String> {
    let mut options = Options::of(scope, component);
    let users = options.list("users").iter().map(|node| text(node).into_owned()).collect::<Vec<_>>();
    let one = options.text("user");
    let (key, ids) = if users.is_empty() { ("user", one.into_iter().collect()) } else { ("users", users) };
    if ids.is_empty() {
        let problem =
            Problem::error("missing-option", "'users' is missing").because("Job Builder stops here too");
        options.find(Weight::Error, "users", problem.cure("name the credentials"));
    }
    for id in &ids {
        known(scope, &options, key, id);
    }
    options.not_carried("ignore-missing-credentials", "false");
    options.close();
    ids
}
