//! A server that owns jobs of Wikimedia's tree, and its builds.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use causeway::gearman::client::Client;
use causeway::gearman::packet::{Level, arguments, kind};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Program, Serve, engine, get, shared, until, within};

/// The program in the image that is called `docker`.
const STAND_IN: &str = include_str!("docker");
/// Makes the image.
const IMPORT: &str = include_str!("image");
/// All builds of a test together: debug builds on two busy cores, a container each.
const ENDS_WITHIN: Duration = Duration::from_secs(240);
/// A project with which all is well.
pub(super) const GOOD: &str = "mediawiki/extensions/Good";
/// A project whose tools fail.
pub(super) const BAD: &str = "mediawiki/extensions/Bad";

/// A project whose tools do not end.
pub(super) const SLOW: &str = "mediawiki/extensions/Slow";

/// A server that owns some jobs of the tree.
pub(super) struct Site {
    server: Program,
    engine: String,
    image: String,
    folder: tempfile::TempDir,
}

/// What a site is made of.
pub(super) struct Setup<'a> {
    /// The program that is called `docker` in its nodes.
    pub stand_in: &'a str,
    /// Whether the real client lies beside it.
    pub client: bool,
    /// Makes the configuration.
    pub configuration: &'a dyn Fn(&Parts<'_>) -> String,
}

/// What a configuration names.
pub(super) struct Parts<'a> {
    pub tree: &'a Path,
    pub engine: &'a str,
    pub image: &'a str,
    pub mirror: &'a Path,
}

/// Wikimedia's tree; `None`: the test is not run, and has been noted.
#[track_caller]
pub(super) fn tree() -> Option<PathBuf> {
    Some(fs::canonicalize(shared()?.join("corpora/wikimedia/jjb")).unwrap())
}

impl Site {
    /// `None`: the test is not run, and has been noted.
    #[track_caller]
    pub(super) fn open() -> Option<Site> {
        Site::of(&Setup { stand_in: STAND_IN, client: false, configuration: &configuration })
    }

    /// As [`Site::open`], made otherwise.
    #[track_caller]
    pub(super) fn of(setup: &Setup<'_>) -> Option<Site> {
        let (tree, engine) = (tree()?, engine()?);
        let folder = tempfile::Builder::new().prefix("cww").tempdir_in("/tmp").unwrap();
        let client = if setup.client { "/usr/bin/docker" } else { "" };
        let node = Image { stand_in: setup.stand_in, client, change: "", names: "" };
        let image = node.import(&engine, "wikimedia");
        let mirror = mirror(folder.path());
        let config = folder.path().join("causeway.yaml");
        let parts = Parts { tree: &tree, engine: &engine, image: &image, mirror: &mirror };
        fs::write(&config, (setup.configuration)(&parts)).unwrap();
        let server = Serve::new(&folder.path().join("state"))
            .config(&config)
            .env("SECRET_OF_THE_SITE", "Squeamish0ssifrage")
            .start();
        Some(Site { server, engine, image, folder })
    }

    /// Submits a build of each job for its project, all at once, and waits until they have ended.
    pub(super) fn run(&self, builds: &[(&str, &str)]) -> Vec<Build> {
        let address = self.address();
        let all = builds
            .iter()
            .map(|(job, project)| async move { Running::start(address, job, project).await.end().await });
        self.wait(futures_util::future::join_all(all))
    }

    /// Submits a build, stops it as soon as its console holds this text, and waits until it has ended.
    pub(super) fn stop_at(&self, text: &str, job: &str, project: &str) -> Build {
        let address = self.address();
        self.wait(async {
            let running = Running::start(address, job, project).await;
            let console = format!("{}consoleText", running.first["url"].as_str().unwrap());
            until(ENDS_WITHIN, || async {
                let console = get(&console).body;
                if console.contains(text) { Ok(()) } else { Err(console) }
            })
            .await;
            running.stop(address).await;
            running.end().await
        })
    }

    /// The engine on which its nodes are.
    pub(super) fn engine(&self) -> &str {
        &self.engine
    }

    /// The image of its nodes.
    pub(super) fn image(&self) -> &str {
        &self.image
    }

