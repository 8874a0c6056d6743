//! Jobs of the tree without Causeway: their scripts run one after the other in the order of Jenkins' core, in the same image.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use jjb_compat::{Component, FileSystem, Job, Node, Options, Style, Workspace};

use super::site::Site;

/// What every job's file begins with.
const PRELUDE: &str = include_str!("direct");
/// Where the scripts of a tree without `#!` go (jjb-T11).
const SHELL: &[&str] = &["/bin/bash", "-xe"];

/// All jobs of the tree.
pub(super) fn read(tree: &Path) -> Vec<Job> {
    let options = Options { collect: true, ..Options::default() };
    let workspace = Workspace::open(FileSystem::new(), vec![tree.to_owned()], options);
    workspace.outcome().jobs.clone()
}

/// The value of an option, as text.
pub(super) fn option(node: &Node, name: &str) -> String {
    node.as_map()
        .and_then(|map| map.get(name))
        .map(|node| node.text(Style::Ordered).into_owned())
        .unwrap_or_default()
}

/// One job to be run directly.
pub(super) struct Run<'a> {
    pub job: &'a Job,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
}

/// A folder with all that a container needs to run jobs.
pub(super) struct Direct {
    folder: PathBuf,
}

impl Direct {
    pub(super) fn new(site: &Site) -> Direct {
        Direct { folder: site.folder().join("direct") }
    }

    /// The workspaces' folder.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("workspace")
    }

    /// Runs them all in one container; `options` are further ones of its own.
    #[track_caller]
    pub(super) fn run(&self, site: &Site, image: &str, runs: &[Run<'_>], options: &[&str]) {
        for run in runs {
            let folder = self.folder.join("jobs").join(&*run.job.name);
            fs::create_dir_all(&folder).unwrap();
            fs::create_dir_all(self.root().join(&*run.job.name)).unwrap();
            let text = script(run.job, &folder);
            fs::write(folder.join("run"), text).unwrap();
            let environment = run.environment.iter().map(|(name, value)| format!("{name}={value}\0"));
            fs::write(folder.join("environment"), environment.collect::<String>()).unwrap();
        }
        let (folder, mirror) = (self.folder.display(), site.folder().join("mirror"));
        // Two at a time, since the machine has two cores.
        let all = "cd jobs && ls | xargs -P 2 -I % /bin/bash -c 'exec >%/console 2>&1 && \
                   mapfile -t -d \"\" variables <%/environment && \
                   exec env -i \"${variables[@]}\" /bin/bash %/run'";
        let volumes = [format!("{folder}:{folder}"), format!("{}:/srv/git:ro", mirror.display())];
        let workdir = self.folder.display().to_string();
        let fixed = ["run", "--rm", "--network", "none", "--volume", &volumes[0], "--volume", &volumes[1]];
        let last = ["--workdir", &workdir, image, "/bin/bash", "-c", all];
        site.docker(&[&fixed[..], options, &last].concat());
    }

    /// What a job wrote, and its result.
    pub(super) fn console(&self, job: &str) -> (String, String) {
        let console = fs::read_to_string(self.folder.join("jobs").join(job).join("console")).unwrap();
        let result =
            console.lines().rev().find_map(|line| line.strip_prefix("direct-result ")).unwrap_or("none");
        let result = result.to_owned();
        (console, result)
    }
}

/// A job as a script of bash.
fn script(job: &Job, folder: &Path) -> String {
    let mut out = String::from(PRELUDE);
    let mut scripts = Scripts { folder: folder.to_owned(), count: 0 };
    for component in job.components.iter().filter(|component| component.kind == "builder") {
        let step = scripts.step(component);
        // The first that fails is the last one.
        writeln!(out, "[ $result != SUCCESS ] || {{ {step}; }} || result=FAILURE").unwrap();
    }
    for component in job.components.iter().filter(|component| &*component.name == "postbuildscript") {
        let arguments = component.arguments.as_map().unwrap();
        let groups = arguments.get("builders").unwrap().as_seq().unwrap();
        let unstable = option(&component.arguments, "mark-unstable-if-failed").eq_ignore_ascii_case("true");
        for (index, group) in groups.iter().enumerate() {
            let words = group.as_map().unwrap().get("build-on").and_then(Node::as_seq).unwrap_or_default();
            let words: Vec<_> = words.iter().map(|word| word.text(Style::Ordered)).collect();
            let words = if words.is_empty() { "SUCCESS".to_owned() } else { words.join(" ") };
            let steps = scripts.steps(component, &format!("builders[{index}].build-steps"));
            let worse = if unstable { "UNSTABLE" } else { "FAILURE" };
            writeln!(out, "if group {words}; then {{ {steps}; }} || worse {worse}; fi").unwrap();
        }
    }
    out + "echo \"direct-result $result\"\n"
}

/// The files of a job's scripts.
struct Scripts {
    folder: PathBuf,
    count: u32,
}

impl Scripts {
    fn steps(&mut self, component: &Component, path: &str) -> String {
        let steps: Vec<_> = component.children_at(path).map(|child| self.step(child)).collect();
        steps.join(" && ")
    }

    fn step(&mut self, component: &Component) -> String {
        match &*component.name {
            "shell" => self.shell(&component.arguments.text(Style::Ordered)),
            // Jobs that the tests do without.
            "trigger-builds" => "true".to_owned(),
            "conditional-step" => {
                let option = |name: &str| option(&component.arguments, name);
                assert_eq!(option("condition-kind"), "regex-match");
                let steps = self.steps(component, "steps");
                format!("{{ ! matches \"{}\" '{}' || {{ {steps}; }}; }}", option("label"), option("regex"))
            }
            other => panic!("a builder '{other}'"),
        }
    }

    /// jjb-T10 to T12.
    fn shell(&mut self, text: &str) -> String {
        self.count += 1;
        let file = self.folder.join(format!("step{}", self.count));
        let (words, text) = match text.strip_prefix("#!") {
            Some(rest) => {
                let first = rest.lines().next().unwrap();
                (first.split_whitespace().collect(), text.to_owned())
            }
            None => (SHELL.to_vec(), format!("\n{text}")),
        };
        fs::write(&file, text).unwrap();
        format!("step {} {}", file.display(), words.join(" "))
    }
}
