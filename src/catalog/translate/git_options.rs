//! What the scm `git` says: remotes, the branch, and how it is checked out. The options are upstream's, with its defaults.

use jjb_compat::{Map, Node};

use super::options::{Options, text};
use crate::catalog::finding::Weight;
use crate::model::Problem;

/// One remote.
#[derive(Debug)]
pub(super) struct Remote {
    pub name: String,
    pub url: String,
    pub refspec: Option<String>,
    pub credential: Option<String>,
}

/// How submodules are checked out.
#[derive(Debug, Default)]
pub(super) struct Submodules {
    pub recursive: bool,
    pub tracking: bool,
    pub reference: String,
}

/// A checkout.
#[derive(Debug)]
pub(super) struct Checkout {
    pub remotes: Vec<Remote>,
    pub branch: String,
    /// Relative to the workspace.
    pub directory: String,
    pub reference: String,
    /// Commits of a shallow one.
    pub depth: Option<i64>,
    pub tags: bool,
    /// Whether only the refspec is fetched.
    pub honor_refspec: bool,
    pub prune: bool,
    pub local_branch: Option<String>,
    pub sparse: Vec<String>,
    pub submodules: Option<Submodules>,
    pub lfs: bool,
    /// Who new commits are by: name and mail address.
    pub committer: (String, String),
}

/// Options that are about watching a repository, which nobody does here.
const POLLING: [&str; 9] = [
    "fastpoll",
    "excluded-users",
    "included-regions",
    "excluded-regions",
    "ignore-commits-with-messages",
    "ignore-notify",
    "force-polling-using-workspace",
    "skip-notifications",
    "maximum-age",
];

/// Options that change pages of Jenkins.
const PAGES: [&str; 8] = [
    "browser",
    "browser-url",
    "browser-version",
    "project-name",
    "repo-name",
    "scm-name",
    "use-author",
    "changelog-against",
];

/// Reads all options; `None` when it cannot be done, which has been said then.
pub(super) fn read(options: &mut Options<'_>) -> Option<Checkout> {
    let remotes = remotes(options);
    let branch = branch(options);
    let submodules = submodules(options);
    let committer = committer(options);
    let shallow = options.flag("shallow-clone", false);
    let depth = options.whole("depth").unwrap_or(1).max(1);
    let checkout = Checkout {
        directory: options.text_or("basedir", "."),
        reference: options.text_or("reference-repo", ""),
        depth: shallow.then_some(depth),
        tags: !options.flag("do-not-fetch-tags", false),
        honor_refspec: options.flag("honor-refspec", false),
        prune: options.flag("prune", false) | options.flag("prune-tags", false),
        local_branch: options.text("local-branch"),
        sparse: sparse(options),
        lfs: options.flag("lfs-pull", false),
        remotes: remotes?,
        branch: branch?,
        submodules,
        committer,
    };
    left(options);
    Some(checkout)
}

/// What has no effect here, and what is not carried.
fn left(options: &mut Options<'_>) {
    // Every build has a workspace of its own, which is empty: there is nothing to wipe or to clean, whatever is said.
    for key in ["wipe-workspace", "clean"] {
        let _ = options.node(key);
    }
    for key in POLLING {
        options.without_effect(key, "Causeway does not watch repositories");
    }
    for key in PAGES {
        options.without_effect(key, "it is about Jenkins' pages");
    }
    options.without_effect("git-tool", "the node's image brings its git");
    options.without_effect("timeout", "the job's own time limit holds");
    options.not_carried("choosing-strategy", "default");
    options.not_carried("ancestor-sha1", "");
    options.not_carried("merge", "");
    options.not_carried("per-build-tag", "false");
    options.not_carried("skip-tag", "true");
}

