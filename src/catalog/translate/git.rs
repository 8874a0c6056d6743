//! Scm `git`: a checkout before all else (jjb-T1), by a script with the node's own git. What it found is left in variables (`GIT_*`,
//! jjb-T21). The options, with upstream's defaults, are in `git_options`.
//!
//! `credentials-id` of a URL that ssh reads goes to the build's ssh agent; of any other it becomes a user and a password in variables,
//! which the steps can read too.

use std::fmt::Write as _;
use std::sync::Arc;

use jjb_compat::Component;

use super::credentials_binding::known;
use super::git_options::{Checkout, Remote, Submodules, read};
use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{BindingForm, CredentialBinding, Inject, Recipe, ShellStep, Step};
use crate::model::Problem;

/// Variables for a password that git asks for.
const USER: &str = "CAUSEWAY_GIT_USER";
const PASSWORD: &str = "CAUSEWAY_GIT_PASSWORD";

/// Where the checkout leaves its variables, in git's own directory.
const LEFT: &str = ".git/causeway.properties";

/// The part of the script that is the same for all. A branch is looked for as Jenkins does: of the remote, as it is written, as a tag.
const FIND: &str = r#"
case $branch in
    -*|*[*?]*|'') echo "'$branch' is no branch" >&2; exit 1 ;;
    refs/heads/*) name=${branch#refs/heads/} ;;
    refs/remotes/"$remote"/*) name=${branch#refs/remotes/"$remote"/} ;;
    remotes/"$remote"/*) name=${branch#remotes/"$remote"/} ;;
    "$remote"/*) name=${branch#"$remote"/} ;;
    *) name=$branch ;;
esac
if commit=$(git rev-parse -q --verify "refs/remotes/$remote/$name^{commit}"); then
    found=$remote/$name
elif commit=$(git rev-parse -q --verify "$branch^{commit}"); then
    found=detached
elif commit=$(git rev-parse -q --verify "refs/tags/$name^{commit}"); then
    found=$name
else
    echo "There is no '$branch' in the repository" >&2
    exit 1
fi
"#;

pub(super) fn translate(scope: &Scope<'_>, component: &Component, recipe: &mut Recipe) {
    let mut options = Options::of(scope, component);
    let checkout = read(&mut options);
    if let Some(checkout) = &checkout {
        for remote in &checkout.remotes {
            credential(scope, component, &options, remote, recipe);
        }
    }
    options.close();
    let Some(checkout) = checkout else { return };
    let problem = Problem::note("checkout-on-node", "the checkout is a step of the build")
        .because("it runs with the git of the node's image, and its time counts to the job's limit")
        .cure("use an image that has git");
    scope.find(Weight::Difference, component, component.place, problem);
    let place = scope.place(component.place);
    let step = ShellStep {
        interpreter: vec!["/bin/sh".to_owned()],
        script: script(&checkout, scope.retries.get()),
        unstable_return: None,
        place: place.clone(),
    };
    let mut variables = Vec::new();
    let (name, mail) = &checkout.committer;
    for (value, keys) in [
        (name, ["GIT_COMMITTER_NAME", "GIT_AUTHOR_NAME"]),
        (mail, ["GIT_COMMITTER_EMAIL", "GIT_AUTHOR_EMAIL"]),
    ] {
        if !value.is_empty() {
            variables.extend(keys.map(|key| (key.to_owned(), value.clone())));
        }
    }
    let file = format!("{}/{LEFT}", checkout.directory.trim_end_matches('/'));
    let left = Inject { file: Some(file), variables, script: None, place };
    scope.add_checkout([Step::Shell(Arc::new(step)), Step::from(left)]);
}

fn credential(
    scope: &Scope<'_>,
    component: &Component,
    options: &Options<'_>,
    remote: &Remote,
    recipe: &mut Recipe,
) {
    let Some(id) = &remote.credential else { return };
    known(scope, options, "credentials-id", id);
    let by_ssh = match remote.url.split_once("://") {
        Some((scheme, _)) => scheme.ends_with("ssh"),
        None => remote.url.contains(':'),
    };
    if by_ssh {
        if !recipe.ssh_agent.contains(id) {
            recipe.ssh_agent.push(id.clone());
        }
        return;
    }
    let given = |binding: &&CredentialBinding| matches!(&binding.form, BindingForm::UserPasswordSeparated { user, .. } if user == USER);
    match recipe.credentials.iter().find(given) {
        Some(binding) if binding.credential == *id => return,
        Some(_) => {
            let problem = Problem::error("option-not-carried", "only one password for git is carried");
            options.find(Weight::Stays, "remotes", problem.cure("use the same credential for all remotes"));
        }
        None => {
            let form =
                BindingForm::UserPasswordSeparated { user: USER.to_owned(), password: PASSWORD.to_owned() };
            let place = scope.place(component.place);
            recipe.credentials.push(CredentialBinding { credential: id.clone(), form, place });
        }
    }
    let problem =
        Problem::note("password-visible", format!("the steps can read the password in ${PASSWORD}"))
            .because("on Jenkins only git gets it");
    options.find(Weight::Difference, "credentials-id", problem);
}

/// A text for the shell: it stands for itself, but for variables, and an unknown one stays as it is written (jjb-T26).
fn quoted(text: &str) -> String {
    let plain = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        let braced = after.strip_prefix('{');
        let name_of = braced.unwrap_or(after);
        let end = name_of.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let name = &name_of[..end.unwrap_or(name_of.len())];
        let closed = braced.is_none() || name_of[name.len()..].starts_with('}');
        if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) || !closed {
            words.push_str(&plain(&format!("{before}$")));
            rest = after;
            continue;
        }
        let written = if braced.is_some() { format!("\\${{{name}\\}}") } else { format!("\\${name}") };
        let _ = write!(words, "{}\"${{{name}-{written}}}\"", plain(before));
        rest = &name_of[name.len() + usize::from(braced.is_some())..];
    }
    words.push_str(&plain(rest));
    words
}

/// The whole script: the checkout, tried as often as the job says, and what it leaves.
fn script(checkout: &Checkout, retries: u32) -> String {
    let directory = quoted(&checkout.directory);
    format!(
        "directory={directory}\nremote={}\nbranch={}\nbranch=${{branch#'*/'}}\n\
         export GIT_TERMINAL_PROMPT=0\n\
         checkout() {{\nset -eu\nmkdir -p \"$directory\"\ncd \"$directory\"\n{}}}\n\
         tries={}\nwhile :; do\n    ( checkout )\n    code=$?\n    tries=$((tries - 1))\n    \
         if [ $code -eq 0 ] || [ $tries -le 0 ]; then exit $code; fi\n    echo 'Trying the checkout again'\n    \
         rm -rf \"$directory/.git\"\ndone\n",
        quoted(&checkout.remotes[0].name),
        quoted(&checkout.branch),
        commands(checkout),
        retries.saturating_add(1),
    )
}

