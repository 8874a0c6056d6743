//! Readers that stop reading while a build prints fast: the build neither waits nor loses a byte, the server keeps nothing for them,
//! and they go on where they were (pools-D41).
//!
//! They stand still for as long as the build runs, and for `CAUSEWAY_STALL_SECONDS` if that is longer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use causeway::gearman::packet::{kind, put_request};
use serde_json::Value;

use crate::crash::{Place, console};
use crate::soak::{every_build, resident, seconds};
use crate::support::{Program, within};

/// How long a build of the flood may take: it prints for four seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(120);
/// Nothing of a reader that goes on takes longer.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// Lines of the flood: 20 MB.
const LINES: usize = 200_000;
/// What the server may need more than after a build that nobody watched: far less than one copy of the log.
const GROWTH_MAX_KIB: u64 = 8 << 10;
/// What a reader takes before its connection breaks: more than a few events, less than the sockets hold.
const BEFORE_BREAK: usize = 1 << 20;

const JOBS: &str = r#"
- job:
    name: flood
    builders:
      - shell: |
          #!/bin/sh
          part=0
          while [ $part -lt 40 ]; do
              seq -f "line %.0f of a flood, long enough that twenty megabytes are not too many lines to be compared" \
                  $((part * 5000)) $((part * 5000 + 4999))
              part=$((part + 1))
              sleep 0.1
          done
"#;

fn line(number: usize) -> String {
    format!(
        "line {number} of a flood, long enough that twenty megabytes are not too many lines to be compared"
    )
}

/// Each line once and in order, whatever else is said.
#[track_caller]
fn complete(text: &str) {
    let lines = text.lines().filter(|line| line.starts_with("line "));
    let wrong = lines.clone().enumerate().find(|(number, found)| *found != line(*number));
    assert_eq!(wrong, None, "the first wrong line");
    assert_eq!(lines.count(), LINES);
}

/// Launches a build and waits until it prints.
fn launch(server: &Program, number: u64) -> Value {
    let mut client = TcpStream::connect(server.gearman()).unwrap();
    let mut packet = Vec::new();
    put_request(&mut packet, kind::SUBMIT_JOB_BG, &[b"build:flood", b"flood", b"{}"]);
    client.write_all(&packet).unwrap();
    within(ENDS_WITHIN, || {
        let build = every_build(server).into_iter().find(|build| build["number"] == number);
        let build = build.ok_or("no build yet")?;
        let prints = console(server, &build).contains("line 0 of");
        if prints { Ok(build) } else { Err(format!("it does not print: {build}")) }
    })
}

/// Waits for the build's end and until `until`; says how long the build took and the most memory that was seen.
fn ended(server: &Program, number: u64, until: Instant) -> (Duration, u64) {
    let mut most = 0;
    let limit = ENDS_WITHIN.max(until.saturating_duration_since(Instant::now()) + ENDS_WITHIN / 2);
    within(limit, || {
        most = most.max(resident(server));
        let build = every_build(server).into_iter().find(|build| build["number"] == number);
        let build = build.ok_or("no build")?;
        let Some(end) = build["ended_ms"].as_u64() else { return Err(format!("it goes on: {build}")) };
        assert_eq!(build["result"], "SUCCESS", "{build}");
        if Instant::now() < until {
            return Err("the readers still stand".to_owned());
        }
        let start = build["started_ms"].as_u64().expect("it started");
        Ok((Duration::from_millis(end - start), most))
    })
}

/// A reader that has read the head of the answer, and stands.
struct Reader(TcpStream);

impl Reader {
    fn open(url: &str, header: &str) -> Reader {
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(READ_WITHIN)).unwrap();
        // HTTP/1.0: the body comes without frames of its own and ends with the connection.
        write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n{header}\r\n").unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.0 200"), "{}", String::from_utf8_lossy(&head));
        Reader(stream)
    }

    /// Reads on until the server has closed.
    fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// Reads some more, and breaks off.
    fn some(mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }
}

/// What a browser makes of server-sent events.
#[derive(Default)]
struct Page {
    text: String,
    last_id: u64,
    end: bool,
}

impl Page {
    /// Takes the whole events; a browser forgets an event that did not come whole.
    fn take(&mut self, stream: &[u8]) {
        let stream = std::str::from_utf8(&stream[..stream.iter().rposition(|byte| *byte == b'\n').unwrap()]);
        let mut events: Vec<&str> = stream.unwrap().split("\n\n").collect();
        if !events.last().is_some_and(|last| last.ends_with('\n')) {
            events.pop();
        }
        for event in events {
            let mut data = Vec::new();
            let mut kind = "";
            for field in event.lines() {
                match field.split_once(": ").unwrap_or((field.trim_end_matches(':'), "")) {
                    ("id", id) => {
                        let id = id.parse().unwrap();
                        assert!(id > self.last_id, "{id} comes after {}", self.last_id);
                        self.last_id = id;
                    }
                    ("event", name) => kind = name,
                    ("data", text) => data.push(text),
                    _ => {}
                }
            }
            match kind {
                "text" => self.text.push_str(&data.join("\n")),
                "end" => self.end = true,
                "again" => panic!("the server begins anew"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_reader_that_stops_costs_the_build_nothing_and_goes_on_where_it_was() {
    let place = Place::new("driver: process", "min_ready: 0");
    std::fs::write(place.path("jjb/flood.yaml"), JOBS).unwrap();
    let server = place.serve().start();
    launch(&server, 1);
    let (alone, _) = ended(&server, 1, Instant::now());
    let before = resident(&server);

    let build = launch(&server, 2);
    let live = format!("{}/job/flood/2/logText/live", server.http());
    let log = format!("{}/causeway/v1/builds/{}/log", server.http(), build["id"].as_str().unwrap());
    let readers = [&live, &live, &format!("{log}?follow=true")].map(|url| Reader::open(url, ""));
    let stall = seconds("CAUSEWAY_STALL_SECONDS", 0);
    let (watched, most) = ended(&server, 2, Instant::now() + stall);
    assert!(watched < alone * 2 + Duration::from_secs(5), "{watched:?} with readers, {alone:?} without");
    assert!(most < before + GROWTH_MAX_KIB, "{most} KiB with readers that stand, {before} KiB before");

    let stored = console(&server, &build);
    complete(&stored);
    let length = u64::try_from(stored.len()).unwrap();
    let [page, broken, plain] = readers;
    assert!(plain.rest() == stored.as_bytes(), "the bytes that a program followed are the log");
    let mut whole = Page::default();
    whole.take(&page.rest());
    complete(&whole.text);
    assert_eq!((whole.last_id, whole.end), (length, true));

    let mut resumed = Page::default();
    resumed.take(&broken.some(BEFORE_BREAK));
    assert!(resumed.last_id > 0 && resumed.last_id < length && !resumed.end);
    let header = format!("Last-Event-ID: {}\r\n", resumed.last_id);
    resumed.take(&Reader::open(&live, &header).rest());
    complete(&resumed.text);
    assert_eq!((resumed.last_id, resumed.end), (length, true));
}
