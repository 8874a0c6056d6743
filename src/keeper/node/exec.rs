//! What stands between the keeper and a step's program: a moment as a process of its own, to enter a new session.
//!
//! Without `unsafe` nothing can run between fork and exec, so the keeper starts itself, and this becomes the step.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, set_parent_process_death_signal, setsid};

/// The word after `keeper`.
pub(super) const WORD: &str = "step";

/// The file in a step's directory that says why it could not be started: the code, a space, the reason.
pub(super) const FAILED: &str = "failed";

/// Becomes the step. Returns only when that fails: 127 not found, 126 may not be run, 125 anything else.
pub(super) fn exec(control: &Path, cwd: &Path, argv: &[OsString]) -> u8 {
    // Refused only to a process that leads a group already; then it is as good.
    let _ = setsid();
    // On a host a keeper that was killed takes its step along; without it nobody would know the step's end.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let (code, text) = become_step(cwd, argv);
    // With a full disk the exit code still says it.
    let _ = fs::write(control.join(FAILED), format!("{code} {text}"));
    super::complain(&text);
    code
}

fn become_step(cwd: &Path, argv: &[OsString]) -> (u8, String) {
    if let Err(error) = fs::create_dir_all(cwd).and_then(|()| std::env::set_current_dir(cwd)) {
        return (125, format!("cannot work in {}: {error}", cwd.display()));
    }
    let Some((program, arguments)) = argv.split_first() else {
        return (125, "no program was named".to_owned());
    };
    let error = Command::new(program).args(arguments).exec();
    (code_of(&error), format!("cannot run {}: {error}", program.display()))
}

/// The exit codes that shells give (pools 12.9).
pub(super) fn code_of(error: &io::Error) -> u8 {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => 127,
        ErrorKind::PermissionDenied | ErrorKind::IsADirectory => 126,
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => 126,
        _ => 125,
    }
}
