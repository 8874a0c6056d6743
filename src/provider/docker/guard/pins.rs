//! Directories of the workspace, held open so that they stay what was judged.
//!
//! A job can change what lies below its workspace at any time: a name that led to a directory when it was judged may lead to `/` when the
//! engine mounts it. So the directory is opened here, without ever leaving where it must lie, and the engine is told the open
//! descriptor: as the device of a volume without a name, which the engine's own process mounts (a bind of such a path would be
//! mounted from within the container's namespace, where the kernel refuses it). Needs that the engine runs beside Causeway: the
//! same processes, the same mounts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;
use serde_json::{Value, json};

use crate::guard::{Bind, Refusal};

/// What the engine is told about one bind, and what has to stay open until it is mounted.
pub(super) struct Pinned {
    pub mount: Value,
    pub held: Option<OwnedFd>,
}

/// Opens a bind's directory and describes it for the engine.
///
/// # Errors
/// A path that does not exist, leads out, or is no directory.
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
        Ok(_) => {
            let text = format!("'{}' is a file; only directories are given to containers", bind.asked);
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
    Ok(Pinned { mount, held: Some(held) })
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
    fn pools_d57_links_that_lead_out_sockets_and_files_are_refused() {
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
            ("job/file", "pools-D57 binds"),
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
