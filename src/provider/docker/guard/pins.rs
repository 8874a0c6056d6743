//! Directories of the workspace, held open so that they stay what was judged.
//!
//! A job can change what lies below its workspace at any time: a name that led to a directory when it was judged may lead to `/` when the
//! engine mounts it. So the directory is opened here, without ever leaving where it must lie, and the engine is told the open
//! descriptor: as the device of a volume without a name, which the engine's own process mounts (a bind of such a path would be
//! mounted from within the container's namespace, where the kernel refuses it). Needs that the engine runs beside Causeway: the
//! same processes, the same mounts.
//!
//! A file cannot be the device of a volume. It is given a second name in a folder that no node sees, and that name is bound: the same
//! file under a path that no job can change.

use std::fs::{DirBuilder, remove_dir, remove_file};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, fstat, linkat, openat, openat2};
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::guard::{Bind, Refusal};
use crate::provider::directory;

/// What the engine is told about one bind, and what has to stay until it is mounted.
pub(super) struct Pinned {
    pub mount: Value,
    pub held: Option<Held>,
}

/// What keeps a bind what it was when it was judged.
pub(super) enum Held {
    /// An open directory.
    Directory { _open: OwnedFd },
    /// A file's second name.
    File { _name: SecondName },
}

/// A file's second name; it goes with the value.
pub(super) struct SecondName(PathBuf);

impl Drop for SecondName {
    fn drop(&mut self) {
        // Gone already is as good, and a folder that others still use stays.
        let _ = remove_file(&self.0);
        let mut folder = self.0.parent();
        for _ in 0..2 {
            let Some(path) = folder else { return };
            if remove_dir(path).is_err() {
                return;
            }
            folder = path.parent();
        }
    }
}

/// More names than a node has containers.
const NAME_TRIES: u32 = 1_000;
/// Tells second names apart.
static NAMES: AtomicU64 = AtomicU64::new(0);

/// Opens a bind's directory or file and describes it for the engine.
///
/// # Errors
/// A path that does not exist, leads out, or is neither.
pub(super) fn pin(bind: &Bind, workspace: &Path, marks: &[(String, String)]) -> Result<Pinned, Refusal> {
    if bind.below.as_os_str().is_empty() && bind.root != workspace {
        // A directory that the operator named; nothing in it that a job could change is on the way.
        let mount = json!({
            "Type": "bind", "Source": bind.root, "Target": bind.target, "ReadOnly": bind.read_only,
        });
        return Ok(Pinned { mount, held: None });
    }
    let held = open(bind, workspace).map_err(|error| refusal(bind, error))?;
    let kind = fstat(&held).map(|stat| FileType::from_raw_mode(stat.st_mode));
    match kind {
        Ok(FileType::Directory) => {}
        Ok(FileType::Socket) => {
            let text = format!("'{}' is a socket", bind.asked);
            return Err(Refusal::forbidden("pools-D57 sockets", text));
        }
        Ok(FileType::RegularFile) => return file(bind, &held, workspace),
        Ok(_) => {
            let text = format!("'{}' is neither a directory nor a file", bind.asked);
            return Err(Refusal::forbidden("pools-D57 binds", text));
        }
        Err(error) => return Err(refusal(bind, error)),
    }
    let device = format!("/proc/{}/fd/{}", std::process::id(), held.as_raw_fd());
    let labels: serde_json::Map<String, Value> =
        marks.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mount = json!({
        "Type": "volume",
        "Target": bind.target,
        "ReadOnly": bind.read_only,
        "VolumeOptions": {
            "NoCopy": true,
            "Labels": labels,
            "DriverConfig": { "Name": "local", "Options": { "type": "none", "o": "bind", "device": device } },
        },
    });
    Ok(Pinned { mount, held: Some(Held::Directory { _open: held }) })
}

/// Gives an open file its second name.
fn file(bind: &Bind, open: &OwnedFd, workspace: &Path) -> Result<Pinned, Refusal> {
    let name = second_name(open, workspace).map_err(|error| {
        let text = format!("the file '{}' cannot be held: {}", bind.asked, io::Error::from(error));
        Refusal::forbidden("pools-D57 binds", text)
    })?;
    let mount = json!({
        "Type": "bind", "Source": name.0, "Target": bind.target, "ReadOnly": bind.read_only,
    });
    Ok(Pinned { mount, held: Some(Held::File { _name: name }) })
}

