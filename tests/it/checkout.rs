//! Builds that check out by themselves (scm `git`, jjb-T1, jjb-T21): real runs, with a repository on this machine.

use std::path::Path;
use std::process::Command;

use crate::given::{Place, run};

fn git(folder: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=one", "-c", "user.email=one@example.org"]).args(words);
    // Nothing of this machine's settings, and not the repository that the tests may run in.
    command.env_remove("GIT_DIR").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with the branches `master` and `work`; returns the commit of `work`.
fn repository(folder: &Path) -> String {
    std::fs::create_dir(folder).unwrap();
    git(folder, &["init", "-q", "-b", "master"]);
    for branch in ["master", "work"] {
        std::fs::write(folder.join("branch"), branch).unwrap();
        git(folder, &["checkout", "-q", "-B", branch]);
        git(folder, &["add", "branch"]);
        git(folder, &["commit", "-q", "-m", branch]);
    }
    git(folder, &["rev-parse", "work"])
}

#[test]
fn jjb_t1_a_checkout_comes_before_the_steps_and_says_what_it_found() {
    let folder = tempfile::Builder::new().prefix("cwg").tempdir_in("/tmp").unwrap();
    let repository_path = folder.path().join("repository");
    let commit = repository(&repository_path);
    let jobs = r##"
- job-template:
    name: '{name}'
    concurrent: true
    scm:
      - git: {url: 'REPOSITORY', branches: ['{branch}'], basedir: src}
    builders:
      - shell: |
          #!/bin/sh
          echo "has $(cat src/branch) at $GIT_COMMIT of $GIT_BRANCH"
      - conditional-step:
          condition-kind: files-match
          include-pattern: ['src/bran*']
          steps: [{shell: 'echo the-file-is-there'}]
      - conditional-step:
          condition-kind: files-match
          include-pattern: ['src/none*']
          steps: [{shell: 'echo never-said'}]
- project:
    name: both
    jobs:
      - '{name}': {name: finds, branch: origin/work}
      - '{name}': {name: misses, branch: origin/none}
"##;
    let place = Place::with(&jobs.replace("REPOSITORY", &repository_path.to_string_lossy()));
    let server = place.serve.start();
    let (result, text) = run(&server, "finds");
    assert_eq!(result, "SUCCESS", "{text}");
    let lines = [format!("has work at {commit} of origin/work"), "the-file-is-there".to_owned()];
    for line in lines {
        assert_eq!(text.matches(&format!("\n{line}\n")).count(), 1, "{line}: {text}");
    }
    assert!(!text.contains("\nnever-said\n"), "{text}");
    let (result, text) = run(&server, "misses");
    assert_eq!(result, "FAILURE", "{text}");
    assert!(text.contains("There is no 'origin/none' in the repository"), "{text}");
    assert!(!text.contains("\nhas "), "{text}");
}