fn remotes(options: &mut Options<'_>) -> Option<Vec<Remote>> {
    let listed = options.list("remotes");
    if listed.is_empty() {
        let name = options.text_or("name", "origin");
        let url = options.need("url");
        let (refspec, credential) = (options.text("refspec"), options.text("credentials-id"));
        return Some(vec![Remote { name, url: url?, refspec, credential }]);
    }
    // Beside a list of remotes upstream passes these over.
    for key in ["name", "url", "refspec", "credentials-id"] {
        options.without_effect(key, "the remotes are listed under 'remotes'");
    }
    let remote = |node: &Node| {
        let (name, of) = node.as_map()?.iter().next()?;
        let get = |key: &str| of.as_map().and_then(|of| of.get(key)).filter(|value| !value.is_null());
        let get = |key: &str| get(key).map(|value| text(value).into_owned());
        let name = text(name).into_owned();
        Some(Remote { name, url: get("url")?, refspec: get("refspec"), credential: get("credentials-id") })
    };
    let remotes: Option<Vec<_>> = listed.iter().map(remote).collect();
    if remotes.is_none() {
        let problem = Problem::error("missing-option", "a remote is a name with a 'url' below it");
        options.find(Weight::Error, "remotes", problem.because("Job Builder stops here too"));
    }
    remotes
}

/// The only branch. Which of several is built depends in Jenkins on what was built before.
fn branch(options: &mut Options<'_>) -> Option<String> {
    let listed: Vec<String> =
        options.list("branches").iter().map(|branch| text(branch).trim().to_owned()).collect();
    let one = match &listed[..] {
        [one] if !one.is_empty() => one.clone(),
        _ => "**".to_owned(),
    };
    let name = one.strip_prefix("*/").unwrap_or(&one);
    if name.contains(['*', '?']) || name.starts_with(':') || listed.len() > 1 {
        let problem = Problem::error("several-branches", "the job builds more than one branch")
            .because("which of them is built depends on what was built before, and nobody keeps that here")
            .cure("name one branch under 'branches', perhaps by a parameter");
        options.find(Weight::Stays, "branches", problem);
        return None;
    }
    Some(one)
}

fn sub<'n>(options: &mut Options<'n>, key: &'static str) -> Option<&'n Map> {
    options.node(key).and_then(Node::as_map)
}

fn yes(map: &Map, key: &str) -> bool {
    map.get(key).is_some_and(|node| text(node).eq_ignore_ascii_case("true"))
}

fn entry(map: Option<&Map>, key: &str) -> String {
    let node = map.and_then(|map| map.get(key)).filter(|node| !node.is_null());
    node.map(|node| text(node).into_owned()).unwrap_or_default()
}

/// Without a word about submodules nothing is done about them.
fn submodules(options: &mut Options<'_>) -> Option<Submodules> {
    let (off, recursive) =
        (options.flag("disable-submodules", false), options.flag("recursive-submodules", false));
    if options.node("submodule").is_none() {
        return (recursive && !off).then(|| Submodules { recursive, ..Submodules::default() });
    }
    let map = sub(options, "submodule")?;
    if yes(map, "parent-credentials") {
        let problem = Problem::error("option-not-carried", "'parent-credentials' is not carried yet")
            .cure("give the keys by 'ssh-agent-credentials'");
        options.find(Weight::Stays, "submodule", problem);
    }
    let reference = entry(Some(map), "reference-repo");
    let submodules =
        Submodules { recursive: yes(map, "recursive"), tracking: yes(map, "tracking"), reference };
    (!yes(map, "disable")).then_some(submodules)
}

fn committer(options: &mut Options<'_>) -> (String, String) {
    let own = (options.text_or("git-config-name", ""), options.text_or("git-config-email", ""));
    let map = sub(options, "committer");
    let or = |written: String, own: String| if written.is_empty() { own } else { written };
    (or(entry(map, "name"), own.0), or(entry(map, "email"), own.1))
}

fn sparse(options: &mut Options<'_>) -> Vec<String> {
    let paths = sub(options, "sparse-checkout").and_then(|map| map.get("paths")).and_then(Node::as_seq);
    paths.unwrap_or_default().iter().map(|path| text(path).into_owned()).collect()
}
