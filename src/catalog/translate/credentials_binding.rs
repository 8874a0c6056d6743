//! Wrapper `credentials-binding`: a list of bindings. `text`, `file`, `username-password`: `credential-id`, `variable`;
//! `username-password-separated`: `credential-id`, `username`, `password`; `ssh-user-private-key`: `credential-id`,
//! `key-file-variable`, `username-variable`, `passphrase-variable`. Others of upstream's are not carried.

use jjb_compat::{Component, Map, Node};

use super::options::{Options, text};
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{BindingForm, CredentialBinding};
use crate::model::Problem;

/// Upstream's words that are not carried.
const OTHERS: [&str; 4] =
    ["zip-file", "amazon-web-services", "docker-server-creds-binding", "cert-multi-binding"];

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Vec<CredentialBinding> {
    let items = component.arguments.as_seq().unwrap_or(std::slice::from_ref(&component.arguments));
    let entries = items.iter().filter_map(Node::as_map).flat_map(Map::iter);
    entries.filter_map(|(kind, arguments)| binding(scope, component, kind, arguments)).collect()
}

fn binding(
    scope: &Scope<'_>,
    component: &Component,
    kind: &Node,
    arguments: &Node,
) -> Option<CredentialBinding> {
    let mut options = Options::inside(scope, component, arguments);
    let word = text(kind);
    let form = match &*word {
        "text" => options.need("variable").map(|variable| BindingForm::Text { variable }),
        "file" => options.need("variable").map(|variable| BindingForm::File { variable }),
        "username-password" => {
            options.need("variable").map(|variable| BindingForm::UserPassword { variable })
        }
        "username-password-separated" => {
            let (user, password) = (options.need("username"), options.need("password"));
            user.zip(password).map(|(user, password)| BindingForm::UserPasswordSeparated { user, password })
        }
        "ssh-user-private-key" => {
            let (user, passphrase) = (options.text("username-variable"), options.text("passphrase-variable"));
            let key_file = options.need("key-file-variable");
            key_file.map(|key_file| BindingForm::SshKey { key_file, user, passphrase })
        }
        other => {
            let (weight, problem) = if OTHERS.contains(&other) {
                (
                    Weight::Stays,
                    Problem::error(
                        "binding-not-carried",
                        format!("bindings of type '{other}' are not carried yet"),
                    ),
                )
            } else {
                let message = format!("'{}' is no type of binding", other.escape_debug());
                (Weight::Error, Problem::error("unknown-word", message))
            };
            let cure =
                "use text, file, username-password, username-password-separated or ssh-user-private-key";
            scope.find(weight, component, kind.place, problem.cure(cure));
            return None;
        }
    };
    let credential = options.need("credential-id");
    if let Some(id) = &credential {
        known(scope, &options, "credential-id", id);
    }
    options.close();
    let place = scope.place(kind.place);
    credential.zip(form).map(|(credential, form)| CredentialBinding { credential, form, place })
}

/// A credential that the secret store does not have ends the build before its first step.
pub(super) fn known(scope: &Scope<'_>, options: &Options<'_>, key: &'static str, id: &str) {
    let missing = format!("the credential '{id}' is not in the secret store");
    let cure = format!("add it to 'credentials' in the configuration: - {{id: {id}, text: file:/path}}");
    match &scope.config.site {
        Some(site) if site.credentials.iter().any(|known| known == id) => {}
        Some(_) => {
            options.find(Weight::Stays, key, Problem::error("missing-credential", missing).cure(cure));
        }
        None => {
            let message = format!("the credential '{id}' is needed");
            options.find(Weight::Difference, key, Problem::note("missing-credential", message).cure(cure));
        }
    }
}