fn commands(checkout: &Checkout) -> String {
    let mut lines = String::from("git init -q .\n");
    let mut line = |text: String| {
        lines.push_str(&text);
        lines.push('\n');
    };
    if checkout.remotes.iter().any(|remote| remote.credential.is_some()) {
        line(format!(
            "git config credential.helper '!f() {{ echo \"username=${USER}\"; echo \"password=${PASSWORD}\"; }}; f'"
        ));
    }
    if !checkout.reference.is_empty() {
        let reference = quoted(&checkout.reference);
        line(format!("reference={reference}"));
        line("[ ! -d \"$reference/.git\" ] || reference=$reference/.git".to_owned());
        line("if [ -d \"$reference/objects\" ]; then echo \"$reference/objects\" >.git/objects/info/alternates".to_owned());
        line("else echo \"There is no reference repository $reference\"; fi".to_owned());
    }
    for remote in &checkout.remotes {
        fetch(checkout, remote, &mut line);
    }
    if !checkout.sparse.is_empty() {
        line("git config core.sparseCheckout true".to_owned());
        let paths: Vec<_> = checkout.sparse.iter().map(|path| quoted(path)).collect();
        line(format!("printf '%s\\n' {} >.git/info/sparse-checkout", paths.join(" ")));
    }
    line(FIND.to_owned());
    line("echo \"Checking out $commit ($found)\"".to_owned());
    let named = "'' | '**'";
    match &checkout.local_branch {
        None => line("git checkout -q -f --detach \"$commit\"".to_owned()),
        Some(local) => {
            line(format!("local={}", quoted(local)));
            line(format!("case $local in {named}) local=$name ;; esac"));
            line("git checkout -q -f -B \"$local\" \"$commit\"".to_owned());
        }
    }
    if checkout.lfs {
        line("git lfs pull \"$remote\"".to_owned());
    }
    if let Some(submodules) = &checkout.submodules {
        line(update(submodules));
    }
    line(left(checkout));
    lines
}

