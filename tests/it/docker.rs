//! The `docker` provider against a real engine.

use std::time::{Duration, Instant};

use causeway::keeper::{EndedBy, Exit, Keeper, LogEvent, StepEnd, StepId, left_over_end};
use causeway::model;
use causeway::pool::label::{Mount, NetworkMode, PullPolicy, SecurityProfile};
use causeway::pool::provider::{NodeSpec, ObservedState, Provider, ProviderError};
use causeway::provider::docker::DockerProvider;

use crate::docker_engine::{Engine, new_node};
use crate::keeper_process::{label, spec};
use crate::keeper_support::{alive, follow, run, script, until};

async fn node(
    engine: &Engine,
    provider: &DockerProvider,
    change: impl FnOnce(&mut NodeSpec),
) -> (NodeSpec, Keeper) {
    let image = engine.image().await;
    let mut spec = spec(&engine.nodes(), new_node(), label(Some(&image)));
    change(&mut spec);
    provider.prepare(&spec.label).await.unwrap();
    provider.create(&spec).await.unwrap();
    let keeper = Keeper::connect(provider.start(&spec).await.unwrap(), spec.node).await.unwrap();
    (spec, keeper)
}

fn counting(lines: u32) -> String {
    format!("i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; done")
}

fn lines(count: u32) -> String {
    (1..=count).map(|line| format!("line {line}\n")).collect()
}

#[tokio::test]
async fn pools_11_2_a_container_is_made_used_found_and_taken_away() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    assert!(provider.check().await.unwrap().summary.starts_with("Docker Engine "));
    let (spec, keeper) = node(&engine, &provider, |_| {}).await;
    let text = "echo $OF_THE_LABEL; pwd; echo $$; hostname; cd ..; rmdir \"$OLDPWD\"";
    let (text, end) = run(&keeper, script(&spec.directory, 1, text)).await;
    assert_eq!(end.exit, Exit::Code(0), "{text}");
    assert!(text.starts_with(&format!("1\n{}/workspace\n", spec.directory.display())), "{text}");
    assert!(text.ends_with(&format!("{}\n", spec.node)), "{text}");

    assert_eq!(provider.create(&spec).await.unwrap().len(), 64, "adopted");
    let seen = provider.find(spec.node).await.unwrap().unwrap();
    assert_eq!(seen.state, ObservedState::Running);
    // Another installation sees a stranger's container and does not touch it (pools-P56).
    let other = engine.provider("two");
    assert_eq!(other.find(spec.node).await.unwrap(), None);
    assert_eq!(other.list().await.unwrap().unmanaged, 1);
    other.destroy(spec.node).await.unwrap();
    assert!(matches!(other.create(&spec).await, Err(ProviderError::Permanent(_))));
    keeper.ping().await.unwrap();
    let listing = provider.list().await.unwrap();
    assert!(listing.complete);
    assert_eq!(listing.objects.len(), 1);

    keeper.shutdown().await.unwrap();
    until_exited(&provider, &spec).await;
    assert!(matches!(provider.start(&spec).await, Err(ProviderError::Transient(_))), "never started twice");
    provider.destroy(spec.node).await.unwrap();
    provider.destroy(spec.node).await.unwrap();
    assert_eq!(provider.list().await.unwrap().objects, []);
    assert!(!spec.directory.exists());
    assert_eq!(engine.docker(&["ps", "-aq"]), "");
}

