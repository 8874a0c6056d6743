//! A keeper of its own for each test: the real program, in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use causeway::keeper::{Keeper, LogEvent, StepEnd, StepId, StepSpec};
use causeway::model::NodeId;
use tokio::process::{Child, Command};

/// The longest that anything in these tests may take.
pub const LIMIT: Duration = Duration::from_secs(30);

pub struct Node {
    pub directory: tempfile::TempDir,
    pub id: NodeId,
    pub process: Child,
}

impl Node {
    /// Starts `keeper run` with a stream on its standard input and output.
    pub async fn start() -> (Node, Keeper) {
        let directory = tempfile::tempdir().unwrap();
        let id = NodeId::new(1_700_000_000_000, 7);
        std::fs::write(directory.path().join("node"), id.as_str()).unwrap();
        std::fs::create_dir(directory.path().join("workspace")).unwrap();
        let mut process = program()
            .args(["keeper", "run"])
            .arg(directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("OF_THE_NODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stream = tokio::io::join(process.stdout.take().unwrap(), process.stdin.take().unwrap());
        let keeper = Keeper::connect(stream, id).await.unwrap();
        let node = Node { directory, id, process };
        (node, keeper)
    }

    /// A further stream, by `keeper join`.
    pub async fn join(&self) -> Keeper {
        let mut process = program()
            .args(["keeper", "join"])
            .arg(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stream = tokio::io::join(process.stdout.take().unwrap(), process.stdin.take().unwrap());
        let keeper = Keeper::connect(stream, self.id).await.unwrap();
        let watched = keeper.clone();
        // The program lives as long as the connection.
        tokio::spawn(async move {
            watched.closed().await;
            let _ = process.wait().await;
        });
        keeper
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn workspace(&self) -> PathBuf {
        self.path().join("workspace")
    }

    pub fn pid(&self) -> u32 {
        self.process.id().unwrap()
    }
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_causeway"))
}

/// A step that runs a script by the shell.
pub fn script(directory: &Path, step: u32, text: &str) -> StepSpec {
    StepSpec {
        step: StepId(step),
        argv: vec!["/bin/sh".to_owned()],
        script: Some(text.as_bytes().to_vec()),
        env: Vec::new(),
        cwd: directory.join("workspace").to_str().unwrap().to_owned(),
        absolute: None,
        inactivity: None,
        grace: Duration::from_millis(300),
        log_limit: 256 << 20,
        end_at_log_limit: false,
    }
}

/// Follows a step from `offset` to its end.
pub async fn follow(keeper: &Keeper, step: u32, offset: u64) -> (Vec<u8>, StepEnd) {
    let mut stream = keeper.follow(StepId(step), offset).await.unwrap();
    let mut bytes = Vec::new();
    let end = tokio::time::timeout(LIMIT, async {
        loop {
            match stream.next().await.unwrap() {
                LogEvent::Data { offset: at, bytes: piece } => {
                    assert_eq!(at, offset + bytes.len() as u64);
                    bytes.extend_from_slice(&piece);
                }
                LogEvent::Ended(end) => break end,
            }
        }
    })
    .await
    .expect("the step did not end in time");
    assert_eq!(end.log_length, offset + bytes.len() as u64);
    (bytes, end)
}

/// Starts a step and follows it to its end.
pub async fn run(keeper: &Keeper, spec: StepSpec) -> (String, StepEnd) {
    let step = spec.step.0;
    keeper.start_step(spec).await.unwrap();
    let (bytes, end) = follow(keeper, step, 0).await;
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

/// Waits until `condition` holds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    crate::support::until(LIMIT, || {
        let held = condition();
        async move { if held { Ok(()) } else { Err(format!("never: {what}")) } }
    })
    .await;
}

/// Whether a process runs (one that waits to be reaped does not).
pub fn alive(pid: u32) -> bool {
    causeway::keeper::node::running().iter().any(|process| process.pid == i32::try_from(pid).unwrap())
}
