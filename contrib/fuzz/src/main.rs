//! The fuzzer: the environment variable `FUZZ_TARGET` names the target, so that one program is built for all.
#![no_main]

use std::sync::LazyLock;

use causeway_fuzz::{Target, target};

static CHOSEN: LazyLock<&Target> = LazyLock::new(|| {
    // The engine takes every panic for a finding, and those of the YAML parser are caught by its reader.
    let engine = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.location().is_some_and(|place| place.file().contains("libyaml-safer")) {
            engine(info);
        }
    }));
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: '{name}'"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (CHOSEN.play)(bytes));
