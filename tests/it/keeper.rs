//! The keeper: the real program on this machine, driven through Causeway's side of its protocol.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use causeway::keeper::{
    EndedBy, EntryKind, Exit, Keeper, KeeperError, LogEvent, StepEnd, StepId, StepState, left_over_end,
};
use causeway::model::NodeId;

use crate::keeper_support::{Node, alive, follow, run, script, until};

fn lines(count: u32) -> String {
    (1..=count).map(|line| format!("line {line}\n")).collect()
}

#[tokio::test]
async fn jjb_t12_a_step_has_one_stream_no_input_and_the_environment_it_was_given() {
    let (node, keeper) = Node::start().await;
    let text = "echo out; echo err >&2; cat; pwd; echo \"$0\"; tr '\\0' '|' < /proc/$$/environ";
    let mut spec = script(node.path(), 1, text);
    spec.env =
        vec![("V".to_owned(), "first".to_owned()), ("V".to_owned(), "two\nlines 'ä' = \"x\"".to_owned())];
    let (text, end) = run(&keeper, spec).await;
    let workspace = node.workspace();
    let script_path = node.path().join("steps/1/script");
    assert_eq!(
        text,
        format!(
            "out\nerr\n{}\n{}\nOF_THE_NODE=1|PATH=/usr/bin:/bin|V=two\nlines 'ä' = \"x\"|",
            workspace.display(),
            script_path.display()
        )
    );
    assert_eq!((end.exit, end.by), (Exit::Code(0), EndedBy::Itself));
    assert!(!script_path.exists(), "the script is deleted after");
}

#[tokio::test]
async fn pools_d45_every_line_arrives_before_the_end() {
    let (node, keeper) = Node::start().await;
    let spec = script(node.path(), 1, "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo line $i; done");
    let (text, end) = run(&keeper, spec).await;
    assert!(text == lines(30_000), "{} bytes", text.len());
    assert_eq!(end.exit, Exit::Code(0));
    assert_eq!(left_over_end(node.path(), StepId(1)).unwrap(), Some(end));
}

#[tokio::test]
async fn pools_d43_a_lost_stream_is_resumed_by_offset() {
    let (node, keeper) = Node::start().await;
    let spec = script(node.path(), 1, "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo line $i; done");
    keeper.start_step(spec).await.unwrap();
    let mut bytes: Vec<u8> = Vec::new();
    let mut keeper = keeper;
    // Drop the stream after every 40,000 bytes or so, also in the middle of lines.
    let end: StepEnd = 'streams: loop {
        let mut stream = keeper.follow(StepId(1), bytes.len() as u64).await.unwrap();
        let stop_at = bytes.len() + 40_000;
        loop {
            match stream.next().await.unwrap() {
                LogEvent::Data { offset, bytes: piece } => {
                    assert_eq!(offset, bytes.len() as u64);
                    bytes.extend_from_slice(&piece);
                }
                LogEvent::Ended(end) => break 'streams end,
            }
            if bytes.len() >= stop_at {
                break;
            }
        }
        drop(stream);
        keeper = node.join().await;
    };
    assert!(bytes == lines(30_000).as_bytes());
    assert_eq!(end.exit, Exit::Code(0));
}

#[tokio::test]
async fn pools_d41_a_reader_that_stalls_holds_up_nothing() {
    let (node, keeper) = Node::start().await;
    let spec = script(node.path(), 1, "head -c 8000000 /dev/zero; touch written");
    keeper.start_step(spec).await.unwrap();
    let mut stalled = keeper.follow(StepId(1), 0).await.unwrap();
    until("the step ended", || node.workspace().join("written").exists()).await;
    let (bytes, _) = follow(&keeper, 1, 0).await;
    assert_eq!(bytes.len(), 8_000_000);
    let mut count = 0;
    while let LogEvent::Data { bytes, .. } = stalled.next().await.unwrap() {
        count += bytes.len();
    }
    assert_eq!(count, 8_000_000);
}

#[tokio::test]
async fn a_step_is_never_run_twice() {
    let (node, keeper) = Node::start().await;
    let spec = script(node.path(), 1, "echo once >> count; read line < /dev/null; exit 3");
    let second = node.join().await;
    let _ = tokio::join!(keeper.start_step(spec.clone()), second.start_step(spec.clone()));
    let (_, end) = follow(&keeper, 1, 0).await;
    assert_eq!(keeper.start_step(spec).await.unwrap(), StepState::Ended(end));
    let count = std::fs::read_to_string(node.workspace().join("count")).unwrap();
    assert_eq!(count, "once\n");
    assert_eq!(keeper.step_state(StepId(2)).await.unwrap(), StepState::Unknown);
}

