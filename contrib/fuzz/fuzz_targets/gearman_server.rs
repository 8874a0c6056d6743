#![no_main]
//! Peers and the process against the Gearman queue.

use causeway::gearman::server::replay;

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    replay(script);
});
