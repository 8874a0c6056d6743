//! `causeway demo`: the whole road by itself, on loopback, with a job that comes with the program.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::Global;
use super::build::log;
use super::client::Client;
use super::engine::{self, Choice};
use super::failure::{Failure, Kind};
use super::output::{Output, Tone};
use crate::app::{self, Running};
use crate::config::{Config, Overrides};
use crate::gearman::client::{Client as Gearman, ClientError};
use crate::gearman::packet::{Level, kind};
use crate::sys::{self, Clock, SystemClock};

/// The demonstration's tree of Job Builder YAML, part of the program.
const TREE: [(&str, &str); 3] = [
    ("defaults.yaml", include_str!("../../fixtures/demo/jjb/defaults.yaml")),
    ("jobs.yaml", include_str!("../../fixtures/demo/jjb/jobs.yaml")),
    ("macros.yaml", include_str!("../../fixtures/demo/jjb/macros.yaml")),
];
/// A demonstration that takes longer has failed.
const ENDS_WITHIN: Duration = Duration::from_secs(600);

/// Show a build of a sample job, from its submission as Zuul does it to its result
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// End with the build; the exit code is 0 only for SUCCESS
    #[arg(long)]
    once: bool,
    /// Which of the sample jobs: demo-unit, demo-fail or demo-slow
    #[arg(long, value_name = "JOB", default_value = "demo-unit")]
    job: String,
    /// Where nodes come from; chosen by what answers unless it is set
    #[arg(long, value_enum)]
    provider: Option<engine::Provider>,
}

/// What Zuul hears at the end.
struct Ending {
    result: Option<String>,
    url: String,
}

impl Demo {
    /// Runs the demonstration.
    pub(super) fn run(&self, global: &Global, output: &Output) -> Result<(), Failure> {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::failed(&error))?;
        let room = Room::new(global.state.as_deref())?;
        let ended = runtime.block_on(self.show(&room, output));
        // What still runs on the runtime ends with the process; the room goes last.
        runtime.shutdown_timeout(Duration::from_secs(1));
        ended
    }

    async fn show(&self, room: &Room, output: &Output) -> Result<(), Failure> {
        let choice = engine::choose(self.provider).await?;
        output.note(&format!("{} {}", output.paint_note(Tone::Busy, "nodes"), choice.why));
        let text = configuration(&choice);
        let overrides = Overrides { state: Some(room.path.clone()), ..Overrides::default() };
        let file = room.write(&text)?;
        let config = Config::load(&file, &overrides)
            .map_err(|problems| Failure::new(Kind::Failed, problems.to_string()))?;
        let running = app::start(config, overrides)
            .await
            .map_err(|error| Failure::failed(&error).hint(error.cure()))?;
        let submitted = tokio::time::timeout(ENDS_WITHIN, self.submit(&running, room, output)).await;
        let submitted = submitted.map_err(|_| Failure::new(Kind::Failed, "the build did not end in time"));
        let ending = match submitted.flatten() {
            Ok(ending) => ending,
            Err(failure) => {
                running.leave_nothing().await;
                return Err(failure);
            }
        };
        let success = ending.result.as_deref() == Some("SUCCESS");
        let word = ending.result.as_deref().unwrap_or("RETRY");
        if output.is_json() {
            output.json_line(
                &json!({ "result": ending.result, "url": ending.url, "provider": choice.provider.name() }),
            );
        }
        output.note(&format!("{} {}", output.paint_note(Tone::of(word), word), ending.url));
        if !self.once {
            output.note("The server goes on until Ctrl-C. In another terminal:");
            let asked =
                format!("--server {} --state {}", running.url.trim_end_matches('/'), room.path.display());
            output.note(&format!("  causeway build list {asked}"));
            output.note(&format!("  causeway build start demo-slow --follow {asked}"));
            running.until_drained().await.map_err(|error| Failure::failed(&error))?;
        }
        running.leave_nothing().await;
        running.close().await;
        if success || !self.once {
            return Ok(());
        }
        Err(Failure::new(Kind::Failed, format!("the build ended with {word}")))
    }

    /// Submits as Zuul does, shows the console, returns what Zuul hears.
    async fn submit(&self, running: &Running, room: &Room, output: &Output) -> Result<Ending, Failure> {
        let began = Instant::now();
        let broke = |error: ClientError| Failure::failed(&error);
        let mut zuul = Gearman::connect(running.gearman).await.map_err(broke)?;
        let uuid = format!("{:016x}{:016x}", SystemClock.random(), SystemClock.random());
        let function = format!("build:{}", self.job);
        let parameters = parameters(&self.job, &uuid).to_string();
        zuul.submit(Level::Normal, function.as_bytes(), uuid.as_bytes(), parameters.as_bytes())
            .await
            .map_err(broke)?;
        output.note(&format!(
            "{} {function} submitted to the Gearman server at {}",
            output.paint_note(Tone::Busy, "zuul "),
            running.gearman
        ));
        let mut url = String::new();
        let mut console = None;
        let data = loop {
            let (kind, body) = zuul.packet().await.map_err(broke)?;
            let data: Value = body
                .splitn(2, |byte| *byte == 0)
                .nth(1)
                .and_then(|data| serde_json::from_slice(data).ok())
                .unwrap_or_default();
            if let Some(found) = data["url"].as_str().filter(|_| url.is_empty()) {
                found.clone_into(&mut url);
                output.note(&format!("{} {url}", output.paint_note(Tone::Busy, "page ")));
                console = Some(follow(running, room, &self.job, data["number"].as_u64(), output));
            }
            match kind {
                kind::WORK_COMPLETE | kind::WORK_FAIL | kind::WORK_EXCEPTION => break data,
                kind::WORK_DATA if console.is_some() => {}
                _ => continue,
            }
            // The console is shown to its end; the result waits in the connection meanwhile.
            if let Some(console) = console.take() {
                console.await?;
            }
        };
        let result = data["result"].as_str().map(str::to_owned);
        output.note(&format!(
            "{} after {:.1} s",
            output.paint_note(Tone::Busy, "ended"),
            began.elapsed().as_secs_f64()
        ));
        Ok(Ending { result, url })
    }
}

