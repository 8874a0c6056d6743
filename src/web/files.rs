//! Kept files: their list and their content. What a build made is never run or shown as a page of ours.

use std::io;

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_util::io::ReaderStream;

use super::Web;
use super::address::decode;
use super::failure::Failure;
use super::jenkins::FileName;
use super::pages::render;
use super::time::size;
use super::view::Line;
use super::zip::{Archive, Member};
use crate::artifact::{Artifact, Artifacts};
use crate::model::{BuildId, BuildRecord, escape_all_but};

/// A file of a build may show text and pictures, and nothing that acts.
const FILE_POLICY: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'");

/// The address at which Jenkins gives all files at once.
const ARCHIVE: &str = "*zip*/archive.zip";

/// A kept file in a list.
pub(super) struct FileView {
    pub path: String,
    pub link: String,
    pub size: String,
}

async fn kept(web: &Web, record: &BuildRecord) -> Result<Vec<Artifact>, Failure> {
    let listed = web.artifacts.list(record.id).await;
    listed.map_err(|error| Failure::internal("the list of kept files could not be read", &error))
}

/// The files of a build, with links that count from the folder `above` them.
pub(super) async fn of(web: &Web, record: &BuildRecord, above: &str) -> Result<Vec<FileView>, Failure> {
    let view = |file: Artifact| FileView {
        link: format!("{above}{}", encode(&file.path)),
        size: size(file.size),
        path: file.path,
    };
    Ok(kept(web, record).await?.into_iter().map(view).collect())
}

/// The same, for programs.
pub(super) async fn names(web: &Web, record: &BuildRecord) -> Result<Vec<FileName>, Failure> {
    Ok(kept(web, record).await?.into_iter().map(|file| FileName { path: file.path }).collect())
}

/// A path of several segments, with every character escaped that means something in an address.
fn encode(path: &str) -> String {
    const PATH: &AsciiSet = &escape_all_but(b"-_.~/");
    utf8_percent_encode(path, PATH).to_string()
}

#[derive(Template)]
#[template(path = "artifacts.html", config = "src/web/askama.toml")]
struct List {
    line: Line,
    artifacts: Vec<FileView>,
}

/// `artifact/`.
pub(super) async fn list(web: &Web, record: &BuildRecord) -> Result<Response, Failure> {
    let artifacts = of(web, record, "").await?;
    render(&List { line: Line::new(record, web.builds.now()), artifacts })
}

/// `artifact/PATH`.
pub(super) async fn get(web: &Web, record: &BuildRecord, path: &str) -> Result<Response, Failure> {
    let path = decode(path).ok_or_else(|| Failure::bad_request("The path is not UTF-8."))?;
    if path == ARCHIVE {
        return archive(web, record).await;
    }
    let opened = web.artifacts.file(record.id, &path).await;
    let opened = opened.map_err(|error| Failure::internal("a kept file could not be opened", &error))?;
    let (artifact, file) = opened.ok_or_else(|| Failure::not_found("This build has kept no such file."))?;
    let body = Body::from_stream(ReaderStream::new(file.take(artifact.size)));
    let mut answer = ([(header::CONTENT_TYPE, content_type(artifact.file_name()))], body).into_response();
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(artifact.size));
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, FILE_POLICY);
    Ok(answer)
}

/// `artifact/*zip*/archive.zip`.
pub(super) async fn archive(web: &Web, record: &BuildRecord) -> Result<Response, Failure> {
    let files = kept(web, record).await?;
    if files.is_empty() {
        return Err(Failure::not_found("This build has kept no files."));
    }
    // A reader that stops reading holds two pieces back, and no file is open for it longer than it reads.
    let (pieces, sent) = mpsc::channel(2);
    let (artifacts, id) = (web.artifacts.clone(), record.id);
    tokio::spawn(async move {
        if let Err(error) = write_archive(&artifacts, id, files, &pieces).await {
            let _ = pieces.send(Err(error)).await;
        }
    });
    let sent = futures_util::stream::unfold(sent, |mut sent| async move {
        let piece = sent.recv().await?;
        Some((piece, sent))
    });
    let answer = ([(header::CONTENT_TYPE, "application/zip")], Body::from_stream(sent));
    Ok(answer.into_response())
}

/// Sends an archive piece by piece; ends early when nobody takes them any more.
async fn write_archive(
    artifacts: &Artifacts,
    id: BuildId,
    files: Vec<Artifact>,
    pieces: &mpsc::Sender<io::Result<Vec<u8>>>,
) -> io::Result<()> {
    /// Of a file at a time.
    const PIECE: usize = 64 * 1024;
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut archive = Archive::default();
    for file in files {
        let member = Member {
            name: format!("archive/{}", file.path),
            size: u32::try_from(file.size).map_err(io::Error::other)?,
            crc32: file.crc32,
            changed_at: u32::try_from(file.modified_at.0 / 1000).unwrap_or(0),
        };
        pieces.send(Ok(archive.member(&member))).await.map_err(|_| gone())?;
        let mut content = artifacts.content(id, &file).await?;
        let mut left = file.size;
        while left > 0 {
            let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
            content.read_exact(&mut piece).await?;
            left -= piece.len() as u64;
            pieces.send(Ok(piece)).await.map_err(|_| gone())?;
        }
    }
    pieces.send(Ok(archive.end())).await.map_err(|_| gone())
}

/// What a browser may take the file for, by the end of its name.
fn content_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default();
    match end.as_str() {
        "txt" | "log" | "md" | "out" | "err" | "csv" | "tap" | "yaml" | "yml" | "ini" | "diff" | "patch" => {
            "text/plain; charset=utf-8"
        }
        "json" => "application/json",
        "xml" => "text/xml; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_file_whatever_its_name() {
        assert_eq!(encode("a b/ü#1?.txt"), "a%20b/%C3%BC%231%3F.txt");
        assert_eq!(decode(&encode("a b/ü#1?%.txt")).as_deref(), Some("a b/ü#1?%.txt"));
    }

    #[test]
    fn what_is_not_known_is_downloaded() {
        assert_eq!(content_type("a.exe"), "application/octet-stream");
        assert_eq!(content_type("console.LOG"), "text/plain; charset=utf-8");
    }
}
