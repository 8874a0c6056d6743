//! What the kernel says about the node's memory (kills, limit, peak) and about processes that it refused; control groups of version 2 and 1
//! (decision 33).

use std::fs;
use std::path::PathBuf;

/// The counters of the control group that this process is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Processes ended for memory since the group was made.
    pub kills: u64,
    /// The limit in bytes.
    pub limit: Option<u64>,
    /// The most that was ever used, in bytes.
    pub peak: Option<u64>,
}

/// Version 1 writes "no limit" as the largest multiple of a page.
const NO_LIMIT: u64 = 1 << 62;

impl Memory {
    /// Reads them now. What the kernel does not offer is absent, or zero.
    pub fn read() -> Memory {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let (v2, v1) = (path_of(&groups, ""), path_of(&groups, "memory"));
        // Inside a container the group is mounted at the root, whatever path it has outside.
        let v2 = [PathBuf::from(format!("/sys/fs/cgroup{v2}")), "/sys/fs/cgroup".into()];
        let v1 = [PathBuf::from(format!("/sys/fs/cgroup/memory{v1}")), "/sys/fs/cgroup/memory".into()];
        let read = |dirs: &[PathBuf], file: &str| {
            dirs.iter().find_map(|dir| fs::read_to_string(dir.join(file)).ok())
        };
        if let Some(events) = read(&v2, "memory.events") {
            Memory {
                kills: keyed(&events, "oom_kill").unwrap_or(0),
                limit: read(&v2, "memory.max").and_then(|text| number(&text)),
                peak: read(&v2, "memory.peak").and_then(|text| number(&text)),
            }
        } else {
            Memory {
                kills: read(&v1, "memory.oom_control").and_then(|text| keyed(&text, "oom_kill")).unwrap_or(0),
                limit: read(&v1, "memory.limit_in_bytes")
                    .and_then(|text| number(&text))
                    .filter(|limit| *limit < NO_LIMIT),
                peak: read(&v1, "memory.max_usage_in_bytes").and_then(|text| number(&text)),
            }
        }
    }
}

/// How often this group was refused a process since it was made, for having as many as it may have.
pub(super) fn refused() -> u64 {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let (v2, v1) = (path_of(&groups, ""), path_of(&groups, "pids"));
    let places = [
        format!("/sys/fs/cgroup/pids{v1}"),
        "/sys/fs/cgroup/pids".to_owned(),
        format!("/sys/fs/cgroup{v2}"),
        "/sys/fs/cgroup".to_owned(),
    ];
    let events = places.iter().find_map(|place| fs::read_to_string(format!("{place}/pids.events")).ok());
    events.and_then(|events| keyed(&events, "max")).unwrap_or(0)
}

/// This process's path in /proc/self/cgroup: that of a controller of version 1, or of the unified hierarchy, which names none.
fn path_of(groups: &str, controller: &str) -> String {
    let of = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|name| name == controller).then(|| path.to_owned())
    };
    groups.lines().find_map(of).unwrap_or_default()
}

fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find_map(|(name, value)| (name == key).then(|| number(value))?)
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_found() {
        let groups = "11:cpu,memory:/docker/ab\n3:name=systemd:/x\n0::/init.scope\n";
        assert_eq!(path_of(groups, ""), "/init.scope");
        assert_eq!(path_of(groups, "memory"), "/docker/ab");
        assert_eq!(path_of(groups, "pids"), "");
        assert_eq!(keyed("low 0\noom 3\noom_kill 2\n", "oom_kill"), Some(2));
        assert_eq!(number("max\n"), None);
    }
}
