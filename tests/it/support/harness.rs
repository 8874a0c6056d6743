//! The programs in `tests/harness`: the real Zuul 2.6.0 as a client of the server under test.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::places::{repository, zuul_python};
use super::wait::within;

/// What a program of the harness said.
#[derive(Debug)]
pub struct Said {
    pub success: bool,
    pub text: String,
}

impl Said {
    /// The JSON lines with this `event`.
    pub fn events(&self, event: &str) -> Vec<serde_json::Value> {
        self.text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|line| line["event"] == event)
            .collect()
    }

    /// Every expectation held, or the test fails with those that did not.
    #[track_caller]
    pub fn held(self) -> Self {
        let broken: Vec<String> = self
            .events("expectation")
            .iter()
            .filter(|line| line["ok"] == false)
            .map(ToString::to_string)
            .collect();
        let end: Vec<&str> = self.text.lines().rev().take(30).collect();
        let end: Vec<&str> = end.into_iter().rev().collect();
        assert!(
            self.success && broken.is_empty(),
            "not held:\n{}\nits last lines:\n{}",
            broken.join("\n"),
            end.join("\n")
        );
        self
    }
}

/// Zuul's programs against one server.
pub struct Zuul {
    python: PathBuf,
    server: String,
}

impl Zuul {
    /// A way to run them, or the note that the test is not run.
    #[track_caller]
    pub fn against(server: &str) -> Option<Self> {
        Some(Self { python: zuul_python()?, server: server.to_owned() })
    }

    /// `zuul_drive.py`: Zuul's launcher.
    #[track_caller]
    pub fn drive(&self, arguments: &[&str]) -> Said {
        self.run("zuul_drive.py", arguments, Duration::from_secs(180))
    }

    /// `zuul_drive.py` with steps.
    #[track_caller]
    pub fn drive_steps(&self, steps: &serde_json::Value) -> Said {
        let file = tempfile::Builder::new().suffix(".json").tempfile().expect("a temporary file");
        std::fs::write(file.path(), serde_json::json!({ "steps": steps }).to_string())
            .expect("steps are written");
        self.drive(&["--scenario", &file.path().display().to_string()])
    }

    /// `zuul_sched.py`: the scheduler on a pretended Gerrit.
    #[track_caller]
    pub fn schedule(&self, arguments: &[&str]) -> Said {
        self.run("zuul_sched.py", arguments, Duration::from_secs(180))
    }

    /// `prove.py`: all scenarios with stand-ins for Jenkins masters; `logs` keeps both sides.
    #[track_caller]
    pub fn prove(&self, logs: &Path, only: &[&str]) -> Said {
        let logs = logs.display().to_string();
        let only = only.join(",");
        self.run("prove.py", &["--logs", &logs, "--only", &only], Duration::from_secs(600))
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str], limit: Duration) -> Said {
        let mut child = Command::new(&self.python)
            .arg(repository().join("tests/harness").join(program))
            .args(["--server", &self.server])
            .args(arguments)
            // Bytecode beside the sources would be a change of the repository.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut readers = Vec::new();
        for stream in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)] {
            let mut stream = stream.expect("both streams are pipes");
            readers.push(std::thread::spawn(move || {
                let mut text = Vec::new();
                stream.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
            }));
        }
        let status = within(limit, || {
            let status = child.try_wait().map_err(|error| error.to_string())?;
            status.ok_or_else(|| format!("{program} {arguments:?} is still running"))
        });
        let text: Vec<String> = readers
            .into_iter()
            .map(|reader| reader.join().expect("no reader panicked").expect("the stream can be read"))
            .collect();
        Said { success: status.success(), text: text.concat() }
    }
}

fn boxed(stream: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(stream)
}
