//! A full disk under the store and the logs, on a file system of a megabyte (decision 16, pools-D46).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use causeway::console::Consoles;
use causeway::model::{
    BuildId, BuildRecord, BuildRequest, BuildState, Cause, Millis, Origin, Outcome, Parameters, Precedence,
    ResultWord,
};
use causeway::store::sqlite::SqliteStore;
use causeway::store::{Store, StoreError};
use causeway::sys::SystemClock;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::support::not_run;

/// A small file system, gone at the end.
struct SmallDisk {
    directory: tempfile::TempDir,
}

impl SmallDisk {
    /// A megabyte; `None` where we may not mount.
    fn new() -> Option<SmallDisk> {
        let directory = tempfile::tempdir().unwrap();
        match mount("tmpfs", directory.path(), "tmpfs", MountFlags::empty(), Some(c"size=1m")) {
            Ok(()) => Some(SmallDisk { directory }),
            Err(error) => {
                not_run(&format!("a small file system cannot be mounted: {error}"));
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes all the room that is left, and returns the file that has it.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut size = 1 << 20;
        while size > 0 {
            let mut content = std::fs::read(&path).unwrap_or_default();
            content.resize(content.len() + size, b'x');
            if std::fs::write(&path, &content).is_err() {
                content.truncate(content.len() - size);
                std::fs::write(&path, &content).unwrap();
                size /= 2;
            }
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(self.directory.path(), UnmountFlags::DETACH);
    }
}

fn record(place: u64) -> BuildRecord {
    BuildRecord::accepted(
        BuildId::new(place, place),
        BuildRequest {
            route: None,
            job: "job".parse().unwrap(),
            label: None,
            parameters: Parameters::default(),
            precedence: Precedence::Normal,
            origin: Origin::Http { user: "x".repeat(2_000) },
        },
        "{}".into(),
        Millis(place),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decision_16_a_full_store_says_so_and_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new() else { return };
    let clock: causeway::sys::SharedClock = Arc::new(SystemClock);
    let store = SqliteStore::open(disk.path(), &clock).await.unwrap();
    assert_eq!(store.accept_build(record(1), 1).await.unwrap(), 1);
    let filler = disk.fill();
    let mut accepted = 1;
    let error = loop {
        match store.accept_build(record(accepted + 1), 1).await {
            Ok(number) => accepted = number,
            Err(error) => break error,
        }
        assert!(accepted < 2_000, "the disk never fills");
    };
    assert!(matches!(error, StoreError::Full(_)) && error.is_retryable(), "{error:?}");
    assert_eq!(store.build(BuildId::new(1, 1)).await.unwrap().map(|build| build.number), Some(1));

    std::fs::remove_file(filler).unwrap();
    let mut ended = record(1);
    ended.state = BuildState::Ended(Outcome { result: Some(ResultWord::Success), cause: Cause::Finished });
    ended.version = 1;
    store.end_build(ended, None).await.unwrap();
    assert_eq!(store.accept_build(record(accepted + 1), 1).await.unwrap(), accepted + 1);
    store.close().await;

    let store = SqliteStore::open(disk.path(), &clock).await.unwrap();
    assert_eq!(store.unfinished_builds().await.unwrap().len() as u64, accepted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pools_d46_a_full_disk_drops_log_data_with_a_marker_and_fails_nothing() {
    let Some(disk) = SmallDisk::new() else { return };
    let consoles = Consoles::open(disk.path().join("logs"), Arc::new(SystemClock)).unwrap();
    let console = consoles.writer(BuildId::new(1, 1)).await.unwrap();
    console.append(Bytes::from_static(b"begin\n")).await.unwrap();
    let start = console.length();
    let filler = disk.fill();
    let piece = Bytes::from(vec![b'.'; 10_000]);
    let mut handed = 0;
    for _ in 0..5 {
        console.append(piece.clone()).await.unwrap();
        handed += piece.len() as u64;
    }
    let stored = console.length();
    assert!(stored - start < handed, "nothing was dropped");
    assert_eq!(console.taken(start).await, handed);

    std::fs::remove_file(filler).unwrap();
    console.append(Bytes::from_static(b"end\n")).await.unwrap();
    assert_eq!(console.taken(start).await, handed + 4);
    console.finish();
    let reader = consoles.reader(BuildId::new(1, 1)).await.unwrap().unwrap();
    let text = String::from_utf8(reader.read(0, 1 << 20).await.unwrap().to_vec()).unwrap();
    let missing = handed - (stored - start);
    let line = format!("\n[causeway] {missing} bytes of this log are missing");
    assert!(text.starts_with("begin\n") && text.contains(&line) && text.ends_with("\nend\n"), "{text}");

    let again = Consoles::open(disk.path().join("logs"), Arc::new(SystemClock)).unwrap();
    let console = again.writer(BuildId::new(1, 1)).await.unwrap();
    assert_eq!(console.taken(start).await, handed + 4);
}