async fn until_exited(provider: &DockerProvider, spec: &NodeSpec) {
    crate::support::until(Duration::from_secs(20), async || {
        let seen = provider.find(spec.node).await.unwrap().unwrap();
        if matches!(seen.state, ObservedState::Exited(_)) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
}

#[tokio::test]
async fn pools_d40_d43_every_line_once_over_attach_and_over_dropped_streams() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let (spec, keeper) = node(&engine, &provider, |_| {}).await;
    let (text, _) = run(&keeper, script(&spec.directory, 1, &counting(30_000))).await;
    assert!(text == lines(30_000), "{} bytes", text.len());

    keeper.start_step(script(&spec.directory, 2, &counting(30_000))).await.unwrap();
    let (mut keeper, mut bytes) = (keeper, Vec::new());
    let end: StepEnd = 'streams: loop {
        let mut stream = keeper.follow(StepId(2), bytes.len() as u64).await.unwrap();
        let stop_at = bytes.len() + 100_000;
        while bytes.len() < stop_at {
            match stream.next().await.unwrap() {
                LogEvent::Data { bytes: piece, .. } => bytes.extend_from_slice(&piece),
                LogEvent::Ended(end) => break 'streams end,
            }
        }
        drop(stream);
        keeper = Keeper::connect(provider.open(spec.node).await.unwrap(), spec.node).await.unwrap();
    };
    assert!(bytes == lines(30_000).as_bytes());
    assert_eq!(end.exit, Exit::Code(0));
    provider.destroy(spec.node).await.unwrap();
}

#[tokio::test]
async fn pools_11_2_the_daemon_is_killed_during_a_step_and_nothing_is_lost() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let (spec, keeper) = node(&engine, &provider, |_| {}).await;
    let text = format!(
        "{}; while [ ! -e ../go ]; do sleep 0.05; done; {}; exit 3",
        counting(20_000),
        counting(20_000)
    );
    keeper.start_step(script(&spec.directory, 1, &text)).await.unwrap();
    let mut stream = keeper.follow(StepId(1), 0).await.unwrap();
    let mut bytes = Vec::new();
    while bytes.len() < 50_000 {
        if let LogEvent::Data { bytes: piece, .. } = stream.next().await.unwrap() {
            bytes.extend_from_slice(&piece);
        }
    }
    engine.kill();
    while let Ok(LogEvent::Data { bytes: piece, .. }) = stream.next().await {
        bytes.extend_from_slice(&piece);
    }
    let down = provider.find(spec.node).await;
    assert!(matches!(down, Err(ProviderError::Transient(_))), "{down:?}");
    std::fs::write(spec.directory.join("go"), "").unwrap();
    engine.start_again();
    let keeper = Keeper::connect(provider.open(spec.node).await.unwrap(), spec.node).await.unwrap();
    let (rest, end) = follow(&keeper, 1, bytes.len() as u64).await;
    bytes.extend_from_slice(&rest);
    assert!(bytes == lines(20_000).repeat(2).as_bytes(), "{} bytes", bytes.len());
    assert_eq!(end.exit, Exit::Code(3));
    provider.destroy(spec.node).await.unwrap();
}

#[tokio::test]
async fn pools_d60_a_kill_for_memory_is_told_from_other_ends() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let (spec, keeper) = node(&engine, &provider, |spec| {
        spec.label.memory_bytes = Some(64 << 20);
        spec.label.cpus_milli = Some(500);
        spec.label.pids = 64;
    })
    .await;
    let (_, end) = run(&keeper, script(&spec.directory, 1, "exec tail /dev/zero")).await;
    assert!(end.memory_kills > 0, "{end:?}");
    assert_eq!(end.memory_limit, Some(64 << 20));
    let limit = Some(64 << 20);
    assert_eq!(
        model::StepEnd::from(&end),
        model::StepEnd::Memory(model::MemoryUse { limit, peak: end.memory_peak })
    );
    // A child that was killed is no failure of a step that goes on.
    let (_, end) = run(&keeper, script(&spec.directory, 2, "tail /dev/zero; exit 0")).await;
    assert!(end.memory_kills > 0);
    assert_eq!(model::StepEnd::from(&end), model::StepEnd::Exit(0));
    let (_, end) = run(&keeper, script(&spec.directory, 3, "kill -9 $$")).await;
    assert_eq!(model::StepEnd::from(&end), model::StepEnd::Signal(9));
    provider.destroy(spec.node).await.unwrap();
}