fn second_name(open: &OwnedFd, workspace: &Path) -> Result<SecondName, Errno> {
    let folder = directory::held_of(workspace.parent().unwrap_or(workspace));
    let open = format!("/proc/self/fd/{}", open.as_raw_fd());
    let mut tries = 0..NAME_TRIES;
    loop {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let name = folder.join(NAMES.fetch_add(1, Ordering::Relaxed).to_string());
        match linkat(CWD, &open, CWD, &name, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => return Ok(SecondName(name)),
            // A name that a killed process left, or a folder that has just been found empty and taken away.
            Err(Errno::EXIST | Errno::NOENT) if tries.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

fn open(bind: &Bind, workspace: &Path) -> Result<OwnedFd, Errno> {
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = if bind.root == workspace {
        // The node's own directory is a mount point inside the node: only what lies in it can be replaced from there.
        let node = workspace.parent().unwrap_or(workspace);
        let name = workspace.file_name().unwrap_or_default();
        let node = openat(CWD, node, directory | OFlags::NOFOLLOW, Mode::empty())?;
        openat2(
            node.as_fd(),
            name,
            directory,
            Mode::empty(),
            ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH,
        )?
    } else {
        openat(CWD, &bind.root, directory, Mode::empty())?
    };
    let below = if bind.below.as_os_str().is_empty() { Path::new(".") } else { &bind.below };
    openat2(
        root.as_fd(),
        below,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    )
}

fn refusal(bind: &Bind, error: Errno) -> Refusal {
    let asked = &bind.asked;
    match error {
        Errno::XDEV | Errno::LOOP => {
            let text = format!("'{asked}' leads out of the workspace by a link");
            Refusal::forbidden("pools-D71", text)
        }
        Errno::NOENT | Errno::NOTDIR => {
            // The form that would make it, for root, is never used (pools-D2).
            Refusal { rule: "pools-D2", text: format!("'{asked}' does not exist"), status: 400 }
        }
        other => {
            let text = format!("'{asked}' cannot be opened: {}", io::Error::from(other));
            Refusal::forbidden("pools-D57 binds", text)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn ask(workspace: &Path, below: &str) -> Result<Pinned, Refusal> {
        let bind = Bind {
            root: workspace.to_owned(),
            below: below.into(),
            asked: below.to_owned(),
            target: "/t".to_owned(),
            read_only: false,
        };
        pin(&bind, workspace, &[])
    }

    #[test]
    fn pools_d57_a_directory_that_is_swapped_after_the_look_stays_what_it_was() {
        let node = tempfile::tempdir().unwrap();
        let workspace = node.path().join("workspace");
        fs::create_dir_all(workspace.join("src/own")).unwrap();
        let pinned = ask(&workspace, "src").unwrap();
        fs::rename(workspace.join("src"), workspace.join("aside")).unwrap();
        symlink("/", workspace.join("src")).unwrap();
        let device = pinned.mount["VolumeOptions"]["DriverConfig"]["Options"]["device"].as_str().unwrap();
        assert!(Path::new(device).join("own").is_dir());
        assert_eq!(ask(&workspace, "src").err().unwrap().rule, "pools-D71");
    }

    #[test]
    fn pools_d57_a_file_that_is_swapped_after_the_look_stays_what_it_was() {
        let nodes = tempfile::tempdir().unwrap();
        let workspace = nodes.path().join("n/workspace");
        fs::create_dir_all(&workspace).unwrap();
        fs::write(workspace.join("key"), "own").unwrap();
        let [one, two] = [ask(&workspace, "key"), ask(&workspace, "key")].map(Result::unwrap);
        fs::rename(workspace.join("key"), workspace.join("aside")).unwrap();
        symlink("/etc/shadow", workspace.join("key")).unwrap();
        let source = one.mount["Source"].as_str().unwrap().to_owned();
        assert!(!source.starts_with(workspace.to_str().unwrap()), "{source}");
        fs::write(&source, "written through").unwrap();
        assert_eq!(fs::read_to_string(workspace.join("aside")).unwrap(), "written through");
        assert_eq!(ask(&workspace, "key").err().unwrap().rule, "pools-D71");
        drop(one);
        assert!(!Path::new(&source).exists());
        drop(two);
        let left: Vec<_> =
            fs::read_dir(nodes.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["n"]);
    }

    #[test]
    fn pools_d57_links_that_lead_out_sockets_and_devices_are_refused() {
        let node = tempfile::tempdir().unwrap();
        let workspace = node.path().join("workspace");
        fs::create_dir_all(workspace.join("job")).unwrap();
        fs::create_dir(node.path().join("steps")).unwrap();
        symlink("/etc", workspace.join("job/etc")).unwrap();
        symlink("../../steps", workspace.join("job/steps")).unwrap();
        symlink("etc", workspace.join("job/chain")).unwrap();
        symlink("loop", workspace.join("job/loop")).unwrap();
        symlink("/proc/self/root", workspace.join("job/proc")).unwrap();
        symlink(".", workspace.join("job/here")).unwrap();
        fs::write(workspace.join("job/file"), "").unwrap();
        let fifo = std::process::Command::new("mkfifo").arg(workspace.join("job/fifo")).status().unwrap();
        assert!(fifo.success());
        let _socket = UnixListener::bind(workspace.join("job/s")).unwrap();
        assert!(ask(&workspace, "job/here").is_ok());
        assert!(ask(&workspace, "").is_ok());
        for (below, rule) in [
            ("job/etc", "pools-D71"),
            ("job/etc/ssl", "pools-D71"),
            ("job/steps", "pools-D71"),
            ("job/chain", "pools-D71"),
            ("job/loop", "pools-D71"),
            ("job/proc", "pools-D71"),
            ("job/../../steps", "pools-D71"),
            ("job/fifo", "pools-D57 binds"),
            ("job/s", "pools-D57 sockets"),
            ("job/none", "pools-D2"),
            ("job/file/below", "pools-D2"),
        ] {
            assert_eq!(ask(&workspace, below).err().expect(below).rule, rule, "{below}");
        }
        fs::rename(&workspace, node.path().join("aside")).unwrap();
        symlink("/", &workspace).unwrap();
        assert!(ask(&workspace, "etc").is_err(), "the workspace itself became a link");
    }
}