#[tokio::test]
async fn pools_12_9_a_step_that_cannot_start_says_why() {
    let (node, keeper) = Node::start().await;
    let mut spec = script(node.path(), 1, "");
    spec.argv = vec!["/no/such/shell".to_owned()];
    let (text, end) = run(&keeper, spec).await;
    assert!(text.contains("/no/such/shell"), "{text}");
    let Exit::NotStarted { code: 127, text } = end.exit else { panic!("{end:?}") };
    assert!(text.contains("No such file"), "{text}");

    std::fs::write(node.path().join("plain"), "x").unwrap();
    let mut spec = script(node.path(), 2, "");
    spec.argv = vec![node.path().join("plain").to_str().unwrap().to_owned()];
    let (_, end) = run(&keeper, spec).await;
    assert!(matches!(end.exit, Exit::NotStarted { code: 126, .. }), "{end:?}");

    let mut spec = script(node.path(), 3, "exit 0");
    spec.env.push(("BIG".to_owned(), "x".repeat(200_000)));
    let (_, end) = run(&keeper, spec).await;
    assert!(matches!(end.exit, Exit::NotStarted { code: 125, .. }), "{end:?}");
    // A step's own 127 is an exit like any other.
    let (_, end) = run(&keeper, script(node.path(), 4, "exit 127")).await;
    assert_eq!(end.exit, Exit::Code(127));
    let (_, end) = run(&keeper, script(node.path(), 5, "kill -SEGV $$")).await;
    assert_eq!(end.exit, Exit::Signal(11));
}

#[tokio::test]
async fn pools_d64_time_limits_hold_without_a_connection() {
    let (node, keeper) = Node::start().await;
    let mut silent = script(node.path(), 1, "echo before; exec sleep 100");
    silent.inactivity = Some(Duration::from_millis(300));
    let mut chatty = script(node.path(), 2, "while :; do echo x; sleep 0.05; done");
    chatty.absolute = Some(Duration::from_millis(500));
    chatty.inactivity = Some(Duration::from_millis(300));
    keeper.start_step(silent).await.unwrap();
    keeper.start_step(chatty).await.unwrap();
    drop(keeper);
    let status = |step| left_over_end(node.path(), StepId(step)).unwrap();
    until("both ended", || status(1).is_some() && status(2).is_some()).await;
    assert_eq!(status(1).unwrap().by, EndedBy::InactivityLimit);
    let chatty = status(2).unwrap();
    assert_eq!(chatty.by, EndedBy::AbsoluteLimit);
    assert!(chatty.ended_at - chatty.started_at >= 500);
}

#[tokio::test]
async fn pools_d65_an_abort_reaches_the_last_child_within_grace_and_a_second() {
    let (node, keeper) = Node::start().await;
    // One that ignores TERM, one in a session of its own without parent, one that has left the environment too.
    let text = "trap '' TERM
        sleep 1000 & echo $! >> pids
        setsid sh -c 'trap \"\" TERM; echo $$ >> pids; sleep 1000' &
        env -i setsid sh -c 'trap \"\" TERM; (/usr/bin/sleep 1000 & echo $! >> pids)' &
        echo $$ >> pids
        sleep 0.2; echo ready; while :; do sleep 1; done";
    keeper.start_step(script(node.path(), 1, text)).await.unwrap();
    let file = node.workspace().join("pids");
    let pids = || -> Vec<u32> {
        std::fs::read_to_string(&file)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect()
    };
    until("four processes", || pids().len() == 4).await;
    assert!(pids().iter().all(|pid| alive(*pid)));
    let grace = Duration::from_millis(500);
    let begun = Instant::now();
    keeper.stop(StepId(1), grace).await.unwrap();
    keeper.stop(StepId(1), Duration::from_secs(60)).await.unwrap();
    let (_, end) = follow(&keeper, 1, 0).await;
    assert!(begun.elapsed() < grace + Duration::from_secs(1));
    assert_eq!(end.by, EndedBy::Stop);
    assert_eq!(end.exit, Exit::Signal(9));
    for pid in pids() {
        assert!(!alive(pid), "{pid} lives");
    }
}

