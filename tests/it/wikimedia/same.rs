//! Jobs of many templates call Docker through Causeway exactly as when their scripts are run directly (jjb-T10 to T43): the same
//! calls in the same order, each with the same arguments, working directory, user and environment.

use std::collections::{BTreeMap, BTreeSet};

use jjb_compat::{Component, Job, Style};

use super::direct::{Direct, Run, option, read};
use super::site::{Build, GOOD, Image, Parts, Setup, Site, parameters, tree};

/// Writes down each call, in the node.
const RECORDER: &str = include_str!("recorder");
/// Writes down each call, in what is called.
const CI: &str = include_str!("ci");
/// At least so many templates are run.
const TEMPLATES_MIN: usize = 40;
/// What every secret of the site is.
const SECRET: &str = "Squeamish0ssifrage";
/// Components of the jobs that are run here; what the others need, no stand-in has.
const USED: &[&str] = &[
    "shell",
    "conditional-step",
    "trigger-builds",
    "postbuildscript",
    "archive",
    "timeout",
    "timestamps",
    "credentials-binding",
    "build-discarder",
    "string",
    "bool",
    "text",
    "zuul",
];

fn used(components: &[Component]) -> bool {
    components.iter().all(|component| USED.contains(&&*component.name) && used(&component.children))
}

/// The first job of each template, and jobs without one, for the label `Docker`.
fn of_each_template(jobs: &[Job]) -> Vec<&Job> {
    let mut chosen = BTreeMap::new();
    for job in jobs {
        // A pull needs a registry.
        let pulls = |component: &Component| component.arguments.text(Style::Ordered).contains("docker pull");
        let fits = option(&job.definition, "node") == "Docker"
            && used(&job.components)
            && !job.components.iter().any(pulls);
        if fits {
            chosen.entry(job.origin.template.as_ref().unwrap_or(&job.name)).or_insert(job);
        }
    }
    chosen.into_values().collect()
}

fn configuration(parts: &Parts<'_>, jobs: &[&Job], label: &str) -> String {
    let Parts { engine, image, .. } = parts;
    let names: Vec<_> = jobs.iter().map(|job| format!("'{}'", job.name)).collect();
    let (tree, mirror, names) = (parts.tree.display(), parts.mirror.display(), names.join(", "));
    let secrets: BTreeSet<_> = jobs.iter().flat_map(|job| bound(job)).map(|(id, _)| id).collect();
    let secret = |id: &String| format!("  - {{id: {id}, text: 'env:SECRET_OF_THE_SITE'}}\n");
    let secrets: String = secrets.iter().map(secret).collect();
    format!(
        "catalog:\n  jjb: ['{tree}']\n  default_shell: /bin/bash\n  own: [{names}]\n  \
         leave_out: [castor-save-workspace-cache, 'publish-to-*']\n  \
         variables: {{CASTOR_HOST: castor.example}}\n\
         credentials:\n{secrets}\
         providers:\n  - {{name: here, driver: docker, engine: '{engine}', max_nodes: 4}}\n\
         pools:\n  - name: main\n    provider: here\n    labels:\n\
         \x20     - name: ci\n        aliases: [Docker]\n        image: {image}\n        pull: never\n        \
         network: none\n        environment: {{SSH_CONNECTION: 192.0.2.1 1 192.0.2.2 22}}\n        \
         mounts: [{{source: '{mirror}', target: /srv/git}}]\n{label}"
    )
}

/// The text credentials of a job: id and variable.
fn bound(job: &Job) -> Vec<(String, String)> {
    let wrappers = job.components.iter().filter(|component| &*component.name == "credentials-binding");
    let entries = wrappers.flat_map(|wrapper| wrapper.arguments.as_seq().unwrap());
    let texts = entries.filter_map(|entry| entry.as_map().unwrap().get("text"));
    texts.map(|text| (option(text, "credential-id"), option(text, "variable"))).collect()
}

