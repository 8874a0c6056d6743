//! The `process` provider: nodes as processes of this machine.

use std::path::Path;
use std::time::Duration;

use causeway::keeper::{Exit, Keeper, StepId};
use causeway::model::NodeId;
use causeway::pool::label::{LabelDefinition, NetworkMode, PullPolicy, SecurityProfile};
use causeway::pool::provider::{NodeSpec, ObservedState, Provider};
use causeway::provider::process::ProcessProvider;

use crate::keeper_support::{alive, follow, run, script, until};

/// Never this test's own file: it does not know how to be a keeper.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_causeway");

pub fn label(image: Option<&str>) -> LabelDefinition {
    LabelDefinition {
        name: "any".to_owned(),
        aliases: Vec::new(),
        pool: "main".to_owned(),
        provider: "here".to_owned(),
        image: image.map(str::to_owned),
        pull: PullPolicy::IfAbsent,
        min_ready: 0,
        max_nodes: None,
        cpus_milli: None,
        memory_bytes: None,
        pids: 512,
        shm_bytes: None,
        disk_bytes: None,
        mounts: Vec::new(),
        environment: vec![("OF_THE_LABEL".to_owned(), "1".to_owned())],
        user: None,
        profile: SecurityProfile::Standard,
        network: NetworkMode::None,
        guard: None,
        images: Default::default(),
        max_ready_age: Duration::ZERO,
    }
}

pub fn spec(nodes: &Path, node: NodeId, label: LabelDefinition) -> NodeSpec {
    NodeSpec { node, instance: "test-instance".to_owned(), label, directory: nodes.join(node.as_str()) }
}

#[tokio::test]
async fn pools_11_1_a_process_node_is_made_used_found_and_taken_away() {
    let nodes = tempfile::tempdir().unwrap();
    let provider = ProcessProvider::new("here", "test-instance", nodes.path(), PROGRAM);
    let node = NodeId::new(1_700_000_000_000, rand_bits());
    let spec = spec(nodes.path(), node, label(None));
    provider.check().await.unwrap();
    assert!(provider.prepare(&spec.label).await.unwrap().is_none());
    assert_eq!(provider.find(node).await.unwrap(), None);
    provider.create(&spec).await.unwrap();
    provider.create(&spec).await.unwrap();
    let state = provider.find(node).await.unwrap().unwrap().state;
    assert_eq!(state, ObservedState::Created);

    let keeper = Keeper::connect(provider.start(&spec).await.unwrap(), node).await.unwrap();
    let (text, end) = run(&keeper, script(&spec.directory, 1, "echo $OF_THE_LABEL; pwd")).await;
    assert_eq!(text, format!("1\n{}\n", spec.directory.join("workspace").display()));
    assert_eq!(end.exit, Exit::Code(0));
    keeper.start_step(script(&spec.directory, 2, "setsid sleep 1000 & echo $!; sleep 1000")).await.unwrap();

    // Another Causeway, another stream: the same step.
    drop(keeper);
    let again = ProcessProvider::new("here", "test-instance", nodes.path(), PROGRAM);
    let listing = again.list().await.unwrap();
    assert!(listing.complete);
    assert_eq!(listing.objects.len(), 1);
    assert_eq!((listing.objects[0].node, &listing.objects[0].state), (node, &ObservedState::Running));
    let keeper = Keeper::connect(again.start(&spec).await.unwrap(), node).await.unwrap();
    let mut stream = keeper.follow(StepId(2), 0).await.unwrap();
    let causeway::keeper::LogEvent::Data { bytes, .. } = stream.next().await.unwrap() else {
        panic!("no output")
    };
    let child: u32 = String::from_utf8_lossy(&bytes).trim().parse().unwrap();
    assert!(alive(child));

    again.destroy(node).await.unwrap();
    again.destroy(node).await.unwrap();
    assert!(!alive(child));
    assert!(!spec.directory.exists());
    assert_eq!(provider.list().await.unwrap().objects, []);
}