#[tokio::test]
async fn a_step_that_obeys_is_stopped_at_once() {
    let (node, keeper) = Node::start().await;
    let spec =
        script(node.path(), 1, "trap 'echo cleaned; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    keeper.start_step(spec).await.unwrap();
    let mut stream = keeper.follow(StepId(1), 0).await.unwrap();
    stream.next().await.unwrap();
    let begun = Instant::now();
    keeper.stop(StepId(1), Duration::from_secs(60)).await.unwrap();
    let (text, end) = follow(&keeper, 1, 0).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    // Some shells say in between that their `sleep` was terminated.
    assert!(text.starts_with(b"ready\n") && text.ends_with(b"cleaned\n"));
    assert_eq!((end.exit, end.by), (Exit::Code(7), EndedBy::Stop));
}

#[tokio::test]
async fn jjb_t14_leftovers_live_through_steps_until_they_are_swept() {
    let (node, keeper) = Node::start().await;
    let mut spec = script(
        node.path(),
        1,
        "sleep 1000 & echo $! > found
         BUILD_ID=dontKillMe sh -c 'sleep 1000 & echo $! > saved'
         (while :; do echo noise; sleep 0.01; done) & echo $! > noisy",
    );
    spec.env.push(("BUILD_ID".to_owned(), "17".to_owned()));
    spec.env.push(("COOKIE".to_owned(), "c".to_owned()));
    let (_, end) = run(&keeper, spec).await;
    assert_eq!(end.exit, Exit::Code(0));
    let pid = |name: &str| -> u32 {
        let text = std::fs::read_to_string(node.workspace().join(name)).unwrap();
        text.trim().parse().unwrap()
    };
    let (text, _) = run(&keeper, script(node.path(), 2, "echo two")).await;
    assert_eq!(text, "two\n", "what is left over writes into no step's log");
    for name in ["found", "saved", "noisy"] {
        assert!(alive(pid(name)), "{name}");
    }
    let cookie = vec!["BUILD_ID=17".to_owned(), "COOKIE=c".to_owned()];
    let swept = keeper.sweep(cookie, Duration::from_secs(2)).await.unwrap();
    // The loop and whichever `sleep` it was at.
    assert!((2..=4).contains(&swept), "{swept}");
    assert!(!alive(pid("found")) && !alive(pid("noisy")));
    assert!(alive(pid("saved")));
    keeper.shutdown().await.unwrap();
    assert!(!alive(pid("saved")));
}

#[tokio::test]
async fn pools_d44_a_flood_is_limited_and_its_end_is_kept() {
    let (node, keeper) = Node::start().await;
    let mut spec = script(node.path(), 1, "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo the end");
    spec.log_limit = 4 << 20;
    let (text, end) = run(&keeper, spec.clone()).await;
    assert!(text.ends_with("x\nthe end\n"));
    assert!(end.log_length < (4 << 20) + 200);
    assert_eq!(end.log_dropped + (4 << 20), 20_000_000 + "\nthe end\n".len() as u64);
    assert!(text.contains(&format!("[causeway] {} bytes", end.log_dropped)));

    spec.step = StepId(2);
    spec.script = Some(b"while :; do echo flood; done".to_vec());
    spec.log_limit = 100_000;
    spec.end_at_log_limit = true;
    let (_, end) = run(&keeper, spec).await;
    assert_eq!(end.by, EndedBy::LogLimit);
}

#[tokio::test]
async fn pools_d71_files_are_moved_and_links_never_followed() {
    let (node, keeper) = Node::start().await;
    let content: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    keeper.put_file("workspace/a/b.bin", 0o640, content.as_slice()).await.unwrap();
    let path = node.workspace().join("a/b.bin");
    assert!(std::fs::read(&path).unwrap() == content);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    let mut reader = keeper.get_file("workspace/a/b.bin").await.unwrap();
    let mut fetched = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        fetched.extend_from_slice(&piece);
    }
    assert!(fetched == content);

    symlink("/etc", node.workspace().join("etc")).unwrap();
    symlink("/etc/passwd", node.workspace().join("a/passwd")).unwrap();
    for path in [
        "workspace/etc/passwd",
        "workspace/a/passwd",
        "../../../etc/passwd",
        "workspace/a",
        "workspace/none",
        "/etc/passwd",
    ] {
        let read = async { keeper.get_file(path).await?.next().await };
        let error = read.await.unwrap_err();
        assert!(matches!(error, KeeperError::Refused(_)), "{path}: {error}");
        assert!(!error.is_retryable());
    }
    let put = keeper.put_file("workspace/etc/x", 0o644, &b"x"[..]).await;
    assert!(matches!(put, Err(KeeperError::Refused(_))), "{put:?}");

    let mut listing = keeper.list_files("workspace", 100).await.unwrap();
    let mut entries = Vec::new();
    while let Some(more) = listing.next().await.unwrap() {
        entries.extend(more);
    }
    let mut seen: Vec<_> =
        entries.iter().map(|entry| (String::from_utf8_lossy(&entry.path).into_owned(), entry.kind)).collect();
    seen.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        seen,
        [
            ("a".to_owned(), EntryKind::Directory),
            ("a/b.bin".to_owned(), EntryKind::File),
            ("a/passwd".to_owned(), EntryKind::Link),
            ("etc".to_owned(), EntryKind::Link),
        ]
    );
    let mut short = keeper.list_files("workspace", 3).await.unwrap();
    let error = loop {
        match short.next().await {
            Ok(Some(_)) => {}
            other => break other.unwrap_err(),
        }
    };
    assert!(error.to_string().contains("more than 3 entries"), "{error}");

    keeper.remove("workspace/etc").await.unwrap();
    assert!(std::path::Path::new("/etc/passwd").exists());
    keeper.remove("workspace/none").await.unwrap();
    keeper.wipe().await.unwrap();
    assert!(!node.workspace().exists());
    assert!(node.path().join("node").exists());
}

