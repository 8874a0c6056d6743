//! Consoles that grow before the reader's eyes: server-sent events for pages, plain bytes for programs.
//!
//! Each reader pulls by offset at its own pace, so one that stops costs the build nothing (pools-D41). A part that many pages
//! wait for is rendered once: readers that stand at the same offset share the frame (perf-L2). The offset is the event's
//! id, so a browser that comes back goes on where it was.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use dashmap::DashMap;
use futures_util::stream;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tracing::debug;

use super::Web;
use super::failure::Failure;
use super::view::sentence;
use crate::console::{AnsiHtml, ConsoleReader, whole_characters};
use crate::model::{BuildId, BuildRecord, BuildState, StepState};

/// Readers of live consoles at once: the thousand of perf-L2, twice.
const READERS_MAX: usize = 2000;
/// One part of the console: what is sent in one piece.
const PART_BYTES_MAX: usize = 64 * 1024;
/// Parts kept for readers that stand a little behind the first.
const FRAMES_KEPT: usize = 8;
/// Says that the connection lives, and finds out when it does not.
const STILL_HERE: Duration = Duration::from_secs(15);
/// A console that is not there yet, or not taken up again after a restart, is looked for again after this.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The frames that were rendered last, for each build that somebody watches.
pub(super) struct Frames {
    builds: DashMap<BuildId, Weak<Mutex<Recent>>>,
    readers: Arc<Semaphore>,
}

type Recent = VecDeque<Frame>;

/// A rendered part.
#[derive(Clone)]
struct Frame {
    start: u64,
    before: AnsiHtml,
    end: u64,
    after: AnsiHtml,
    event: Bytes,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames { builds: DashMap::new(), readers: Arc::new(Semaphore::new(READERS_MAX)) }
    }
}

impl Frames {
    fn of(&self, id: BuildId) -> Arc<Mutex<Recent>> {
        let mut entry = self.builds.entry(id).or_default();
        if let Some(recent) = entry.upgrade() {
            return recent;
        }
        let recent = Arc::new(Mutex::new(VecDeque::with_capacity(FRAMES_KEPT)));
        *entry = Arc::downgrade(&recent);
        recent
    }

    fn left(&self, id: BuildId) {
        self.builds.remove_if(&id, |_, recent| recent.strong_count() == 0);
    }
}

/// How the console is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Server-sent events with HTML.
    Events,
    /// The bytes alone.
    Plain,
}

/// Where a reader stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct From<'a> {
    /// The offset of the first byte that it does not have.
    pub start: u64,
    /// The [`fingerprint`] of the state that it shows, if it shows one.
    pub seen: Option<&'a str>,
}

/// What a page shows of a build beside its console; another text, and the page is out of date.
pub(super) fn fingerprint(record: &BuildRecord) -> String {
    let mut hasher = DefaultHasher::new();
    record.state.as_str().hash(&mut hasher);
    sentence(record).hash(&mut hasher);
    record.description.hash(&mut hasher);
    for step in &record.steps {
        (step.index, step.state == StepState::Started).hash(&mut hasher);
    }
    format!("{:x}", hasher.finish())
}

/// Answers with the console from `start` on, until the build has ended and all is sent.
pub(super) fn follow(
    web: &Web,
    record: &BuildRecord,
    from: From<'_>,
    form: Form,
) -> Result<Response, Failure> {
    let permit = Arc::clone(&web.frames.readers).try_acquire_owned().map_err(|_| {
        Failure::unavailable("Too many readers follow live consoles; the text can still be read.")
    })?;
    let gauge = web.metrics.http.live_readers.clone();
    gauge.inc();
    let known = from.seen.is_none_or(|seen| seen == fingerprint(record));
    let reader = Reader {
        frames: web.frames.of(record.id),
        record: web.builds.watch(record.id),
        id: record.id,
        offset: from.start,
        ansi: AnsiHtml::default(),
        console: None,
        form,
        greeting: form == Form::Events,
        state_due: !known,
        ended: false,
        _counted: Counted { web: web.clone(), gauge, id: record.id, _permit: permit },
    };
    let body = Body::from_stream(stream::unfold(reader, |mut reader| async move {
        reader.next().await.map(|part| (Ok::<_, Infallible>(part), reader))
    }));
    let kind = match form {
        Form::Events => "text/event-stream; charset=utf-8",
        Form::Plain => "text/plain; charset=utf-8",
    };
    let mut answer = ([(header::CONTENT_TYPE, kind)], body).into_response();
    // A proxy that buffers would hold the lines back.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(answer)
}

