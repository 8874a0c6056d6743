//! A build's console in Jenkins' forms: page, text, progressive text.

use askama::Template;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::Web;
use super::failure::Failure;
use super::live::{fingerprint, shown, whole};
use super::pages::render;
use super::time::size;
use super::view::Line;
use crate::console::{AnsiHtml, ConsoleReader, Progressive};
use crate::model::{BuildRecord, BuildState};

/// What a page shows of a console at first: its last part, or on the full page one part after the other.
const SHOWN_BYTES: u64 = 192 * 1024;
/// A part of the full page.
const FULL_PAGE_BYTES: u64 = 1024 * 1024;
/// One answer of a log in parts.
const PROGRESSIVE_BYTES: usize = 1024 * 1024;
/// How text is read from the store in one go.
const READ_BYTES: usize = 256 * 1024;
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The console box of a page.
pub(super) struct Shown {
    pub html: String,
    /// Bytes before what is shown.
    pub skipped: u64,
    pub skipped_text: String,
    /// Whether the page of parts has earlier ones.
    pub pages: bool,
    /// Where what is shown ends.
    pub end: u64,
    pub live: bool,
    pub stream: String,
    /// The path from the page to the build's page.
    pub base: &'static str,
    pub note: String,
    pub empty: &'static str,
    pub next: Option<String>,
    /// Shown in a pane that scrolls by itself.
    pub pane: bool,
}

/// Which part of a console a page shows.
pub(super) enum Part {
    /// The last one.
    Tail,
    /// From this offset on.
    From(u64),
}

impl Shown {
    /// Reads what the page shows.
    pub(super) async fn read(web: &Web, record: &BuildRecord, part: Part) -> Result<Shown, Failure> {
        let live = record.state.outcome().is_none();
        let reader = reader(web, record).await?;
        let length = reader.as_ref().map_or(0, ConsoleReader::length);
        let (start, most, pane) = match part {
            Part::Tail => (length.saturating_sub(SHOWN_BYTES), SHOWN_BYTES, true),
            Part::From(start) => (start.min(length), FULL_PAGE_BYTES, false),
        };
        let bytes = match &reader {
            Some(reader) => read_all(reader, start, most.min(length - start)).await?,
            None => Vec::new(),
        };
        let tail = !matches!(part, Part::From(_));
        let cut = if tail && start > 0 { after_first_line(&bytes) } else { 0 };
        let at_end = start + bytes.len() as u64 >= length;
        let end = if live || !at_end { cut + whole(&bytes[cut..]) } else { bytes.len() };
        let next = (!at_end).then(|| format!("consoleFull?from={}", start + end as u64));
        let skipped = start + cut as u64;
        Ok(Shown {
            html: shown(&mut AnsiHtml::default(), &bytes[cut..end]),
            skipped,
            skipped_text: size(skipped),
            pages: tail,
            end: start + end as u64,
            live: live && at_end,
            stream: format!("logText/live?seen={}", fingerprint(record)),
            base: "",
            note: if live { String::new() } else { size(length) },
            empty: empty(&record.state),
            next,
            pane,
        })
    }
}

fn empty(state: &BuildState) -> &'static str {
    match state {
        BuildState::Ended(_) => "It has written nothing.",
        BuildState::Running | BuildState::Publishing => "Nothing written yet.",
        BuildState::Accepted | BuildState::Waiting { .. } => {
            "The console begins when the build has its node."
        }
    }
}

/// Where the first whole line begins, if that is not far.
fn after_first_line(bytes: &[u8]) -> usize {
    let near = bytes.len().min(16 * 1024);
    bytes[..near].iter().position(|byte| *byte == b'\n').map_or(0, |place| place + 1)
}

/// The last bytes of a build's console as text, from a line's beginning on.
pub(super) async fn tail(web: &Web, record: &BuildRecord, most: u64) -> Result<String, Failure> {
    let Some(reader) = reader(web, record).await? else { return Ok(String::new()) };
    let start = reader.length().saturating_sub(most);
    let bytes = read_all(&reader, start, reader.length() - start).await?;
    let from = if start == 0 { 0 } else { after_first_line(&bytes) };
    Ok(String::from_utf8_lossy(&bytes[from..]).into_owned())
}

/// A reader of the build's console, if it has one.
pub(super) async fn reader(web: &Web, record: &BuildRecord) -> Result<Option<ConsoleReader>, Failure> {
    web.consoles
        .reader(record.id)
        .await
        .map_err(|error| Failure::internal("the console could not be opened", &error))
}

async fn read_all(reader: &ConsoleReader, start: u64, count: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    while (bytes.len() as u64) < count {
        let left = usize::try_from(count).unwrap_or(READ_BYTES) - bytes.len();
        let more = reader
            .read(start + bytes.len() as u64, left)
            .await
            .map_err(|error| Failure::internal("the console could not be read", &error))?;
        if more.is_empty() {
            break;
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

#[derive(Template)]
#[template(path = "console.html", config = "src/web/askama.toml")]
struct Page {
    line: Line,
    console: Shown,
}

/// `console` and `consoleFull`.
pub(super) async fn page(web: &Web, record: &BuildRecord, part: Part) -> Result<Response, Failure> {
    let mut console = Shown::read(web, record, part).await?;
    console.pane = false;
    render(&Page { line: Line::new(record, web.builds.now()), console })
}

/// `consoleText`: everything there is at the moment, as it is.
pub(super) async fn text(web: &Web, record: &BuildRecord) -> Result<Response, Failure> {
    text_from(web, record, 0).await
}

/// Everything from `start` on that is there at the moment.
pub(super) async fn text_from(web: &Web, record: &BuildRecord, start: u64) -> Result<Response, Failure> {
    let Some(reader) = reader(web, record).await? else {
        return Ok(([(header::CONTENT_TYPE, PLAIN)], "").into_response());
    };
    let length = reader.length();
    let start = start.min(length);
    let parts = stream::try_unfold((reader, start), move |(reader, offset)| async move {
        if offset >= length {
            return Ok(None);
        }
        let left = usize::try_from(length - offset).unwrap_or(READ_BYTES).min(READ_BYTES);
        let bytes = reader.read(offset, left).await?;
        // The promised length is not there: the connection has to break, so that the reader notices.
        if bytes.is_empty() {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        let next = offset + bytes.len() as u64;
        Ok(Some((bytes, (reader, next))))
    });
    let mut answer = ([(header::CONTENT_TYPE, PLAIN)], Body::from_stream(parts)).into_response();
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length - start));
    Ok(answer)
}

/// `logText/progressiveText`: what came after `start`, and where to go on (jenkins-rest 4.3).
pub(super) async fn progressive(web: &Web, record: &BuildRecord, start: u64) -> Result<Response, Failure> {
    // First the state: the log of a build that has ended is complete.
    let running = record.state.outcome().is_none();
    let part = match reader(web, record).await? {
        Some(reader) => reader
            .progressive(start, PROGRESSIVE_BYTES)
            .await
            .map_err(|error| Failure::internal("the console could not be read", &error))?,
        None => Progressive { bytes: Bytes::new(), size: 0, more: false },
    };
    let mut answer = ([(header::CONTENT_TYPE, PLAIN)], part.text()).into_response();
    answer.headers_mut().insert("x-text-size", HeaderValue::from(part.size));
    if running || part.more {
        answer.headers_mut().insert("x-more-data", HeaderValue::from_static("true"));
    }
    Ok(answer)
}
