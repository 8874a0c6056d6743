//! What fuzzing has found, and what it was given to begin with, replayed through the fuzzer's own functions (`contrib/fuzz`).

use std::path::{Path, PathBuf};

#[path = "../../contrib/fuzz/src/lib.rs"]
mod targets;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/fuzz/corpus")
}

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = corpora().join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut inputs: Vec<_> = paths.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    inputs.sort();
    inputs
}

/// The fuzzer plays on the stack of a whole program, not on a test's; what is not optimised needs more of it.
const STACK: usize = 64 << 20;

#[test]
fn every_target_plays_its_corpus() {
    for target in &targets::TARGETS {
        let inputs = inputs(target.name);
        assert!(inputs.len() >= 4, "{} has a corpus of {}", target.name, inputs.len());
        for (path, input) in inputs {
            let player = std::thread::Builder::new().stack_size(STACK).spawn(move || (target.play)(&input));
            let played = player.expect("a thread").join();
            assert!(played.is_ok(), "{} is broken by {}", target.name, path.display());
        }
    }
}

#[test]
fn every_corpus_belongs_to_a_target() {
    for entry in std::fs::read_dir(corpora()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(targets::target(&name).is_some(), "no target plays corpus/{name}");
    }
}
