//! The table of the house: each room with its floor, and what each room may touch. A change here is a change of the
//! design and wants a reason.

/// The floors, as the picture in the design has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    Main,
    Cli,
    App,
    Config,
    Face,
    Core,
    Adapter,
    Transport,
    Wire,
    Ground,
    Node,
}

/// A part of the house: a module and all below it that has no row of its own.
pub struct Room {
    pub path: &'static str,
    pub floor: Floor,
    pub reason: &'static str,
}

const fn room(path: &'static str, floor: Floor, reason: &'static str) -> Room {
    Room { path, floor, reason }
}

/// Longest match wins.
pub const ROOMS: &[Room] = &[
    room("main", Floor::Main, "the keeper, or the command line; ten lines"),
    room("cli", Floor::Cli, "translates for people at a terminal"),
    room("app", Floor::App, "composition: the only one that names adapters"),
    room("drain", Floor::App, "the phases of shutdown"),
    room("config", Floor::Config, "raw form to checked form, before anything runs"),
    room("zuul::feed", Floor::Face, "translates assignments and outcomes"),
    room("jenkins::face", Floor::Face, "translates REST"),
    room("web", Floor::Face, "translates to pages"),
    room("build", Floor::Core, "a build's life"),
    room("execute", Floor::Core, "one task per build"),
    room("route", Floor::Core, "the routing decision"),
    room("catalog", Floor::Core, "the jobs we know"),
    room("pool", Floor::Core, "labels, nodes, leases"),
    room("guard", Floor::Core, "the policed engine socket"),
    room("image", Floor::Core, "names of images, their builds, and what a label allows"),
    room("compare", Floor::Core, "shadow comparison"),
    room("console", Floor::Core, "logs by offset"),
    room("artifact", Floor::Core, "what a build leaves"),
    room("access", Floor::Core, "who may do what"),
    room("store", Floor::Core, "the trait in our words"),
    room("store::sqlite", Floor::Adapter, "implements Store"),
    room("store::postgres", Floor::Adapter, "implements Store"),
    room("store::directory", Floor::Adapter, "implements ObjectStore"),
    room("provider", Floor::Adapter, "implement Provider"),
    room("jenkins::client", Floor::Adapter, "implements Master"),
    room("jenkins::agent", Floor::Adapter, "shows a lease to a master"),
    room("gearman", Floor::Transport, "sockets and queue; knows no builds"),
    room("gearman::packet", Floor::Wire, "pure"),
    room("gearman::codec", Floor::Wire, "pure"),
    room("gearman::admin", Floor::Wire, "pure"),
    room("gearman::limits", Floor::Wire, "numbers with their reasons"),
    room("keeper", Floor::Transport, "our side of the keeper's protocol"),
    room("keeper::wire", Floor::Wire, "pure; shared by both sides"),
    room("keeper::node", Floor::Node, "runs on nodes, before anything of ours exists"),
    room("zuul", Floor::Face, "a door only: names its rooms"),
    room("zuul::wire", Floor::Wire, "pure"),
    room("jenkins", Floor::Face, "a door only: names its rooms"),
    room("jenkins::wire", Floor::Wire, "pure"),
    room("model", Floor::Ground, "our words; pure"),
    room("sys", Floor::Ground, "the doors to clock, sockets, randomness, environment"),
    room("telemetry", Floor::Ground, "tracing, metrics, field names"),
];

/// Floors below that a floor may import from, besides its own room; with the reason a finding gives.
pub fn allowed(from: Floor) -> (&'static [Floor], &'static str) {
    use Floor::*;
    match from {
        Main => (&[Cli, Node], "main is the keeper or the command line, and nothing else"),
        Cli => (&[App, Config, Core, Transport, Wire, Ground], "only app names faces and adapters"),
        App => (
            &[App, Config, Face, Core, Adapter, Transport, Wire, Ground],
            "app composes what is below it; nothing below knows the command line",
        ),
        Config => (
            &[Core, Transport, Wire, Ground],
            "config makes checked values; only app names faces and adapters",
        ),
        Face => (&[Core, Transport, Wire, Ground], "faces translate; they see no adapter and no other face"),
        Core => (
            &[Core, Transport, Wire, Ground],
            "core defines the traits it needs and names no face, adapter or configuration",
        ),
        Adapter => (
            &[Core, Transport, Wire, Ground],
            "adapters implement traits of core; they see no face and no other adapter",
        ),
        Transport => (&[Wire, Ground], "transport knows no builds, and no other transport"),
        Wire => (&[Wire, Ground], "wire is pure"),
        Ground => (&[Ground], "ground knows nothing above it"),
        Node => (&[Wire], "the keeper's own program imports std, rustix and keeper::wire"),
    }
}

/// A path that only some rooms may name.
pub struct Restriction {
    /// The paths, without `::*`; `std::time::Instant` also covers `std::time::Instant::now`.
    pub paths: &'static [&'static str],
    pub rooms: Rooms,
    pub reason: &'static str,
}

/// Where a restriction holds. Rooms are module paths; everything below them counts.
pub enum Rooms {
    /// Nowhere but here.
    Only(&'static [&'static str]),
    /// Here, everywhere else it is free.
    Never(&'static [&'static str]),
}

