//! `causeway keeper join DIR`: connects standard input and output to the keeper that runs on this node (decision 17).

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::keeper::wire::SOCKET;

/// Copies both ways until the keeper closes.
pub(super) fn join(directory: &Path) -> io::Result<()> {
    // A socket's path may have 107 bytes at most; a relative one always fits.
    std::env::set_current_dir(directory)?;
    let socket = UnixStream::connect(SOCKET)?;
    let mut to_keeper = socket.try_clone()?;
    std::thread::Builder::new().stack_size(64 * 1024).spawn(move || {
        // However it ends: the keeper learns that nothing more comes.
        let _ = io::copy(&mut io::stdin().lock(), &mut to_keeper);
        let _ = to_keeper.shutdown(Shutdown::Write);
    })?;
    forward(socket)
}

/// Passes on each piece at once: standard output of this program would wait for a line's end.
fn forward(socket: UnixStream) -> io::Result<()> {
    let output = rustix::stdio::stdout();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&socket, &mut piece[..]))?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &piece[..count];
        while !rest.is_empty() {
            let written = rustix::io::retry_on_intr(|| rustix::io::write(output, rest))?;
            rest = &rest[written..];
        }
    }
}
