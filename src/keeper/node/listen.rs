//! Sockets in the node whose connections are tunnelled to Causeway (design A8).

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::beneath::parts;

/// One such socket. Between connections of Causeway it stays, and who connects waits.
pub(super) struct Listener {
    pub socket: UnixListener,
    pub path: String,
    /// The connection that new channels are opened on.
    pub owner: u32,
}

impl Listener {
    /// Listens on a path relative to the node's directory; an old socket there is replaced, anything else is not.
    pub fn bind(path: String, owner: u32) -> io::Result<Listener> {
        parts(Path::new(&path))?;
        if let Some(parent) = Path::new(&path).parent() {
            fs::create_dir_all(parent)?;
        }
        if fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
            fs::remove_file(&path)?;
        }
        let socket = UnixListener::bind(&path)?;
        socket.set_nonblocking(true)?;
        // A step may run as another user than the keeper.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        Ok(Listener { socket, path, owner })
    }
}
