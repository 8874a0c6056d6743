//! A node's directory on this machine (decision 18, pools-D1): made before the node, marked as ours, removed after it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::keeper::remove_tree;
use crate::keeper::wire::{NODE_FILE, WORKSPACE};
use crate::model::NodeId;
use crate::pool::provider::ProviderError;

/// The file that says whose the directory is: instance and provider, a line each.
const MARK: &str = "causeway-node";
/// The folder of second names; it begins as no node's name does.
const HELD: &str = ".held";

/// Whose a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The installation (pools-P56).
    pub instance: String,
    /// The provider's name in the configuration.
    pub provider: String,
}

/// Makes the directory with all that a node expects in it; one that is ours already is completed.
///
/// The build's user must be able to write to it and is not known here, so it is open to all; `nodes_dir` above it is
/// closed to everybody else.
pub(super) fn make(directory: &Path, node: NodeId, mark: &Mark) -> io::Result<()> {
    if let Some(parent) = directory.parent()
        && !parent.exists()
    {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let workspace = directory.join(WORKSPACE);
    fs::create_dir_all(&workspace)?;
    match read_mark(directory) {
        Some(found) if found != *mark => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("{} belongs to another installation or provider", directory.display()),
            ));
        }
        Some(_) => {}
        None => write_whole(directory, MARK, &format!("{}\n{}\n", mark.instance, mark.provider))?,
    }
    write_whole(directory, NODE_FILE, node.as_str())?;
    for path in [directory, &workspace] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
    }
    Ok(())
}

/// Makes a directory, and those above it down from `node`'s, for whatever user a build has. Not to be called once a job has run there.
pub(super) fn open_to_all(directory: &Path, below: &Path) -> io::Result<()> {
    let root = below.parent().unwrap_or(below);
    let rest = directory.strip_prefix(root).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut path = root.to_owned();
    for part in rest.components() {
        path.push(part);
        match fs::create_dir(&path) {
            Ok(()) => fs::set_permissions(&path, fs::Permissions::from_mode(0o777))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes it with all below; not there: done (pools-P52).
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    let held = held_of(directory);
    if held.exists() {
        remove_tree(&held)?;
        // Only when no other node holds anything.
        let _ = held.parent().map(fs::remove_dir);
    }
    // The mark goes last: what a killed process has begun to remove is still known as ours by the next one.
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let entry = entry?;
        if entry.file_name() != MARK {
            remove_tree(&entry.path())?;
        }
    }
    remove_tree(directory)
}

/// Where files of that node have second names for its containers: beside all nodes, where none of them sees it.
pub(super) fn held_of(directory: &Path) -> PathBuf {
    let name = directory.file_name().unwrap_or_default();
    directory.with_file_name(HELD).join(name)
}

/// Whose it is; `None`: nobody's that we know.
pub(super) fn read_mark(directory: &Path) -> Option<Mark> {
    let text = fs::read_to_string(directory.join(MARK)).ok()?;
    let mut lines = text.lines();
    Some(Mark { instance: lines.next()?.to_owned(), provider: lines.next()?.to_owned() })
}

/// The nodes whose directories have that mark, and how many others carry a node's name or nobody's mark.
pub(super) fn list(nodes_dir: &Path, mark: &Mark) -> io::Result<(Vec<NodeId>, u32)> {
    let entries = match fs::read_dir(nodes_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    let mut unmanaged = 0;
    for entry in entries {
        let entry = entry?;
        if entry.file_name() == HELD {
            continue;
        }
        let node = entry.file_name().to_str().and_then(|name| name.parse::<NodeId>().ok());
        match (node, read_mark(&entry.path())) {
            (Some(node), Some(theirs)) if theirs == *mark => found.push(node),
            // Another provider of this installation looks after its own.
            (Some(_), Some(theirs)) if theirs.instance == mark.instance => {}
            _ => unmanaged += 1,
        }
    }
    Ok((found, unmanaged))
}

/// What a failure with the directory means: a full disk or a busy mount passes, a wrong owner does not.
pub(super) fn trouble(directory: &Path, error: &io::Error) -> ProviderError {
    let text = format!("{}: {error}", directory.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::ReadOnlyFilesystem => ProviderError::Permanent(text),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ProviderError::Quota(text),
        _ => ProviderError::Transient(text),
    }
}

/// Runs work on files where it may block.
pub(super) async fn off_the_loop<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ProviderError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ProviderError::Transient(format!("work on files was ended: {error}")))
}

/// What a node's directory takes of the disk, in bytes.
pub(super) async fn usage(directory: PathBuf) -> Result<u64, ProviderError> {
    off_the_loop(move || super::usage::of(&directory).map_err(|error| trouble(&directory, &error))).await?
}

/// A node's directory.
pub(super) fn of(nodes_dir: &Path, node: NodeId) -> PathBuf {
    nodes_dir.join(node.as_str())
}

fn write_whole(directory: &Path, name: &str, text: &str) -> io::Result<()> {
    let aside = directory.join(format!("{name}.new"));
    fs::write(&aside, text)?;
    fs::rename(aside, directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(instance: &str, provider: &str) -> Mark {
        Mark { instance: instance.to_owned(), provider: provider.to_owned() }
    }

    #[test]
    fn pools_p56_only_directories_with_our_mark_are_ours() {
        let nodes = tempfile::tempdir().unwrap();
        let ours = NodeId::new(1, 1);
        let made = |node: NodeId, mark: &Mark| make(&of(nodes.path(), node), node, mark).unwrap();
        made(ours, &mark("a", "p"));
        made(ours, &mark("a", "p"));
        made(NodeId::new(1, 2), &mark("a", "other provider"));
        made(NodeId::new(1, 3), &mark("b", "p"));
        fs::create_dir(of(nodes.path(), NodeId::new(1, 4))).unwrap();
        fs::create_dir(nodes.path().join("somebody")).unwrap();
        let (found, unmanaged) = list(nodes.path(), &mark("a", "p")).unwrap();
        assert_eq!(found, [ours]);
        assert_eq!(unmanaged, 3);
        assert!(make(&of(nodes.path(), ours), ours, &mark("b", "p")).is_err());
    }

    #[test]
    fn no_nodes_directory_means_no_nodes() {
        let nodes = tempfile::tempdir().unwrap();
        let listed = list(&nodes.path().join("none"), &mark("a", "p")).unwrap();
        assert_eq!(listed, (Vec::new(), 0));
    }
}