#[tokio::test]
async fn a_process_node_whose_keeper_was_killed_leaves_nothing() {
    let nodes = tempfile::tempdir().unwrap();
    let provider = ProcessProvider::new("here", "test-instance", nodes.path(), PROGRAM);
    let node = NodeId::new(1_700_000_000_000, rand_bits());
    let spec = spec(nodes.path(), node, label(None));
    provider.create(&spec).await.unwrap();
    let keeper = Keeper::connect(provider.start(&spec).await.unwrap(), node).await.unwrap();
    let mut step =
        script(&spec.directory, 1, "setsid sleep 1000 & echo $! > pid; echo $PPID > keeper; sleep 1000");
    let workspace = spec.directory.join("workspace");
    step.env.push(("WORKSPACE".to_owned(), workspace.to_str().unwrap().to_owned()));
    keeper.start_step(step).await.unwrap();
    let number = |name: &str| -> Option<u32> {
        std::fs::read_to_string(workspace.join(name)).ok()?.trim().parse().ok()
    };
    until("the step is up", || number("keeper").is_some()).await;
    let (child, parent) = (number("pid").unwrap(), number("keeper").unwrap());
    let pid = rustix::process::Pid::from_raw(parent.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    keeper.closed().await;
    until("the keeper is gone", || !alive(parent)).await;
    let state = provider.find(node).await.unwrap().unwrap().state;
    assert!(matches!(state, ObservedState::Exited(_)), "{state:?}");
    assert!(alive(child));
    provider.destroy(node).await.unwrap();
    assert!(!alive(child));
    assert!(!spec.directory.exists());
}

#[tokio::test]
async fn steps_outlive_the_stream_they_were_started_over() {
    let nodes = tempfile::tempdir().unwrap();
    let provider = ProcessProvider::new("here", "test-instance", nodes.path(), PROGRAM);
    let node = NodeId::new(1_700_000_000_000, rand_bits());
    let spec = spec(nodes.path(), node, label(None));
    provider.create(&spec).await.unwrap();
    let keeper = Keeper::connect(provider.start(&spec).await.unwrap(), node).await.unwrap();
    let go = spec.directory.join("go");
    let text = format!("echo one; while [ ! -e {} ]; do sleep 0.01; done; echo two", go.display());
    keeper.start_step(script(&spec.directory, 1, &text)).await.unwrap();
    drop(keeper);
    std::fs::write(go, "").unwrap();
    let keeper = Keeper::connect(provider.open(node).await.unwrap(), node).await.unwrap();
    let (bytes, end) = follow(&keeper, 1, 0).await;
    assert_eq!((bytes.as_slice(), end.exit), (&b"one\ntwo\n"[..], Exit::Code(0)));
    provider.destroy(node).await.unwrap();
}

/// Somebody removed it by hand: nothing could ever find the node again, so it must not live on.
#[tokio::test]
async fn a_node_whose_directory_is_taken_away_ends_with_all_that_runs_on_it() {
    let nodes = tempfile::tempdir().unwrap();
    let provider = ProcessProvider::new("here", "test-instance", nodes.path(), PROGRAM);
    let node = NodeId::new(1_700_000_000_000, rand_bits());
    let spec = spec(nodes.path(), node, label(None));
    provider.create(&spec).await.unwrap();
    let keeper = Keeper::connect(provider.start(&spec).await.unwrap(), node).await.unwrap();
    keeper.start_step(script(&spec.directory, 1, "echo $$ $PPID; exec sleep 1000")).await.unwrap();
    let mut stream = keeper.follow(StepId(1), 0).await.unwrap();
    let causeway::keeper::LogEvent::Data { bytes, .. } = stream.next().await.unwrap() else {
        panic!("no output")
    };
    let pids: Vec<u32> =
        String::from_utf8_lossy(&bytes).split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| alive(*pid)));
    std::fs::remove_dir_all(&spec.directory).unwrap();
    // The end of a stream makes the keeper look around at once; without one it does so every half minute.
    drop((stream, keeper));
    until("step and keeper are gone", || pids.iter().all(|pid| !alive(*pid))).await;
}

/// Ids that no other test of the machine has.
pub fn rand_bits() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