#[tokio::test]
async fn pools_d65_in_a_container_an_abort_reaches_the_last_child() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let (spec, keeper) = node(&engine, &provider, |_| {}).await;
    let text =
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000' & env -i setsid sh -c '(sleep 1000 &)' &
        sleep 0.2; echo up; while :; do sleep 1; done";
    keeper.start_step(script(&spec.directory, 1, text)).await.unwrap();
    let mut stream = keeper.follow(StepId(1), 0).await.unwrap();
    stream.next().await.unwrap();
    let begun = Instant::now();
    keeper.stop(StepId(1), Duration::from_millis(500)).await.unwrap();
    let (_, end) = follow(&keeper, 1, 0).await;
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_eq!(end.by, EndedBy::Stop);
    let top = engine.docker(&["top", &engine.container(spec.node), "-o", "pid,args"]);
    assert_eq!(top.lines().count(), 2, "{top}");
    assert_eq!(left_over_end(&spec.directory, StepId(1)).unwrap(), Some(end));
    provider.destroy(spec.node).await.unwrap();
}

#[tokio::test]
async fn pools_d4_what_a_user_of_the_container_left_is_removed() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let (spec, keeper) = node(&engine, &provider, |spec| spec.label.user = Some("65534".to_owned())).await;
    let text = "id -u; mkdir -p a/b; ln -s /etc a/b/etc; touch a/b/-rf; chmod 0 a/b";
    let (text, end) = run(&keeper, script(&spec.directory, 1, text)).await;
    assert_eq!((text.as_str(), end.exit), ("65534\n", Exit::Code(0)));
    provider.destroy(spec.node).await.unwrap();
    assert!(!spec.directory.exists());
    assert!(std::path::Path::new("/etc/passwd").exists());
}

#[tokio::test]
async fn pools_d1a_d2_granted_mounts_are_there_and_a_missing_one_names_its_path() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let granted = tempfile::tempdir().unwrap();
    std::fs::write(granted.path().join("file"), "granted\n").unwrap();
    let mount = |source: &std::path::Path| Mount {
        source: source.to_owned(),
        target: "/srv/git".into(),
        writable: false,
    };
    let (first, keeper) = node(&engine, &provider, |spec| {
        spec.label.mounts.push(mount(granted.path()));
        spec.label.profile = SecurityProfile::Strict;
    })
    .await;
    let text = "cat /srv/git/file; touch /srv/git/x 2>/dev/null || echo read-only; touch /x 2>/dev/null || echo strict";
    let (text, _) = run(&keeper, script(&first.directory, 1, text)).await;
    assert_eq!(text, "granted\nread-only\nstrict\n");
    provider.destroy(first.node).await.unwrap();

    let image = engine.image().await;
    let mut spec = spec(&engine.nodes(), new_node(), label(Some(&image)));
    spec.label.mounts.push(mount(std::path::Path::new("/no/such/path")));
    let refused = provider.create(&spec).await;
    assert!(
        matches!(&refused, Err(ProviderError::Permanent(text)) if text.contains("/no/such/path")),
        "{refused:?}"
    );
    // Its directory is all there is of it; it is listed and goes.
    let listing = provider.list().await.unwrap();
    assert_eq!(listing.objects.len(), 1);
    assert_eq!(listing.objects[0].state, ObservedState::Created);
    provider.destroy(spec.node).await.unwrap();
    assert!(!spec.directory.exists());
}

