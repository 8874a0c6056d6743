//! The real executable: as a server that is watched, and as a command that ends.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::wait::within;

/// How long a server may take until it says that it is ready. A debug build on a busy machine, not a goal.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a command that should end may take.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// What to start `causeway serve` with. It can be started again from the same value: state and options stay.
#[derive(Clone)]
pub struct Serve {
    config: Option<PathBuf>,
    state: PathBuf,
    environment: Vec<(String, String)>,
}

impl Serve {
    /// A server with its state in this folder, on ports that the kernel chooses.
    pub fn new(state: &Path) -> Self {
        Self { config: None, state: state.to_owned(), environment: Vec::new() }
    }

    /// With this configuration file.
    pub fn config(mut self, path: &Path) -> Self {
        self.config = Some(path.to_owned());
        self
    }

    /// With this variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self) -> Command {
        let mut command = causeway();
        command.envs(self.environment.iter().cloned());
        command.args(["serve", "--json", "--gearman", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
        command.arg("--state").arg(&self.state);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command
    }

    /// Starts it and waits until it serves.
    #[track_caller]
    pub fn start(&self) -> Program {
        let mut child = self.command().stdout(Stdio::piped()).spawn_piped();
        let errors = collect(child.stderr.take().expect("standard error is a pipe"));
        let (lines, output) = collect_lines(child.stdout.take().expect("standard output is a pipe"));
        let mut program = Program { child, output, errors, ready: serde_json::Value::Null, ended: None };
        program.ready = within(READY_WITHIN, || {
            if let Some(status) = program.child.try_wait().expect("the child can be asked") {
                program.ended = Some(status);
                return Ok(Err(status));
            }
            let lines = lines.lock().expect("no reader panicked");
            let first =
                lines.first().ok_or_else(|| format!("no line yet; it says: {}", program.errors.text()))?;
            Ok(Ok(serde_json::from_str(first).unwrap_or_else(|error| panic!("{error} in {first:?}"))))
        })
        .unwrap_or_else(|status| {
            panic!("serve ended with {status}: {}{}", program.output.all(), program.errors.all())
        });
        program
    }
}

/// A running server. Dropping it kills it.
pub struct Program {
    child: Child,
    output: Collected,
    errors: Collected,
    ready: serde_json::Value,
    ended: Option<ExitStatus>,
}

impl Program {
    /// `HOST:PORT` of Gearman.
    pub fn gearman(&self) -> &str {
        self.ready["gearman"].as_str().expect("the ready line names gearman")
    }

    /// The address of its pages, without a slash at the end.
    pub fn http(&self) -> &str {
        self.ready["http"].as_str().expect("the ready line names http").trim_end_matches('/')
    }

    /// Its process id, as it says itself.
    pub fn pid(&self) -> u32 {
        let said = self.ready["pid"].as_u64().expect("the ready line names pid");
        u32::try_from(said).expect("a process id")
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.errors.text()
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the server can be signalled");
    }

    /// Kills it with -9, as a failure of the machine would.
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            // Not `signal`: a child that has just ended is killed too.
            self.child.kill().expect("the server can be killed");
            self.ended = Some(self.child.wait().expect("a killed child ends"));
        }
    }

    /// Asks it to end (SIGTERM) and waits.
    #[track_caller]
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait(limit)
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let status = within(limit, || {
            let status = self.child.try_wait().map_err(|error| error.to_string())?;
            status.ok_or_else(|| format!("still running; it says: {}", self.errors.text()))
        });
        self.ended = Some(status);
        status
    }
}

impl Drop for Program {
    #[expect(clippy::print_stderr, reason = "the test harness shows it with the failure")]
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("the server said:\n{}", self.errors.text());
        }
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Exit code and both streams in one text, for snapshots.
    pub fn transcript(&self) -> String {
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        format!(
            "exit code: {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout.trim_end(),
            self.stderr.trim_end()
        )
    }
}

/// Runs `causeway` with these arguments to its end.
#[track_caller]
pub fn run(arguments: &[&str]) -> Finished {
    run_with(&[], arguments)
}

/// Runs a command with variables in its environment, and waits for its end.
#[track_caller]
pub fn run_with(environment: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let mut command = causeway();
    command.args(arguments).envs(environment.iter().copied()).stdout(Stdio::piped());
    let mut child = command.spawn_piped();
    let stdout = collect(child.stdout.take().expect("standard output is a pipe"));
    let stderr = collect(child.stderr.take().expect("standard error is a pipe"));
    let mut program =
        Program { child, output: stdout, errors: stderr, ready: serde_json::Value::Null, ended: None };
    let code = program.wait(ENDS_WITHIN).code();
    Finished { code, stdout: program.output.all(), stderr: program.errors.all() }
}

/// The executable, with an environment that does not depend on who runs the tests.
fn causeway() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command.env_remove("RUST_LOG").env("NO_COLOR", "1").env("TERM", "dumb").env("COLUMNS", "100");
    command
}

trait SpawnPiped {
    fn spawn_piped(&mut self) -> Child;
}

impl SpawnPiped for Command {
    fn spawn_piped(&mut self) -> Child {
        self.spawn().unwrap_or_else(|error| panic!("{:?} cannot be started: {error}", self.get_program()))
    }
}

/// A stream that a thread reads to its end.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no reader panicked")).into_owned()
    }

    /// Everything, once the other side is closed.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("no reader panicked");
        }
        self.text()
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> Collected {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&bytes);
    let reader = std::thread::spawn(move || {
        let mut part = [0; 8192];
        while let Ok(read @ 1..) = stream.read(&mut part) {
            into.lock().expect("no reader panicked").extend_from_slice(&part[..read]);
        }
    });
    Collected { bytes, reader: Some(reader) }
}

fn collect_lines(stream: impl Read + Send + 'static) -> (Arc<Mutex<Vec<String>>>, Collected) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (into_lines, into_bytes) = (Arc::clone(&lines), Arc::clone(&bytes));
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut bytes = into_bytes.lock().expect("no reader panicked");
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
            into_lines.lock().expect("no reader panicked").push(line);
        }
    });
    (lines, Collected { bytes, reader: Some(reader) })
}