#[tokio::test]
async fn pools_p35_another_node_than_the_one_meant_is_refused() {
    let (node, keeper) = Node::start().await;
    let (near, far) = tokio::io::duplex(64 * 1024);
    let socket = tokio::net::UnixStream::connect(node.path().join("keeper.sock")).await.unwrap();
    let copy = tokio::spawn(async move {
        let (mut far, mut socket) = (far, socket);
        let _ = tokio::io::copy_bidirectional(&mut far, &mut socket).await;
    });
    let other = NodeId::new(1, 1);
    let error = Keeper::connect(near, other).await.unwrap_err();
    assert!(matches!(error, KeeperError::WrongNode { .. }), "{error}");
    copy.await.unwrap();
    keeper.ping().await.unwrap();
}

#[tokio::test]
async fn garbage_ends_the_stream_and_nothing_else() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (node, keeper) = Node::start().await;
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64],
        // A request before the hello.
        &[5, 0, 0, 0, 2, 1, 0, 0, 0, 7],
    ] {
        let mut socket = tokio::net::UnixStream::connect(node.path().join("keeper.sock")).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty());
    }
    keeper.ping().await.unwrap();
}

#[tokio::test]
async fn perf_m2_an_idle_keeper_keeps_little_memory_to_itself() {
    let (node, keeper) = Node::start().await;
    run(&keeper, script(node.path(), 1, "head -c 1000000 /dev/zero")).await;
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", node.pid())).unwrap();
    let private: u64 = rollup
        .lines()
        // Pages of the program itself are clean and shared by all keepers of an engine.
        .filter(|line| line.starts_with("Private_Dirty"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    assert!(private <= 1536, "{private} KiB");
}

#[tokio::test]
async fn design_a8_connections_to_a_socket_in_the_node_come_out_here() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    let (node, keeper) = Node::start().await;
    let mut tunnels = keeper.listen(1, "docker.sock").await.unwrap();
    let many: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    for _ in 0..2 {
        let (mut reader, mut writer) =
            UnixStream::connect(node.path().join("docker.sock")).await.unwrap().into_split();
        let mut tunnel = tunnels.accept().await.unwrap();
        // Half of it ends first: what comes back after that is still whole.
        let sent = many.clone();
        tokio::spawn(async move {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        tunnel.read_to_end(&mut received).await.unwrap();
        assert!(received == many, "{} bytes", received.len());
        tokio::spawn(async move {
            tunnel.write_all(&received).await.unwrap();
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).await.unwrap();
        assert!(back == many, "{} bytes", back.len());
    }
}

/// A stream that broke may look alive to the keeper: who connected meanwhile is not lost.
#[tokio::test]
async fn design_a8_whoever_listens_next_gets_the_connections_that_nobody_served() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    let (node, keeper) = Node::start().await;
    let mut former = keeper.listen(1, "docker.sock").await.unwrap();
    let path = node.path().join("docker.sock");
    let mut begun = UnixStream::connect(&path).await.unwrap();
    begun.write_all(b"begun").await.unwrap();
    let mut served = former.accept().await.unwrap();
    let mut piece = [0; 5];
    served.read_exact(&mut piece).await.unwrap();
    let mut waiting = UnixStream::connect(&path).await.unwrap();
    waiting.write_all(b"whole").await.unwrap();
    // It has arrived there, and is never fetched.
    keeper.ping().await.unwrap();

    let next = node.join().await;
    let mut tunnels = next.listen(1, "docker.sock").await.unwrap();
    let mut tunnel = tunnels.accept().await.unwrap();
    tunnel.read_exact(&mut piece).await.unwrap();
    assert_eq!(&piece, b"whole");
    assert_eq!(begun.read(&mut piece).await.unwrap(), 0, "what was begun ends, so that its client can tell");
}
