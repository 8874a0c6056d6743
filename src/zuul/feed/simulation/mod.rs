//! A simulation with a seed: the real queue, the real feed and the real writer of builds, with clients, masters, executors, lost
//! connections, cancels in every gap and kills of the whole process chosen at random, on a clock that only moves when it is told to.
//! The next thing often happens before everybody has heard of the last.
//!
//! A seed replays exactly. What is checked: JOB_CREATED comes first (zuul-S-6), the order of service (zuul-S-9), a lost worker's job
//! fails and is never handed out again (zuul-S-15), every accepted job ends once, with its packet, its connection, or a cancel that
//! was answered OK (zuul-Z-6), only objects with a number come first (zuul-Z-4, Z-5), and no build ends twice or shares a number (zuul 8.2).
//!
//! `CAUSEWAY_SEEDS=10000 cargo test --lib simulation` runs many; `CAUSEWAY_SEED=N` replays one.

mod clients;
mod house;
mod masters;
mod model;
mod world;

use world::World;

/// Seeds of an ordinary test run.
const SEEDS: u64 = 200;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn seeds_hold_zuul_s_6_s_9_s_15_z_6() {
    if let Some(seed) = setting("CAUSEWAY_SEED") {
        World::new(seed).run().unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
        return;
    }
    let mut ended = 0;
    for seed in 0..setting("CAUSEWAY_SEEDS").unwrap_or(SEEDS) {
        match World::new(seed).run() {
            Ok((count, _)) => ended += count,
            Err(problem) => panic!("CAUSEWAY_SEED={seed} replays this: {problem}"),
        }
    }
    // A world in which nothing ends would hold every promise.
    assert!(ended > 1000, "only {ended} jobs ended");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        let runs = [World::new(seed).run(), World::new(seed).run()];
        assert_eq!(runs[0], runs[1], "seed {seed}");
    }
}
