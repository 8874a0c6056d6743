//! A server that owns the jobs of `fixtures/harness/jjb`, on any provider.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use causeway::gearman::client::Client;
use causeway::gearman::packet::Level;
use serde_json::Value;

use super::engine::{IMAGE, engine, import_busybox};
use super::harness::Zuul;
use super::http::try_get;
use super::places::repository;
use super::program::{Program, Serve};

/// Where the builds of a suite run.
#[derive(Clone, Copy, Debug)]
pub enum On {
    Process,
    Docker,
}

/// The server, its options and its folder.
pub struct House {
    pub server: Program,
    serve: Serve,
    engine: Option<String>,
    folder: tempfile::TempDir,
}

impl House {
    /// Opens one with so many nodes at once. `None`: the test is not run, and has been noted.
    #[track_caller]
    pub fn open(on: On, nodes: usize) -> Option<Self> {
        match on {
            On::Process => Some(Self::build(None, nodes)),
            On::Docker => {
                let host = engine()?;
                import_busybox(&host);
                Some(Self::build(Some(host), nodes))
            }
        }
    }

    /// The same on a given engine.
    #[track_caller]
    pub fn on_engine(host: &str, nodes: usize) -> Self {
        import_busybox(host);
        Self::build(Some(host.to_owned()), nodes)
    }

    fn build(engine: Option<String>, nodes: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("causeway.yaml");
        let jobs = repository().join("fixtures/harness/jjb");
        std::fs::write(&config, configuration(&jobs, engine.as_deref(), nodes)).expect("it is written");
        let serve = Serve::new(&folder.path().join("state")).config(&config);
        let server = serve.start();
        Self { server, serve, engine, folder }
    }

    /// Zuul in front of it.
    #[track_caller]
    pub fn zuul(&self) -> Option<Zuul> {
        Zuul::against(self.server.gearman())
    }

    /// Kills the server with -9 and starts it again on the same state.
    #[track_caller]
    pub fn kill_and_start(&mut self) {
        self.server.kill();
        self.server = self.serve.start();
    }

    /// A connection that submits builds.
    pub async fn client(&self) -> Client {
        let address: SocketAddr = self.server.gearman().parse().expect("HOST:PORT");
        Client::connect(address).await.expect("it accepts")
    }

    /// What the server says about a build at Jenkins' address, or why it does not.
    pub fn build_json(&self, job: &str, number: u64) -> Result<Value, String> {
        let answer = try_get(&format!("{}/job/{job}/{number}/api/json", self.server.http()))?;
        if answer.status != 200 {
            return Err(format!("{job} {number}: status {}", answer.status));
        }
        serde_json::from_str(&answer.body).map_err(|error| error.to_string())
    }

    /// Whether a build has ended, with its result.
    pub fn result(&self, job: &str, number: u64) -> Result<String, String> {
        let build = self.build_json(job, number)?;
        match build["result"].as_str() {
            Some(result) if build["building"] == false => Ok(result.to_owned()),
            _ => Err(format!("{job} {number} is still building")),
        }
    }

    /// A build's console as text.
    pub fn console(&self, job: &str, number: u64) -> Result<String, String> {
        let answer = try_get(&format!("{}/job/{job}/{number}/consoleText", self.server.http()))?;
        if answer.status == 200 { Ok(answer.body) } else { Err(format!("status {}", answer.status)) }
    }

    /// How many containers on the engine mount something below this house's state: those are its own.
    pub fn containers(&self) -> usize {
        let Some(host) = &self.engine else { return 0 };
        let output = Command::new("/usr/bin/docker")
            .args(["-H", host, "ps", "--all", "--no-trunc", "--format", "{{.Mounts}}"])
            .env("DOCKER_CONFIG", self.folder.path().join("docker"))
            .output()
            .expect("the docker command");
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        let own = self.folder.path().display().to_string();
        list.lines().filter(|mounts| mounts.contains(&own)).count()
    }
}

/// Submits one build and forgets it; its client stays connected as long as the caller keeps it.
pub async fn submit(client: &mut Client, job: &str, unique: &str, parameters: &Value) {
    let function = format!("build:{job}");
    let data = parameters.to_string();
    client
        .submit(Level::Normal, function.as_bytes(), unique.as_bytes(), data.as_bytes())
        .await
        .expect("the build is taken");
}

fn configuration(jobs: &Path, engine: Option<&str>, nodes: usize) -> String {
    let driver = engine.map_or_else(
        || "driver: process".to_owned(),
        |engine| format!("driver: docker\n    engine: {engine}"),
    );
    let image = if engine.is_some() {
        format!("        image: {IMAGE}\n        pull: never\n")
    } else {
        String::new()
    };
    format!(
        "catalog:\n  jjb: [{jobs}]\n  own: ['*']\n\
         providers:\n  - name: here\n    {driver}\n    max_nodes: {nodes}\n\
         pools:\n  - name: main\n    provider: here\n    labels:\n      - name: debian\n{image}",
        jobs = jobs.display()
    )
}
