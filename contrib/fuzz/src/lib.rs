//! What is played with hostile bytes, one function a target, for the fuzzer and for replays of the corpora. Each panics where
//! something that must always hold does not.

mod gearman;
mod jjb;
mod keeper;
mod zuul;

/// A target: its name, which is also the folder of its corpus, and what it does with an input.
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Plays one input.
    pub play: fn(&[u8]),
}

/// All targets, the ones that read from the network first.
pub const TARGETS: [Target; 9] = [
    Target { name: "gearman_server", play: gearman::server },
    Target { name: "gearman_frames", play: gearman::frames },
    Target { name: "gearman_text", play: gearman::text },
    Target { name: "zuul_json", play: zuul::json },
    Target { name: "keeper_wire", play: keeper::wire },
    Target { name: "keeper_peer", play: keeper::peer },
    Target { name: "jjb_yaml", play: jjb::yaml },
    Target { name: "jjb_format", play: jjb::format },
    Target { name: "jjb_expand", play: jjb::expand },
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