/// Shows the console of a build through the API, as `build log --follow` does.
async fn follow(
    running: &Running,
    room: &Room,
    job: &str,
    number: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    // The standard output is for data.
    if output.is_json() {
        return Ok(());
    }
    let client = Client::of(&running.url, &room.path)?;
    let found = async {
        let job = job.parse().ok()?;
        running.builds().find_by_number(&job, number?).await.ok().flatten()
    };
    match found.await {
        Some(record) => log(&client, output, record.id.as_str(), true).await,
        None => Ok(()),
    }
}

/// What Zuul sends with a change (zuul-gearman 5.5).
fn parameters(job: &str, uuid: &str) -> Value {
    let short = &uuid[..7];
    json!({
        "ZUUL_UUID": uuid, "ZUUL_PROJECT": "demo/marsh", "ZUUL_PIPELINE": "check",
        "ZUUL_URL": "git://zuul.example/p", "ZUUL_VOTING": "1", "ZUUL_BRANCH": "master",
        "ZUUL_CHANGES": "demo/marsh:master:refs/changes/01/1001/1",
        "ZUUL_REF": format!("refs/zuul/master/Z{uuid}"),
        "ZUUL_COMMIT": format!("{uuid}00000000"), "ZUUL_CHANGE_IDS": "1001,1", "ZUUL_CHANGE": "1001",
        "ZUUL_PATCHSET": "1", "BASE_LOG_PATH": "01/1001/1", "LOG_PATH": format!("01/1001/1/check/{job}/{short}"),
    })
}

fn configuration(choice: &Choice) -> String {
    let engine = choice.engine.as_ref().map(|engine| format!("    engine: {engine}\n")).unwrap_or_default();
    let image = choice
        .image
        .as_ref()
        .map(|image| format!("        image: {image}\n        pull: never\n"))
        .unwrap_or_default();
    format!(
        "gearman:\n  listen: 127.0.0.1:0\nhttp:\n  listen: 127.0.0.1:0\n\
         catalog:\n  jjb: [jjb/]\n  own: [\"demo-*\"]\n  default_shell: /bin/sh\n\
         providers:\n  - name: demo\n    driver: {}\n{engine}    max_nodes: 4\n\
         pools:\n  - name: demo\n    provider: demo\n    labels:\n      - name: demo\n        min_ready: 1\n{image}\
         builds:\n  drain_timeout: 1s\n",
        choice.provider.name()
    )
}

/// The folder of the demonstration: made for it and removed with it, unless the user named one.
struct Room {
    path: PathBuf,
    ours: bool,
}

impl Room {
    fn new(named: Option<&Path>) -> Result<Room, Failure> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => {
                let above = sys::variable("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
                Path::new(&above).join(format!("causeway-demo-{:08x}", SystemClock.random() >> 32))
            }
        };
        let room = Room { path, ours: named.is_none() };
        room.furnish().map_err(|error| {
            Failure::new(Kind::Failed, format!("the folder {} cannot be made: {error}", room.path.display()))
                .hint("name another one with --state DIR")
        })?;
        Ok(room)
    }

    /// Writes the configuration, so that it can be looked at, changed and read again.
    fn write(&self, configuration: &str) -> Result<PathBuf, Failure> {
        let file = self.path.join("causeway.yaml");
        std::fs::write(&file, configuration).map_err(|error| Failure::failed(&error))?;
        Ok(file)
    }

    fn furnish(&self) -> std::io::Result<()> {
        let tree = self.path.join("jjb");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&tree)?;
        for (name, text) in TREE {
            std::fs::write(tree.join(name), text)?;
        }
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.ours {
            // What cannot be removed lies in a temporary folder.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