/// Wire and model decode and describe; they never touch the world.
const PURE: &[&str] = &[
    "model",
    "gearman::packet",
    "gearman::codec",
    "gearman::admin",
    "zuul::wire",
    "jenkins::wire",
    "keeper::wire",
];

pub const RESTRICTIONS: &[Restriction] = &[
    Restriction {
        paths: &[
            "std::net",
            "std::fs",
            "std::process",
            "std::thread",
            "std::os::unix::net",
            "tokio",
            "rustix",
            "reqwest",
            "axum",
            "sqlx",
            "bollard",
        ],
        rooms: Rooms::Never(PURE),
        reason: "wire and model do no I/O",
    },
    Restriction {
        paths: &["std::time::Instant", "std::time::SystemTime", "rand"],
        rooms: Rooms::Never(PURE),
        reason: "wire and model know no clock and no chance",
    },
    Restriction {
        paths: &["std::env"],
        rooms: Rooms::Only(&["config", "sys", "main", "keeper::node"]),
        reason: "the environment is read in config; sys is its door",
    },
    Restriction {
        paths: &["sqlx"],
        rooms: Rooms::Only(&["store::sqlite", "store::postgres"]),
        reason: "core names no concrete database",
    },
    Restriction {
        paths: &["bollard"],
        rooms: Rooms::Only(&["provider::docker"]),
        reason: "core names no concrete provider",
    },
    Restriction {
        paths: &["axum", "askama"],
        rooms: Rooms::Only(&["web", "jenkins::face"]),
        reason: "HTTP types stay in the faces that speak it",
    },
    Restriction {
        paths: &["reqwest"],
        rooms: Rooms::Only(&["cli", "jenkins::client"]),
        reason: "HTTP clients are the command line and the client to masters",
    },
    Restriction {
        paths: &["clap", "comfy_table", "indicatif"],
        rooms: Rooms::Only(&["cli"]),
        reason: "only the command line is a command line",
    },
    Restriction {
        paths: &["anyhow"],
        rooms: Rooms::Only(&["cli", "main"]),
        reason: "below cli every module has an error enum of its own",
    },
    Restriction {
        paths: &["jjb_compat"],
        rooms: Rooms::Only(&["catalog", "config", "app", "cli"]),
        reason: "the catalogue is where JJB ends; everything else knows recipes",
    },
    Restriction {
        paths: &["tokio::sync::mpsc::unbounded_channel", "std::sync::mpsc::channel"],
        rooms: Rooms::Only(&[]),
        reason: "every queue has a bound",
    },
    Restriction {
        paths: &["std::thread::sleep"],
        rooms: Rooms::Only(&["keeper::node", "sys"]),
        reason: "a sleeping thread holds up a runtime; wait with a limit",
    },
];

pub const JJB_RESTRICTIONS: &[Restriction] = &[
    Restriction {
        paths: &["causeway"],
        rooms: Rooms::Only(&[]),
        reason: "jjb-compat knows nothing of Causeway",
    },
    Restriction {
        paths: &["std::net", "std::process", "std::thread::sleep", "tokio", "reqwest"],
        rooms: Rooms::Only(&[]),
        reason: "jjb-compat has no network and starts nothing",
    },
    Restriction {
        paths: &["std::time::Instant", "std::env"],
        rooms: Rooms::Only(&[]),
        reason: "jjb-compat has no clock and no environment: the same tree gives the same jobs",
    },
    Restriction {
        paths: &["std::time::SystemTime"],
        rooms: Rooms::Only(&["source"]),
        reason: "jjb-compat asks the time only where it tells whether a file of the disk is at rest",
    },
    Restriction {
        paths: &["std::fs"],
        rooms: Rooms::Only(&["source"]),
        reason: "jjb-compat reads files only through its Source trait",
    },
];

/// What `keeper::node` may name besides itself.
pub const NODE_IMPORTS: &[&str] =
    &["std", "core", "alloc", "rustix", "crate::keeper::wire", "crate::keeper::node"];

/// Folders and files beside the sources (dotfiles are free).
pub const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "src",
    "jjb-compat",
    "fixtures",
    "tests",
    "contrib",
    "README.md",
    "Cargo.lock",
    "LICENSE",
    "CHANGELOG.md",
    // Read by the tools only at the top.
    "clippy.toml",
    "rustfmt.toml",
    "deny.toml",
    "rust-toolchain.toml",
    "askama.toml",
    // Made by building.
    "target",
];

/// Names that say nothing; a file is named after its idea.
pub const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "manager"];

/// Licences that a dependency may have; a licence expression must be satisfiable from these.
pub const LICENCES: &[&str] = &[
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "BSL-1.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
];

/// Crates that must not come in, by any way.
pub const BANNED: &[(&str, &str)] = &[
    ("openssl-sys", "one TLS stack, and it links statically"),
    ("native-tls", "one TLS stack"),
    ("async-std", "one async runtime"),
    ("smol", "one async runtime"),
    ("serde_yml", "no longer kept; the maintained one is yaml_serde"),
];

/// How many crates the lock file had in more than one version. Only ever lower this.
pub const DOUBLED_AT_MOST: usize = 10;