/// What Jenkins would put into the environment of this build's steps (jjb-T20 to T23), in that workspace.
fn environment(job: &Job, build: &Build, node: &str, workspace: &str) -> Vec<(String, String)> {
    let (name, number) = (&*job.name, build.number);
    let job_url = build.url.strip_suffix(&format!("{number}/")).unwrap();
    let root = job_url.strip_suffix(&format!("job/{name}/")).unwrap();
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut set = |name: &str, value: &str| drop(all.insert(name.to_owned(), value.to_owned()));
    // Of the node.
    set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    set("HOME", "/root");
    set("HOSTNAME", node);
    set("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    set("CASTOR_HOST", "castor.example");
    // Of the core.
    for variable in ["BUILD_NUMBER", "BUILD_ID"] {
        set(variable, &number.to_string());
    }
    set("BUILD_DISPLAY_NAME", &format!("#{number}"));
    set("BUILD_TAG", &format!("jenkins-{name}-{number}"));
    set("JOB_NAME", name);
    set("JOB_BASE_NAME", name);
    set("BUILD_URL", &build.url);
    set("JOB_URL", job_url);
    for side in ["JENKINS", "HUDSON"] {
        set(&format!("{side}_URL"), root);
        set(&format!("{side}_HOME"), "/var/lib/jenkins");
        set(&format!("{side}_SERVER_COOKIE"), "");
    }
    set("EXECUTOR_NUMBER", "0");
    set("NODE_NAME", node);
    set("NODE_LABELS", "ci Docker");
    set("WORKSPACE", workspace);
    set("WORKSPACE_TMP", &format!("{workspace}@tmp"));
    set("CI", "true");
    for (name, value) in parameters(name, GOOD).as_object().unwrap() {
        set(name, value.as_str().unwrap());
    }
    for (_, variable) in bound(job) {
        set(&variable, SECRET);
    }
    all.into_iter().collect()
}

/// What was written down, comparable: workspaces lie elsewhere, and the server's cookie and variables of its own name are
/// Causeway's alone.
fn recorded(console: &str, root: &str) -> Vec<String> {
    let own = |word: &&str| !word.starts_with("CAUSEWAY_") && !word.starts_with("DOCKER_HOST=");
    let word = |word: &str| match word.split_once("_SERVER_COOKIE=") {
        Some((side, _)) => format!("{side}_SERVER_COOKIE="),
        None => word.replace(SECRET, &"*".repeat(SECRET.len())),
    };
    let lines = console.lines().filter(|line| line.starts_with("docker-") || line.starts_with("ci-"));
    let lines = lines.map(|line| line.replace(root, "/ROOT"));
    lines.map(|line| line.split(' ').filter(own).map(word).collect::<Vec<_>>().join(" ")).collect()
}

/// Where a build's workspace lies, and the node's name.
fn place(build: &Build) -> (String, String) {
    let console = build.console();
    let node =
        console.split("Building on node ").nth(1).unwrap_or_default().split(' ').next().unwrap_or_default();
    let called = console.lines().find_map(|line| line.strip_prefix("docker-called ")).expect("a call");
    let workspace = called.split(' ').next().unwrap_or_default();
    let (root, _) = workspace.rsplit_once('/').unwrap();
    (root.to_owned(), node.to_owned())
}

/// Runs jobs through Zuul's door, and once more directly, and compares.
#[track_caller]
fn same(site: &Site, jobs: &[&Job], image: &str, options: &[&str]) -> Vec<Build> {
    let wanted: Vec<_> = jobs.iter().map(|job| (&*job.name, GOOD)).collect();
    let builds = site.run(&wanted);
    let direct = Direct::new(site);
    let places: Vec<_> = builds.iter().map(place).collect();
    let runs: Vec<_> = jobs
        .iter()
        .zip(builds.iter().zip(&places))
        .map(|(job, (build, (_, node)))| {
            let workspace = direct.root().join(&*job.name).display().to_string();
            Run { job, environment: environment(job, build, node, &workspace) }
        })
        .collect();
    direct.run(site, image, &runs, options);
    for (job, (build, (root, _))) in jobs.iter().zip(builds.iter().zip(&places)) {
        let (alone, result) = direct.console(&job.name);
        let console = build.console();
        let ours = recorded(&console, root);
        let theirs = recorded(&alone, &direct.root().display().to_string());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{}: {console}", job.name);
        }
        assert_eq!(ours.len(), theirs.len(), "{}: {console}\ndirectly: {alone}", job.name);
        assert_eq!(build.result, result, "{}: {console}\ndirectly: {alone}", job.name);
        assert!(!console.contains(SECRET), "{console}");
    }
    builds
}