    /// Its folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Calls the real client.
    #[track_caller]
    pub(super) fn docker(&self, arguments: &[&str]) -> Output {
        let output = Command::new("/usr/bin/docker")
            .args(["-H", &self.engine])
            .args(arguments)
            .env("DOCKER_CONFIG", self.folder.path().join(".docker"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        output
    }

    fn address(&self) -> SocketAddr {
        self.server.gearman().parse().unwrap()
    }

    #[track_caller]
    fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let done = runtime.block_on(async { tokio::time::timeout(ENDS_WITHIN, work).await });
        done.unwrap_or_else(|_| panic!("builds go on after {ENDS_WITHIN:?}; {}", self.server.stderr()))
    }

    /// No node's directory and no container of this site is left.
    #[track_caller]
    pub(super) fn nothing_left(&self) {
        let nodes = self.folder.path().join("state/nodes");
        within(ENDS_WITHIN, || {
            let left = fs::read_dir(&nodes).unwrap().count();
            if left == 0 { Ok(()) } else { Err(format!("{left} directories of nodes are left")) }
        });
        let output = self.docker(&["ps", "--all", "--no-trunc", "--format", "{{.Mounts}}"]);
        let mounts = String::from_utf8(output.stdout).unwrap();
        assert!(!mounts.contains(&self.folder.path().display().to_string()), "{mounts}");
    }
}

/// A build that has begun, and the connection of its client.
struct Running {
    client: Client,
    first: Value,
}

impl Running {
    /// Submits a build as Zuul does and waits until it has begun.
    async fn start(address: SocketAddr, job: &str, project: &str) -> Running {
        let mut client = Client::connect(address).await.unwrap();
        let parameters = parameters(job, project);
        let unique = parameters["ZUUL_UUID"].as_str().unwrap();
        let (function, data) = (format!("build:{job}"), parameters.to_string());
        client.submit(Level::Normal, function.as_bytes(), unique.as_bytes(), data.as_bytes()).await.unwrap();
        let first = told(&mut client, kind::WORK_DATA).await;
        Running { client, first }
    }

    async fn end(mut self) -> Build {
        let end = told(&mut self.client, kind::WORK_COMPLETE).await;
        Build {
            number: self.first["number"].as_u64().unwrap(),
            result: end["result"].as_str().unwrap().to_owned(),
            url: self.first["url"].as_str().unwrap().to_owned(),
        }
    }

    /// Asks for its end as Zuul does, on a connection of its own (zuul 6.5).
    async fn stop(&self, address: SocketAddr) {
        let mut client = Client::connect(address).await.unwrap();
        let function = format!("stop:{}", self.first["manager"].as_str().unwrap());
        let data = json!({"name": self.first["name"], "number": self.first["number"]}).to_string();
        client.submit(Level::High, function.as_bytes(), b"stop", data.as_bytes()).await.unwrap();
        let (kind, body) = client.packet().await.unwrap();
        assert_eq!(kind, kind::WORK_COMPLETE, "{body:?}");
    }
}

/// The data of the next packet of this kind; none may come that ends a build in another way.
async fn told(client: &mut Client, wanted: u32) -> Value {
    loop {
        let (kind, body) = client.packet().await.unwrap();
        if kind == wanted {
            let [_, data] = arguments::<2>(&body).unwrap();
            return serde_json::from_slice(data).unwrap();
        }
        assert!([kind::WORK_DATA, kind::WORK_STATUS].contains(&kind), "packet {kind}: {body:?}");
    }
}

/// A build that has ended, as Zuul was told of it.
pub(super) struct Build {
    pub(super) number: u64,
    pub(super) result: String,
    pub(super) url: String,
}

impl Build {
    /// Its console, whole.
    #[track_caller]
    pub(super) fn console(&self) -> String {
        let answer = get(&format!("{}consoleText", self.url));
        assert_eq!(answer.status, 200);
        answer.body
    }

    /// What it called `docker` with, each from its workspace.
    #[track_caller]
    pub(super) fn called(&self) -> Vec<String> {
        let from = format!("in {}: ", self.workspace());
        let called = lines(&self.console(), "docker-called ");
        called.iter().map(|call| call.strip_prefix(&from).expect("in the workspace").to_owned()).collect()
    }

    /// What those calls were for, in short.
    pub(super) fn did(&self) -> Vec<String> {
        lines(&self.console(), "docker-did ")
    }

    /// Where its steps ran.
    #[track_caller]
    pub(super) fn workspace(&self) -> String {
        let console = self.console();
        let called = lines(&console, "docker-called in ");
        called[0].split_once(": ").unwrap().0.to_owned()
    }

