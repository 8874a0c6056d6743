//! Checkouts: YAML in, recipe out, and what the script does with a real git.

use std::path::Path;
use std::process::Command;

use super::should_tests::{read, said};
use crate::catalog::Weight;
use crate::catalog::recipe::{BindingForm, Inject, Recipe, ShellStep, Step};

fn checkout(keys: &str) -> (ShellStep, Inject) {
    let (recipe, findings) = read(keys);
    assert_eq!(findings.last(), Some(&(Weight::Difference, "checkout-on-node")), "{keys}");
    match &recipe.steps[..] {
        [Step::Shell(step), Step::Inject(left), ..] => (ShellStep::clone(step), Inject::clone(left)),
        other => panic!("{other:?}"),
    }
}

fn git(directory: &Path, words: &str) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=x", "-c", "user.email=x@y"]).args(words.split(' '));
    let out = command.current_dir(directory).output().unwrap();
    assert!(out.status.success(), "git {words}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// A repository with two commits on `main`, a branch, a tag, and a ref beside the branches.
fn repository(directory: &Path) {
    git(directory, "init -q -b main .");
    std::fs::write(directory.join("a"), "one").unwrap();
    git(directory, "add a");
    git(directory, "commit -q -m one");
    git(directory, "tag v1");
    git(directory, "branch REL1");
    std::fs::write(directory.join("a"), "two").unwrap();
    git(directory, "commit -q -a -m two");
    git(directory, "update-ref refs/changes/1 v1");
}

/// Runs a checkout below `workspace`: whether it went well, what `a` holds, and what is left for the steps.
fn carry_out(workspace: &Path, options: &str, variables: &[(&str, &str)]) -> (bool, String, String) {
    let _ = std::fs::remove_dir_all(workspace);
    std::fs::create_dir(workspace).unwrap();
    let (step, left) = checkout(&format!("scm:\n  - git: {{{options}}}\n"));
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &step.script]).current_dir(workspace).envs(variables.iter().copied());
    let done = command.output().unwrap();
    let read = |path: &str| std::fs::read_to_string(workspace.join(path)).unwrap_or_default();
    let file = left.file.unwrap().replace("$WHERE", "deep");
    let directory = file.strip_suffix("/.git/causeway.properties").unwrap();
    (done.status.success(), read(&format!("{directory}/a")), read(&file))
}

#[test]
fn jjb_23_git_finds_a_branch_as_jenkins_does() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, workspace) = (folder.path().join("it's origin"), folder.path().join("workspace"));
    std::fs::create_dir(&origin).unwrap();
    repository(&origin);
    let (one, two) = (git(&origin, "rev-parse v1"), git(&origin, "rev-parse main"));
    let url = format!("url: \"{}\"", origin.display());
    for (options, content, branch, commit) in [
        ("branches: [main]", "two", "origin/main", &two),
        ("branches: ['*/REL1']", "one", "origin/REL1", &one),
        ("branches: [origin/REL1], basedir: src/$WHERE", "one", "origin/REL1", &one),
        ("branches: [refs/heads/main], name: up", "two", "up/main", &two),
        ("branches: ['$REF']", "one", "origin/REL1", &one),
        ("branches: [v1], shallow-clone: true, wipe-workspace: false", "one", "detached", &one),
        ("branches: [refs/tags/v1]", "one", "detached", &one),
        ("branches: [FETCH_HEAD], refspec: refs/changes/1, honor-refspec: true", "one", "detached", &one),
    ] {
        let variables = [("REF", "REL1"), ("WHERE", "deep")];
        let (well, found, left) = carry_out(&workspace, &format!("{url}, {options}"), &variables);
        assert!(well, "{options}");
        assert_eq!(found, content, "{options}");
        let url = origin.display();
        assert_eq!(left, format!("GIT_COMMIT={commit}\nGIT_BRANCH={branch}\nGIT_URL={url}\n"), "{options}");
    }
    let local = format!("{url}, branches: [main], local-branch: '**', do-not-fetch-tags: true, clean: true");
    let (_, _, left) = carry_out(&workspace, &local, &[]);
    assert!(left.contains("GIT_LOCAL_BRANCH=main\n"), "{left}");
    assert_eq!(git(&workspace, "branch --show-current"), "main");
    assert_eq!(git(&workspace, "tag"), "");
    for options in ["branches: [none]", "branches: ['$NONE']", "branches: ['$STAR']", "branches: ['$(id)']"] {
        let (well, _, left) = carry_out(&workspace, &format!("{url}, {options}"), &[("STAR", "*")]);
        assert_eq!((well, left.as_str()), (false, ""), "{options}");
    }
}

