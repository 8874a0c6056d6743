//! A server whose nodes hold the real `docker` command, and a job that does what its test says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use causeway::gearman::client::Client;
use serde_json::json;

use crate::support::{IMAGE, Program, Serve, engine, get, import_busybox, run, submit, within};

/// How long a build may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
const CLIENT_IMAGE: &str = "causeway-test/docker-client:local";

pub struct Place {
    pub server: Program,
    serve: Serve,
    pub engine: String,
    folder: tempfile::TempDir,
    clients: Vec<Client>,
}

impl Place {
    /// `None`: the test is not run, and has been noted.
    #[track_caller]
    pub fn open(scripts: &[(&str, &str)]) -> Option<Place> {
        Place::in_network("none", scripts)
    }

    /// The same with nodes in such a network.
    #[track_caller]
    pub fn in_network(network: &str, scripts: &[(&str, &str)]) -> Option<Place> {
        let jobs: Vec<_> = scripts
            .iter()
            .map(|(name, script)| {
                json!({"job": {"name": name, "node": "docker", "builders": [{"shell": script}]}})
            })
            .collect();
        Place::with(&json!(jobs).to_string(), |path, engine| {
            import_busybox(engine);
            import(engine);
            std::fs::create_dir_all(path.join("git/core")).unwrap();
            std::fs::write(path.join("git/core/HEAD"), "ref: refs/heads/master\n").unwrap();
            configuration(path, engine).replace("network: none", &format!("network: {network}"))
        })
    }