fn fetch(checkout: &Checkout, remote: &Remote, line: &mut impl FnMut(String)) {
    let (name, url) = (quoted(&remote.name), quoted(&remote.url));
    let all = format!("+refs/heads/*:refs/remotes/{}/*", remote.name);
    let mut flags = String::from(if checkout.tags { " --tags" } else { " --no-tags" });
    if let Some(depth) = checkout.depth {
        let _ = write!(flags, " --depth={depth}");
    }
    if checkout.prune {
        flags.push_str(" --prune");
    }
    line(format!("git config remote.{name}.url {url}"));
    let own = remote.refspec.as_deref().filter(|own| *own != all);
    // A first clone fetches all branches, unless it is told otherwise; then comes what the job asks for.
    if own.is_none() || !checkout.honor_refspec {
        line(format!("git fetch{flags} --force {name} {}", quoted(&all)));
    }
    line(format!("git config --add remote.{name}.fetch {}", quoted(own.unwrap_or(&all))));
    if let Some(own) = own {
        let words: Vec<_> = own.split_whitespace().map(quoted).collect();
        line(format!("git fetch{flags} --force {name} {}", words.join(" ")));
    }
}

fn update(submodules: &Submodules) -> String {
    let mut text = String::from("git submodule init\ngit submodule sync\ngit submodule update --init");
    for (flag, on) in [("recursive", submodules.recursive), ("remote", submodules.tracking)] {
        if on {
            let _ = write!(text, " --{flag}");
        }
    }
    if !submodules.reference.is_empty() {
        let _ = write!(text, " --reference {}", quoted(&submodules.reference));
    }
    text
}

/// The variables of core's list (jjb-T21), as far as one build alone can know them.
fn left(checkout: &Checkout) -> String {
    let mut text = String::from("{\nprintf 'GIT_COMMIT=%s\\nGIT_BRANCH=%s\\n' \"$commit\" \"$found\"\n");
    if checkout.local_branch.is_some() {
        text.push_str("printf 'GIT_LOCAL_BRANCH=%s\\n' \"$local\"\n");
    }
    match &checkout.remotes[..] {
        [one] => {
            let _ = writeln!(text, "printf 'GIT_URL=%s\\n' {}", quoted(&one.url));
        }
        several => {
            for (place, remote) in several.iter().enumerate() {
                let _ = writeln!(text, "printf 'GIT_URL_{}=%s\\n' {}", place + 1, quoted(&remote.url));
            }
        }
    }
    let _ = write!(text, "}} >{LEFT}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_t26_an_unknown_variable_stays_as_it_is_written() {
        for (text, want) in [
            ("master", "'master'"),
            ("a$B/c", "'a'\"${B-\\$B}\"'/c'"),
            ("${X}", "''\"${X-\\${X\\}}\"''"),
            ("$(id)'`x`", "'$''(id)'\\''`x`'"),
            ("$1 ${a b}", "'$''1 $''{a b}'"),
        ] {
            assert_eq!(quoted(text), want, "{text}");
        }
    }
}