#[test]
fn jobs_of_forty_templates_call_docker_as_their_scripts_do_alone() {
    let Some(tree) = tree() else { return };
    let all = read(&tree);
    let jobs = of_each_template(&all);
    assert!(jobs.len() >= TEMPLATES_MIN, "{}", jobs.len());
    let setup =
        Setup { stand_in: RECORDER, client: false, configuration: &|parts| configuration(parts, &jobs, "") };
    let Some(site) = Site::of(&setup) else { return };
    let image = site.image().to_owned();
    let builds = same(&site, &jobs, &image, &[]);
    for (job, build) in jobs.iter().zip(&builds) {
        assert_eq!(build.result, "SUCCESS", "{}: {}", job.name, build.console());
    }
    site.nothing_left();
}

/// Jobs whose calls go through the guard to the engine; directly, they go to the engine's own socket.
const THROUGH_THE_GUARD: &[&str] = &[
    "commit-message-validator",
    "php-pie-build-php82",
    "composer-package-php83",
    "search-glent-maven-java11",
    "quibble-composer-mysql-php83-selenium",
    "mediawiki-core-phan-only-php81",
    "generic-node24-browser",
    "shellcheck",
];

#[test]
fn jobs_get_the_same_containers_through_the_guard() {
    let Some(tree) = tree() else { return };
    let all = read(&tree);
    let jobs: Vec<_> = all.iter().filter(|job| THROUGH_THE_GUARD.contains(&&*job.name)).collect();
    assert_eq!(jobs.len(), THROUGH_THE_GUARD.len());
    let guard = "        profile: compat\n        guard: {images: ['docker-registry.wikimedia.org/*'], \
                 seccomp_unconfined: ['docker-registry.wikimedia.org/*']}\n";
    let setup = Setup {
        stand_in: RECORDER,
        client: true,
        configuration: &|parts| configuration(parts, &jobs, guard),
    };
    let Some(site) = Site::of(&setup) else { return };
    let change = "ENTRYPOINT [\"/bin/ci\"]\nUSER nobody\nWORKDIR /srv";
    let names = format!("/bin/ci {}", entry_points(&jobs).join(" "));
    let ci = Image { stand_in: CI, client: "", change, names: &names }.import(site.engine(), "ci");
    for name in words(&jobs).iter().filter(|word| word.starts_with("docker-registry.")) {
        site.docker(&["tag", &ci, name]);
    }
    let socket = site.engine().strip_prefix("unix://").unwrap();
    let volume = format!("{socket}:/var/run/docker.sock");
    let image = site.image().to_owned();
    let builds = same(&site, &jobs, &image, &["--volume", &volume]);
    for build in &builds {
        assert_eq!(build.result, "SUCCESS", "{}", build.console());
        let count = |begin: &str| build.console().lines().filter(|line| line.starts_with(begin)).count();
        assert_eq!(count("ci-called "), count("docker-handed ") - 1, "{}", build.console());
        assert!(!build.console().contains("[causeway]"), "{}", build.console());
    }
    site.nothing_left();
}

/// Programs of images that the jobs call by name; what lies below `/src` comes with a change.
fn entry_points(jobs: &[&Job]) -> Vec<String> {
    let words = words(jobs);
    let names = words.iter().filter_map(|word| word.strip_prefix("--entrypoint="));
    let names = names.filter(|name| !name.starts_with("/src/"));
    names.map(|name| if name.starts_with('/') { name.to_owned() } else { format!("/bin/{name}") }).collect()
}

/// The words of all scripts, each once.
fn words(jobs: &[&Job]) -> BTreeSet<String> {
    fn collect(components: &[Component], into: &mut BTreeSet<String>) {
        for component in components {
            let text = component.arguments.text(Style::Ordered);
            let words = text.split(|letter: char| letter.is_whitespace() || "'\"".contains(letter));
            into.extend(words.map(str::to_owned));
            collect(&component.children, into);
        }
    }
    let mut all = BTreeSet::new();
    jobs.iter().for_each(|job| collect(&job.components, &mut all));
    all
}
