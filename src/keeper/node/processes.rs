//! Who runs on this node: read from /proc.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Its parent's.
    pub parent: i32,
    /// Its session's.
    pub session: i32,
}

/// Everything that runs; what has ended and only waits to be reaped is left out.
pub fn running() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter_map(process).collect()
}

/// Every running descendant of `ancestor`, parents before children.
pub(super) fn descendants(ancestor: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in running() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = children.remove(&ancestor).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next).copied() {
        found.extend(children.remove(&process.pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// Sends a signal; a process that has just ended needs none.
pub(super) fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether the environment with which the process was started has every one of these entries.
pub(super) fn has_environment(pid: i32, entries: &[String]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    !entries.is_empty()
        && entries
            .iter()
            .all(|entry| environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes()))
}

/// Ends, with KILL, every process whose environment mentions `mark`, a text that nothing else would contain. For what a keeper that was
/// itself killed left on a host. Returns whether none is left within `limit`.
pub fn end_all_marked(mark: &str, limit: Duration) -> bool {
    let own = rustix::process::getpid().as_raw_pid();
    let deadline = Instant::now() + limit;
    loop {
        let marked: Vec<Process> = running()
            .into_iter()
            .filter(|process| process.pid != own && mentions(process.pid, mark.as_bytes()))
            .collect();
        if marked.is_empty() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        for process in marked {
            signal(process.pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether this very process was started as `keeper run`, whatever program it is.
pub fn is_started_as_keeper() -> bool {
    let command = fs::read("/proc/self/cmdline").unwrap_or_default();
    let mut words = command.split(|byte| *byte == 0).skip(1);
    words.next() == Some(super::WORD.as_bytes()) && words.next() == Some(b"run")
}

/// Whether a process belongs to the node of that mark: the keeper itself by its command line, a step by a variable. Where somebody's shell
/// happens to stand (`PWD`) says nothing.
fn mentions(pid: i32, mark: &[u8]) -> bool {
    let parts = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let has = |text: &[u8]| text.windows(mark.len()).any(|window| window == mark);
    if mark.is_empty() {
        return false;
    }
    let command = parts("cmdline");
    let mut words = command.split(|byte| *byte == 0).skip(1);
    if words.next() == Some(super::WORD.as_bytes()) && words.any(has) {
        return true;
    }
    parts("environ")
        .split(|byte| *byte == 0)
        .any(|entry| !entry.starts_with(b"PWD=") && !entry.starts_with(b"OLDPWD=") && has(entry))
}

fn process(pid: i32) -> Option<Process> {
    let text = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    parse(pid, &text)
}

/// `PID (NAME) STATE PARENT GROUP SESSION …`; the name may contain anything, brackets too.
fn parse(pid: i32, text: &str) -> Option<Process> {
    let (_, fields) = text.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    let parent = fields.next()?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    Some(Process { pid, parent, session })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        assert_eq!(parse(7, "7 (a) b) S 5 6 4 0 -1 0"), Some(Process { pid: 7, parent: 5, session: 4 }));
        assert_eq!(parse(7, "7 (gone) Z 5 6 4 0"), None);
        assert_eq!(parse(7, "nonsense"), None);
    }

    #[test]
    fn our_own_child_is_a_descendant() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(descendants(own).iter().any(|process| process.pid == pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!descendants(own).iter().any(|process| process.pid == pid));
    }
}