    /// A server with these jobs and the configuration for a folder and an engine.
    #[track_caller]
    pub fn with(jobs: &str, configuration: impl FnOnce(&Path, &str) -> String) -> Option<Place> {
        let engine = engine()?;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("jobs.yaml"), jobs).unwrap();
        let config = path.join("causeway.yaml");
        std::fs::write(&config, configuration(path, &engine)).unwrap();
        let serve = Serve::new(&path.join("state")).config(&config);
        let server = serve.start();
        Some(Place { server, serve, engine, folder, clients: Vec::new() })
    }

    /// Submits a build as Zuul does.
    pub async fn submit(&mut self, job: &str) {
        self.submit_with(job, &json!({})).await;
    }

    /// The same with parameters.
    pub async fn submit_with(&mut self, job: &str, parameters: &serde_json::Value) {
        let mut client = Client::connect(self.server.gearman().parse().unwrap()).await.unwrap();
        submit(&mut client, job, job, parameters).await;
        self.clients.push(client);
    }

    /// Asks for the end of a job's first build, as a person does.
    #[track_caller]
    pub fn abort(&self, job: &str) {
        let state = self.folder.path().join("state").display().to_string();
        let words =
            ["build", "abort", &format!("{job}#1"), "--server", self.server.http(), "--state", &state];
        let finished = run(&words);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    }

    /// Pushes an image with the account that a test's registry knows.
    #[track_caller]
    pub fn push(&self, image: &str) {
        self.logged_in(image, &[&["push", image], &["rmi", image]]);
    }

    /// Pulls one in the same way.
    #[track_caller]
    pub fn pull(&self, image: &str) {
        self.logged_in(image, &[&["pull", image]]);
    }

    #[track_caller]
    fn logged_in(&self, image: &str, calls: &[&[&str]]) {
        let host = image.split('/').next().unwrap();
        let login = ["login", "-u", "ci", "-p", "right horse", host];
        for words in std::iter::once(&&login[..]).chain(calls) {
            let output = self.docker(&self.engine, words);
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    pub fn kill_and_start(&mut self) {
        self.server.kill();
        self.server = self.serve.start();
    }

    /// What lies at the address of a job's first build.
    pub fn page(&self, job: &str, rest: &str) -> String {
        get(&format!("{}/job/{job}/1/{rest}", self.server.http())).body
    }

    pub fn console(&self, job: &str) -> String {
        let answer = get(&format!("{}/job/{job}/1/consoleText", self.server.http()));
        if answer.status == 200 { answer.body } else { String::new() }
    }

    /// Waits until the build's console has this text.
    #[track_caller]
    pub fn until_console(&self, job: &str, text: &str) -> String {
        within(LIMIT, || {
            let console = self.console(job);
            if console.contains(text) { Ok(console) } else { Err(format!("no '{text}' in {console}")) }
        })
    }

    /// The build's result, when it has ended, and its console.
    #[track_caller]
    pub fn result(&self, job: &str) -> (String, String) {
        let console = self.until_console(job, "\nFinished: ");
        let result = console.rsplit("Finished: ").next().unwrap_or_default().trim().to_owned();
        (result, console)
    }

    /// The node of a build, by its console.
    #[track_caller]
    pub fn node(&self, job: &str) -> String {
        let console = self.until_console(job, "Building on node ");
        let rest = console.split("Building on node ").nth(1).unwrap_or_default();
        rest.split(' ').next().unwrap_or_default().to_owned()
    }

    /// The node that is kept ready.
    #[track_caller]
    pub fn stocked_node(&self) -> String {
        within(LIMIT, || {
            let names = self.docker(
                &self.engine,
                &["ps", "--format", "{{.Label \"causeway.node\"}}", "--filter", "label=causeway.kind=node"],
            );
            let names = String::from_utf8_lossy(&names.stdout).into_owned();
            let own = |node: &&str| self.node_directory(node).exists();
            names
                .lines()
                .filter(own)
                .map(str::to_owned)
                .next()
                .ok_or_else(|| format!("none of ours: {names}"))
        })
    }

    /// The name of a node's container, or of the build container beside it (`room`).
    #[track_caller]
    pub fn container(&self, node: &str, kind: &str) -> String {
        let (node, kind) = (format!("label=causeway.node={node}"), format!("label=causeway.kind={kind}"));
        let words = ["ps", "-a", "--format", "{{.Names}}", "--filter", &node, "--filter", &kind];
        let names = self.docker(&self.engine, &words);
        let name = String::from_utf8_lossy(&names.stdout).trim().to_owned();
        assert!(!name.is_empty(), "no container has {node} and {kind}");
        name
    }

    pub fn node_directory(&self, node: &str) -> PathBuf {
        self.folder.path().join("state/nodes").join(node)
    }

    /// Calls the real client, by whatever socket.
    pub fn docker(&self, host: &str, arguments: &[&str]) -> Output {
        Command::new("/usr/bin/docker")
            .args(["-H", host])
            .args(arguments)
            .env("DOCKER_CONFIG", self.folder.path().join("docker"))
            .output()
            .expect("the docker command")
    }

    /// What is on the engine of a node's guard: containers and volumes.
    pub fn left(&self, node: &str) -> String {
        self.found(&[&format!("label=causeway.node={node}"), "label=causeway.kind=guard"])
    }

    /// The containers and volumes with these labels.
    fn found(&self, labels: &[&str]) -> String {
        let filter: Vec<&str> = labels.iter().flat_map(|label| ["--filter", label]).collect();
        let containers = self.docker(&self.engine, &[&["ps", "-aq"], &filter[..]].concat());
        let volumes = self.docker(&self.engine, &[&["volume", "ls", "-q"], &filter[..]].concat());
        format!("{}{}", String::from_utf8_lossy(&containers.stdout), String::from_utf8_lossy(&volumes.stdout))
    }

    /// Waits until neither the node is there nor anything that belongs to it.
    #[track_caller]
    pub fn until_all_gone(&self, node: &str) {
        within(LIMIT, || {
            let left = self.found(&[&format!("label=causeway.node={node}")]);
            if left.is_empty() { Ok(()) } else { Err(format!("left of {node}: {left}")) }
        });
    }

    #[track_caller]
    pub fn until_nothing_left(&self, node: &str) {
        within(LIMIT, || {
            let left = self.left(node);
            if left.is_empty() { Ok(()) } else { Err(format!("left of {node}: {left}")) }
        });
    }
}

fn configuration(folder: &Path, engine: &str) -> String {
    let folder = folder.display();
    format!(
        "catalog:\n  jjb: [jobs.yaml]\n  own: ['*']\n\
         providers:\n  - {{name: here, driver: docker, engine: '{engine}', max_nodes: 4}}\n\
         pools:\n  - name: main\n    provider: here\n    labels:\n      - name: docker\n        image: {CLIENT_IMAGE}\n\
        \x20       pull: never\n        memory: 512MiB\n        pids: 512\n        profile: compat\n        network: none\n\
        \x20       mounts: [{{source: {folder}/git, target: /srv/git}}]\n\
        \x20       guard: {{images: ['{IMAGE}', 'localhost:1/*'], seccomp_unconfined: ['{IMAGE}']}}\n"
    )
}

#[track_caller]
fn import(host: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("/bin/sh")
        .args(["-c", include_str!("client_image")])
        .envs([("HOST", host), ("IMAGE", CLIENT_IMAGE)])
        .env("DOCKER_CONFIG", folder.path().join(".docker"))
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "no image: {}", String::from_utf8_lossy(&output.stderr));
}