#[tokio::test]
async fn pools_d50_an_image_that_is_nowhere_is_a_mistake_and_an_engine_that_is_down_is_not() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let mut wanted = label(Some("localhost:1/none:1"));
    wanted.pull = PullPolicy::Never;
    let refused = provider.prepare(&wanted).await;
    assert!(matches!(refused, Err(ProviderError::Permanent(_))), "{refused:?}");
    let facts = provider.prepare(&label(Some(&engine.image().await))).await.unwrap().unwrap();
    assert!(facts.digest.starts_with("sha256:") && facts.size_bytes > 0, "{facts:?}");
    engine.kill();
    for answer in [provider.prepare(&wanted).await.map(|_| ()), provider.check().await.map(|_| ())] {
        assert!(matches!(answer, Err(ProviderError::Transient(_))), "{answer:?}");
    }
    assert!(provider.list().await.is_err(), "a listing that failed is no empty listing (pools-P55)");
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "figures for whoever asks for them with --nocapture")]
async fn perf_m2_d1_d2_the_keepers_memory_and_times_in_a_container() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let image = engine.image().await;
    let spec = spec(&engine.nodes(), new_node(), label(Some(&image)));
    provider.prepare(&spec.label).await.unwrap();
    provider.check().await.unwrap();
    let begun = Instant::now();
    provider.create(&spec).await.unwrap();
    let created = begun.elapsed();
    let keeper = Keeper::connect(provider.start(&spec).await.unwrap(), spec.node).await.unwrap();
    let connected = begun.elapsed();
    keeper.start_step(script(&spec.directory, 1, "echo x")).await.unwrap();
    let mut stream = keeper.follow(StepId(1), 0).await.unwrap();
    stream.next().await.unwrap();
    let first_byte = begun.elapsed() - connected;
    let pid = engine.docker(&["inspect", "-f", "{{.State.Pid}}", &engine.container(spec.node)]);
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", pid.trim())).unwrap();
    let private: u64 = rollup
        .lines()
        .filter(|line| line.starts_with("Private_Dirty"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    println!(
        "create {created:?}, create to hello {connected:?}, step to first byte {first_byte:?}, keeper private {private} KiB"
    );
    assert!(private <= 1536, "{private} KiB");
    let pid: u32 = pid.trim().parse().unwrap();
    provider.destroy(spec.node).await.unwrap();
    until("the keeper is gone", || !alive(pid)).await;
}

#[tokio::test]
async fn pools_d36_d38_an_isolated_node_has_a_network_of_its_own_that_goes_with_it() {
    let Some(engine) = Engine::start() else { return };
    let provider = engine.provider("one");
    let isolated = |spec: &mut NodeSpec| spec.label.network = NetworkMode::Isolated;
    let (one, keeper) = node(&engine, &provider, isolated).await;
    let (two, other) = node(&engine, &provider, isolated).await;
    let name = |spec: &NodeSpec| format!("cw-one-{}", spec.node);
    let networks = || engine.docker(&["network", "ls", "-q", "--filter", "label=causeway.instance=one"]);
    assert_eq!(networks().lines().count(), 2);
    let members = |spec: &NodeSpec| {
        engine.docker(&["network", "inspect", "-f", "{{range .Containers}}{{.Name}} {{end}}", &name(spec)])
    };
    assert_eq!(members(&one).trim(), name(&one));
    // A way out, and nobody else's address in reach of it.
    let subnet = "ip -o -4 addr show eth0 | awk '{print $4}'; ip route | grep -c ^default";
    let (first, _) = run(&keeper, script(&one.directory, 1, subnet)).await;
    let (second, _) = run(&other, script(&two.directory, 1, subnet)).await;
    let addresses = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (first, second) = (addresses(&first), addresses(&second));
    assert_eq!((first.len(), &first[1]), (2, &"1".to_owned()), "{first:?}");
    assert_ne!(first[0], second[0]);
    // Asked for again, it is the same one.
    assert_eq!(provider.create(&one).await.unwrap().len(), 64);
    provider.destroy(one.node).await.unwrap();
    assert_eq!(networks().lines().count(), 1);

    // One that a crash left, without container or directory, is found and taken away.
    engine.docker(&["rm", "-f", &name(&two)]);
    std::fs::remove_dir_all(&two.directory).unwrap();
    let found = provider.list().await.unwrap().objects;
    assert_eq!(found.iter().map(|object| object.node).collect::<Vec<_>>(), [two.node]);
    provider.destroy(two.node).await.unwrap();
    assert_eq!(networks(), "");
    assert_eq!(provider.list().await.unwrap().objects, []);
}
