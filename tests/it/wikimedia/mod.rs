//! Real jobs of Wikimedia's tree run on a real engine, from Zuul's submission to their result.
//!
//! What these jobs do, they do by calling `docker` (jjb-T40). The image of these tests holds a stand-in for it, which
//! writes down each call on the console and leaves the files that the job's next steps need.

mod direct;
mod same;
mod site;

use site::{BAD, Build, GOOD, SLOW, Site};

/// The calls of the macro that sets up the sources of a change.
const SOURCES: &[&str] = &["find /workspace/src", "install /workspace/cache", "ci-src-setup-simple"];

/// A job of the tree, and what it asks Docker for when all goes well, but for the cleaning up.
struct Job {
    name: &'static str,
    calls: Vec<&'static str>,
    /// A file that the job archives, and its text for the good and the bad project.
    archived: Option<(&'static str, [&'static str; 2])>,
}

/// Jobs of five templates; two of them archive, and one has its own idea of what is wrong.
fn jobs() -> Vec<Job> {
    let sources = |before: &[&'static str], after: &[&'static str]| [before, SOURCES, after].concat();
    vec![
        Job {
            name: "commit-message-validator",
            calls: sources(&[], &["commit-message-validator"]),
            archived: None,
        },
        Job {
            name: "php-compile-php82",
            calls: sources(&[], &["php82-compile"]),
            archived: Some(("src/tests/1.log", ["ok\n", "not ok\n"])),
        },
        Job {
            name: "php-pie-build-php83",
            calls: sources(&[], &["run-pie.sh php83-compile"]),
            archived: None,
        },
        Job {
            name: "shellcheck",
            calls: sources(&["find /workspace/log"], &["install /workspace/cache", "shellcheck"]),
            archived: None,
        },
        Job {
            name: "mediawiki-i18n-check",
            calls: sources(&["find /workspace/log"], &["bash ci-src-setup-simple"]),
            archived: Some(("log/additions.txt", ["+ Hello\n", "+ <script>\n"])),
        },
    ]
}

/// Whether a step of the job itself finds the fault, and no tool that it calls.
fn own_idea(job: &Job) -> bool {
    job.name == "mediawiki-i18n-check"
}

fn builds(site: &Site, project: &'static str) -> Vec<(Job, Build)> {
    let jobs = jobs();
    let wanted: Vec<_> = jobs.iter().map(|job| (job.name, project)).collect();
    let builds = site.run(&wanted);
    jobs.into_iter().zip(builds).collect()
}

/// What holds for every build of these jobs, however it went.
#[track_caller]
fn cleaned_up(job: &Job, build: &Build) {
    let console = build.console();
    let workspace = build.workspace();
    // Every call came from the workspace and carried the build's marks.
    let marks = [format!("jenkins.job={} ", job.name), format!("jenkins.build={} ", build.number)];
    for call in build.called() {
        let marked = marks.iter().all(|mark| call.contains(mark));
        assert!(marked || call.starts_with("stop "), "{call}");
    }
    assert!(console.contains(&format!("--volume {workspace}:/workspace ")), "{console}");
    // The last post step found the workspace empty and took it away; then there is only the cause of the result.
    let last: Vec<&str> = console.lines().rev().take(3).collect();
    let finished = format!("Finished: {}", build.result);
    assert_eq!([last[0], last[2]], [&*finished, &*format!("+ rmdir {workspace}")], "{console}");
    assert!(!console.contains("rmdir: "), "{console}");
    assert_eq!(console.matches("Finished: ").count(), 1, "{console}");
}

#[test]
fn jobs_of_the_real_tree_succeed() {
    let Some(site) = Site::open() else { return };
    for (job, build) in builds(&site, GOOD) {
        assert_eq!(build.result, "SUCCESS", "{}", build.console());
        let calls = [&job.calls[..], &["ps", "find /workspace"]].concat();
        assert_eq!(build.did(), calls, "{}", build.console());
        cleaned_up(&job, &build);
        // A called tool is given the build's parameters and Jenkins' variables, and nothing of the node's own.
        let tool = format!("tool of {GOOD} in {}, voting 1, PATH=\n", job.name);
        assert!(own_idea(&job) || build.console().contains(&tool), "{}", build.console());
        if let Some((path, [text, _])) = job.archived {
            assert_eq!(build.archived(path), text);
        }
    }
    site.nothing_left();
}

#[test]
fn jobs_of_the_real_tree_fail() {
    let Some(site) = Site::open() else { return };
    for (job, build) in builds(&site, BAD) {
        assert_eq!(build.result, "FAILURE", "{}", build.console());
        // A tool that failed has left a container, which the first post step finds and stops.
        let own = own_idea(&job);
        let post: &[&str] = if own { &["ps"] } else { &["ps", "stop c0ffee"] };
        let calls = [&job.calls[..], post, &["find /workspace"]].concat();
        assert_eq!(build.did(), calls, "{}", build.console());
        assert_eq!(own, build.console().contains("HTML detected"), "{}", build.console());
        cleaned_up(&job, &build);
        if let Some((path, [_, text])) = job.archived {
            assert_eq!(build.archived(path), text);
        }
    }
    // A job of one step for another label, without post steps, as Zuul runs it for archived repositories.
    let build = &site.run(&[("fail-archived-repositories", GOOD)])[0];
    assert_eq!(build.result, "FAILURE");
    let end = "+ exit 1\nstep 1 (shell) ended with exit code 1\nFinished: FAILURE\n";
    assert!(build.console().ends_with(end), "{}", build.console());
    assert!(build.did().is_empty());
    site.nothing_left();
}

/// Zuul stops a build in the middle of a tool's call: the post steps of an aborted build clean up all the same.
#[test]
fn a_job_of_the_real_tree_is_stopped() {
    let Some(site) = Site::open() else { return };
    let job = &jobs()[0];
    let build = site.stop_at(&format!("tool of {SLOW}"), job.name, SLOW);
    assert_eq!(build.result, "ABORTED", "{}", build.console());
    assert_eq!(build.did(), [&job.calls[..], &["ps", "find /workspace"]].concat(), "{}", build.console());
    cleaned_up(job, &build);
    site.nothing_left();
}
