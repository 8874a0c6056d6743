//! The style sheet, the script and the icon: part of the program, under addresses that change with their content.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Browsers may keep a file as long as its address stays.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// A file of the pages.
pub(crate) struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
    hash: LazyLock<String>,
}

/// The style sheet.
pub(crate) static STYLE: Asset = Asset {
    name: "style.css",
    content_type: "text/css; charset=utf-8",
    content: include_str!("assets/style.css"),
    hash: LazyLock::new(|| hash(include_str!("assets/style.css"))),
};

/// The script.
pub(crate) static SCRIPT: Asset = Asset {
    name: "live.js",
    content_type: "text/javascript; charset=utf-8",
    content: include_str!("assets/live.js"),
    hash: LazyLock::new(|| hash(include_str!("assets/live.js"))),
};

/// The icon.
pub(crate) static ICON: Asset = Asset {
    name: "icon.svg",
    content_type: "image/svg+xml",
    content: include_str!("assets/icon.svg"),
    hash: LazyLock::new(|| hash(include_str!("assets/icon.svg"))),
};

fn hash(content: &str) -> String {
    Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

impl Asset {
    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("/assets/{}/{}", *self.hash, self.name)
    }
}

/// Serves one file.
pub(super) async fn get(Path((hash, name)): Path<(String, String)>) -> Response {
    let Some(asset) = [&STYLE, &SCRIPT, &ICON].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let content = Bytes::from_static(asset.content.as_bytes());
    let mut answer = ([(header::CONTENT_TYPE, asset.content_type)], content).into_response();
    // A page of another version may still ask for its own; it gets the present file but must not keep it.
    if hash == *asset.hash {
        answer.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    }
    answer
}