/// Counts one reader for as long as it lives.
struct Counted {
    web: Web,
    gauge: Gauge,
    id: BuildId,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.dec();
        self.web.frames.left(self.id);
    }
}

struct Reader {
    frames: Arc<Mutex<Recent>>,
    record: Option<watch::Receiver<Arc<BuildRecord>>>,
    id: BuildId,
    offset: u64,
    ansi: AnsiHtml,
    console: Option<ConsoleReader>,
    form: Form,
    greeting: bool,
    state_due: bool,
    ended: bool,
    /// Last, so that the frames are let go before it looks whether anybody else has them.
    _counted: Counted,
}

impl Reader {
    /// The next piece to send; waits for it.
    async fn next(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.greeting) {
            return Some(Bytes::from_static(b"retry: 1000\n\n"));
        }
        while !self.ended {
            if self.state_changed() && self.form == Form::Events {
                return Some(Bytes::from_static(b"event: state\ndata: \n\n"));
            }
            // Ended first, then its length: what was written before the end is sent.
            let build_ended = self.build_ended();
            self.find_console().await;
            let finished = self.console.as_ref().is_none_or(ConsoleReader::finished);
            match self.part(build_ended && finished).await {
                Ok(Some(part)) => return Some(part),
                Ok(None) => {}
                Err(error) => {
                    debug!(%error, build.id = %self.id, "a live console could not be read");
                    return None;
                }
            }
            if build_ended && finished {
                self.ended = true;
                return (self.form == Form::Events).then(|| Bytes::from_static(b"event: end\ndata: \n\n"));
            }
            if let Some(sign) = self.wait(finished).await {
                return sign;
            }
        }
        None
    }

    fn state_changed(&mut self) -> bool {
        let due = std::mem::take(&mut self.state_due);
        let changed = self.record.as_mut().is_some_and(|record| {
            let changed = record.has_changed().unwrap_or(false);
            record.mark_unchanged();
            changed
        });
        due || changed
    }

    /// Whether the build's task writes the console now, or is about to.
    fn runs(&self) -> bool {
        let runs = |state: &BuildState| matches!(state, BuildState::Running | BuildState::Publishing);
        self.record.as_ref().is_some_and(|record| runs(&record.borrow().state))
    }

    fn build_ended(&self) -> bool {
        self.record.as_ref().is_none_or(|record| record.borrow().state.outcome().is_some())
    }

    /// A console that was opened as finished may be taken up again by the build's task.
    async fn find_console(&mut self) {
        let stale = self.console.as_ref().is_none_or(|console| console.finished() && !self.build_ended());
        if stale {
            match self.counted().web.consoles.reader(self.id).await {
                Ok(console) => self.console = console,
                Err(error) => debug!(%error, build.id = %self.id, "a console could not be opened"),
            }
        }
    }

    fn counted(&self) -> &Counted {
        &self._counted
    }

    /// The next part of the console, if there is more.
    async fn part(&mut self, complete: bool) -> std::io::Result<Option<Bytes>> {
        let Some(console) = &self.console else { return Ok(None) };
        let length = console.length();
        if self.offset > length && complete {
            // Asked for more than there ever was: the whole log again (jenkins-rest 4.3).
            self.offset = 0;
            self.ansi = AnsiHtml::default();
            return Ok((self.form == Form::Events).then(|| Bytes::from_static(b"event: again\ndata: \n\n")));
        }
        if self.offset >= length {
            return Ok(None);
        }
        if self.form == Form::Plain {
            let bytes = console.read(self.offset, PART_BYTES_MAX).await?;
            self.offset += bytes.len() as u64;
            return Ok((!bytes.is_empty()).then_some(bytes));
        }
        let mut recent = self.frames.lock().await;
        let known = recent.iter().find(|frame| frame.start == self.offset && frame.before == self.ansi);
        let frame = match known {
            Some(frame) => frame.clone(),
            None => {
                let bytes = console.read(self.offset, PART_BYTES_MAX).await?;
                let more = self.offset + (bytes.len() as u64) < length;
                let Some(frame) = render(self.offset, &self.ansi, &bytes, complete && !more) else {
                    return Ok(None);
                };
                if recent.len() == FRAMES_KEPT {
                    recent.pop_front();
                }
                recent.push_back(frame.clone());
                frame
            }
        };
        drop(recent);
        self.offset = frame.end;
        self.ansi = frame.after;
        Ok(Some(frame.event))
    }

    /// Waits for anything new. `Some` is what to send (or that nothing more is sent) without looking again.
    async fn wait(&mut self, finished: bool) -> Option<Option<Bytes>> {
        let runs = self.runs();
        let changed = async {
            match &mut self.console {
                Some(console) if !finished => console.changed(self.offset).await,
                _ if runs => tokio::time::sleep(LOOK_AGAIN).await,
                _ => std::future::pending().await,
            }
        };
        let record = async {
            match &mut self.record {
                // The build's record went away with its end, which was seen.
                Some(record) => match record.changed().await {
                    Ok(()) => record.mark_changed(),
                    Err(_) => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = changed => None,
            () = record => None,
            () = self._counted.web.shutdown.cancelled() => Some(None),
            () = tokio::time::sleep(STILL_HERE) => match self.form {
                Form::Events => Some(Some(Bytes::from_static(b": still here\n\n"))),
                Form::Plain => None,
            },
        }
    }
}

/// A part as an event; `None` while the bytes are only the beginning of a letter or of a colour.
fn render(start: u64, before: &AnsiHtml, bytes: &[u8], complete: bool) -> Option<Frame> {
    let bytes = if complete { bytes } else { &bytes[..whole(bytes)] };
    if bytes.is_empty() {
        return None;
    }
    let mut after = before.clone();
    let html = shown(&mut after, bytes);
    let end = start + bytes.len() as u64;
    let mut event = String::with_capacity(html.len() + html.len() / 16 + 64);
    // Writing to a String does not fail.
    let _ = write!(event, "id: {end}\nevent: text\n");
    for line in html.split('\n') {
        event.push_str("data: ");
        event.push_str(line.trim_end_matches('\r'));
        event.push('\n');
    }
    event.push('\n');
    Some(Frame { start, before: before.clone(), end, after, event: event.into() })
}

/// Bytes as HTML with nothing held back: the offset behind them is where a browser that comes back goes on.
pub(super) fn shown(ansi: &mut AnsiHtml, bytes: &[u8]) -> String {
    let mut html = ansi.push(bytes);
    html.push_str(&ansi.finish());
    html
}

/// The longest escape sequence that is waited for.
const SEQUENCE_MAX: usize = 64;

/// How many bytes can be shown without cutting a letter or an escape sequence in two.
pub(super) fn whole(bytes: &[u8]) -> usize {
    let end = whole_characters(bytes);
    let near = end.saturating_sub(SEQUENCE_MAX);
    match bytes[near..end].iter().rposition(|byte| *byte == 0x1b) {
        Some(place) if !sequence_ends(&bytes[near + place + 1..end]) => near + place,
        _ => end,
    }
}

/// Whether the escape sequence that begins behind an ESC ends within these bytes.
fn sequence_ends(behind: &[u8]) -> bool {
    match behind.first() {
        None => false,
        Some(b'[') => behind[1..].iter().any(|byte| (0x40..=0x7e).contains(byte)),
        Some(b']') => behind.contains(&0x07),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_never_cut_a_letter_or_a_colour() {
        assert_eq!(whole(b"abc"), 3);
        assert_eq!(whole("abé".as_bytes()), 4);
        assert_eq!(whole(&"abé".as_bytes()[..3]), 2);
        assert_eq!(whole(&"ab🛠".as_bytes()[..5]), 2);
        assert_eq!(whole(b"ab\x1b[3"), 2);
        assert_eq!(whole(b"ab\x1b[31m"), 7);
        assert_eq!(whole(b"ab\x1b"), 2);
        // Bytes that never become a letter are not waited for.
        assert_eq!(whole(b"\xff\xff"), 2);
    }

    #[test]
    fn a_part_is_one_event_with_its_end_as_id() {
        let frame = render(10, &AnsiHtml::default(), b"a<b\r\nc\n", false).unwrap();
        assert_eq!(frame.end, 17);
        assert_eq!(frame.event, "id: 17\nevent: text\ndata: a&lt;b\ndata: c\ndata: \n\n");
    }
}