    /// An archived file.
    #[track_caller]
    pub(super) fn archived(&self, path: &str) -> String {
        let answer = get(&format!("{}artifact/{path}", self.url));
        assert_eq!(answer.status, 200, "{path}: {}", self.console());
        answer.body
    }
}

fn lines(console: &str, prefix: &str) -> Vec<String> {
    console.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect()
}

/// What Zuul sends for a patch set (zuul-5).
pub(super) fn parameters(job: &str, project: &str) -> Value {
    let unique: String = sum(&format!("{job} {project}")).chars().take(32).collect();
    json!({
        "ZUUL_UUID": unique, "ZUUL_PROJECT": project, "ZUUL_PIPELINE": "check",
        "ZUUL_URL": "git://zuul.example/p", "ZUUL_VOTING": "1", "ZUUL_BRANCH": "master",
        "ZUUL_CHANGES": format!("{project}:master:refs/changes/01/1001/1"),
        "ZUUL_REF": "refs/zuul/master/Z0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "ZUUL_COMMIT": "0123456789abcdef0123456789abcdef01234567",
        "ZUUL_CHANGE_IDS": "1001,1", "ZUUL_CHANGE": "1001", "ZUUL_PATCHSET": "1",
        "BASE_LOG_PATH": "01/1001/1",
        "LOG_PATH": format!("01/1001/1/check/{job}/{}", &unique[..7]),
        // What Wikimedia's own functions add; jobs use them without declaring them (jjb-T23).
        "EXT_NAME": "Good", "THING_SUBNAME": "extensions/Good", "DOC_SUBPATH": "master", "DOC_PROJECT": "good",
    })
}

/// A label under an alias and under a mapped name, as the tree's own node names.
fn configuration(parts: &Parts<'_>) -> String {
    let Parts { engine, image, .. } = parts;
    let (tree, mirror) = (parts.tree.display(), parts.mirror.display());
    format!(
        "catalog:\n  jjb: ['{tree}']\n  default_shell: /bin/bash\n  own:\n    - commit-message-validator\n    \
         - php-*-php8[23]\n    - shellcheck\n    - mediawiki-i18n-check\n    - fail-archived-repositories\n\
         map: {{productionAgents: light}}\n\
         providers:\n  - {{name: here, driver: docker, engine: '{engine}', max_nodes: 4}}\n\
         pools:\n  - name: main\n    provider: here\n    labels:\n\
         \x20     - name: ci\n        aliases: [Docker]\n        image: {image}\n        pull: never\n        \
         network: none\n        mounts: [{{source: '{mirror}', target: /srv/git}}]\n\
         \x20     - {{name: light, image: {image}, pull: never, network: none}}\n"
    )
}

/// The mirror of repositories that the tree's nodes have at `/srv/git`: here a repository is what its change adds.
fn mirror(folder: &Path) -> PathBuf {
    let mirror = folder.join("mirror");
    for (project, added, tools) in [(GOOD, "Hello", "work"), (BAD, "<script>", "fail"), (SLOW, "", "hang")] {
        let project = mirror.join(project);
        fs::create_dir_all(&project).unwrap();
        fs::write(project.join("patch"), format!("@@ -1 +1 @@\n+ {added}\n")).unwrap();
        fs::write(project.join("tools"), tools).unwrap();
    }
    mirror
}

/// An image made of what the machine has.
pub(super) struct Image<'a> {
    /// The text of its `/bin/docker`.
    pub stand_in: &'a str,
    /// The real client's path, or nothing.
    pub client: &'a str,
    /// A line of a Dockerfile, or nothing.
    pub change: &'a str,
    /// Further names of the stand-in.
    pub names: &'a str,
}

impl Image<'_> {
    /// Makes it, unless the engine has it. The name tells what is in it, so that a changed stand-in makes another image.
    #[track_caller]
    pub(super) fn import(&self, host: &str, name: &str) -> String {
        let text = [IMPORT, self.stand_in, self.client, self.change, self.names].concat();
        let image = format!("causeway-test/{name}:{}", &sum(&text)[..12]);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("image");
        fs::create_dir(&root).unwrap();
        let output = Command::new("/bin/sh")
            .args(["-c", IMPORT])
            .envs([("HOST", host), ("IMAGE", &*image), ("STAND_IN", self.stand_in)])
            .envs([("CLIENT", self.client), ("CHANGE", self.change), ("NAMES", self.names)])
            .env("DOCKER_CONFIG", folder.path().join(".docker"))
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(output.status.success(), "no image: {}", String::from_utf8_lossy(&output.stderr));
        image
    }
}

fn sum(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
