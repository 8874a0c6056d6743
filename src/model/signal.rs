//! Names of signals, for people.

/// Those that end a process, by their numbers on Linux.
const NAMES: [(i32, &str); 20] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (31, "SYS"),
];

/// A signal's name without `SIG`; `None` for those that nobody knows by name.
pub(super) fn name(signal: i32) -> Option<&'static str> {
    NAMES.iter().find(|(number, _)| *number == signal).map(|(_, name)| *name)
}

/// The signal of which a shell speaks by this exit code: 128 and its number. Not HUP: git ends with 129 when it is called wrongly.
pub(super) fn of_code(code: i32) -> Option<i32> {
    Some(code.checked_sub(128)?).filter(|signal| *signal != 1 && name(*signal).is_some())
}