#[test]
fn jjb_23_git_submodules_references_and_remotes() {
    let folder = tempfile::tempdir().unwrap();
    let (inner, outer) = (folder.path().join("inner"), folder.path().join("outer"));
    let workspace = folder.path().join("workspace");
    for directory in [&inner, &outer] {
        std::fs::create_dir(directory).unwrap();
        repository(directory);
    }
    git(&outer, &format!("-c protocol.file.allow=always submodule --quiet add {} sub", inner.display()));
    git(&outer, "commit -q -m sub");
    let allowed = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
        ("GIT_CONFIG_VALUE_0", "always"),
    ];
    let url = format!("url: \"{}\", branches: [main]", outer.display());
    for (options, there) in [
        ("lfs-pull: false", false),
        ("submodule: {recursive: true}", true),
        ("submodule: {disable: true}", false),
    ] {
        let (well, ..) = carry_out(&workspace, &format!("{url}, {options}"), &allowed);
        assert_eq!((well, workspace.join("sub/a").exists()), (true, there), "{options}");
    }
    let reference = format!("{url}, reference-repo: \"{}\"", outer.display());
    assert!(carry_out(&workspace, &reference, &[]).0);
    let objects = workspace.join(".git/objects/info/alternates");
    assert_eq!(std::fs::read_to_string(objects).unwrap().trim(), format!("{}/.git/objects", outer.display()));
    let two = format!(
        "remotes: [{{here: {{url: \"{}\"}}}}, {{there: {{url: \"{}\"}}}}], branches: [main]",
        inner.display(),
        outer.display()
    );
    let (well, _, left) = carry_out(&workspace, &two, &[]);
    assert!(well && left.contains("GIT_BRANCH=here/main\n") && left.contains("GIT_URL_2="), "{left}");
}

#[test]
fn jjb_t1_a_checkout_comes_before_wrappers() {
    let (recipe, _) = read(
        "retry-count: 2\nbuilders: [{shell: x}]\nwrappers: [{inject: {properties-content: A=1}}]\nscm: [{git: {url: u, branches: [m], \
         git-config-name: N, committer: {email: e@f}}}]",
    );
    let [Step::Shell(step), Step::Inject(left), Step::Inject(_), Step::Shell(_)] = &recipe.steps[..] else {
        panic!("{recipe:?}")
    };
    assert!(step.script.contains("tries=3\n"), "{}", step.script);
    let names: Vec<&str> = left.variables.iter().map(|(name, _)| name.as_str()).collect();
    let both = ["GIT_COMMITTER_NAME", "GIT_AUTHOR_NAME", "GIT_COMMITTER_EMAIL", "GIT_AUTHOR_EMAIL"];
    assert_eq!(names, both);
    // The last word of the shell: the checkout's own, once all tries are over.
    let failed = Command::new("/bin/sh").args(["-c", &step.script]).env("PATH", "/none").output().unwrap();
    assert!(!failed.status.success());
    let again = String::from_utf8_lossy(&failed.stdout).matches("Trying the checkout again").count();
    assert_eq!(again, 2);
}

#[test]
fn git_credentials() {
    let with = |url: &str| -> Recipe {
        read(&format!("scm: [{{git: {{url: '{url}', credentials-id: c, branches: [m]}}}}]")).0
    };
    for url in ["ssh://git@host/x", "git@host:x"] {
        assert_eq!((with(url).ssh_agent, with(url).credentials.len()), (vec!["c".to_owned()], 0), "{url}");
    }
    let recipe = with("https://host/x");
    let [binding] = &recipe.credentials[..] else { panic!("{recipe:?}") };
    assert!(
        matches!(&binding.form, BindingForm::UserPasswordSeparated { user, .. } if user == "CAUSEWAY_GIT_USER")
    );
    let Step::Shell(step) = &recipe.steps[0] else { panic!() };
    assert!(step.script.contains("\"password=$CAUSEWAY_GIT_PASSWORD\""), "{}", step.script);
}

#[test]
fn git_that_differs_or_stays() {
    let here = (Weight::Difference, "checkout-on-node");
    for (options, want) in [
        ("branches: [m], browser: cgit", vec![(Weight::Difference, "option-without-effect"), here]),
        ("branches: [m], excluded-users: [a]", vec![(Weight::Difference, "option-without-effect"), here]),
        ("branches: [m], merge: {branch: x}", vec![(Weight::Stays, "option-not-carried"), here]),
        ("branches: [m], skip-tag: false", vec![(Weight::Stays, "option-not-carried"), here]),
        ("branches: [m], choosing-strategy: gerrit", vec![(Weight::Stays, "option-not-carried"), here]),
        ("branches: [m], brunches: x", vec![(Weight::Difference, "unknown-option"), here]),
        ("shallow-clone: true", vec![(Weight::Stays, "several-branches")]),
        ("branches: ['**']", vec![(Weight::Stays, "several-branches")]),
        ("branches: [a, b]", vec![(Weight::Stays, "several-branches")]),
        ("branches: [':^x']", vec![(Weight::Stays, "several-branches")]),
    ] {
        assert_eq!(said(&format!("scm: [{{git: {{url: u, {options}}}}}]")), want, "{options}");
    }
    assert_eq!(said("scm: [{git: {branches: [m]}}]"), [(Weight::Error, "missing-option")]);
    let remotes = said("scm: [{git: {remotes: [{a: {refspec: x}}], branches: [m]}}]");
    assert_eq!(remotes, [(Weight::Error, "missing-option")]);
}

#[test]
fn pollscm() {
    for trigger in ["pollscm: {cron: '0 3 * * *'}", "pollscm: '0 3 * * *'"] {
        let (recipe, findings) = read(&format!("triggers:\n  - {trigger}\n"));
        assert_eq!(recipe.timers, ["0 3 * * *"], "{trigger}");
        let codes: Vec<_> = findings.iter().map(|(_, code)| *code).collect();
        assert_eq!(codes, ["starts-unasked", "timed-here"], "{trigger}");
    }
    assert_eq!(
        said("triggers:\n  - pollscm: {ignore-post-commit-hooks: true}\n")[0],
        (Weight::Error, "missing-option")
    );
}
