//! Kept files: their list and their content.

use axum::response::Response;

use super::Web;
use super::failure::Failure;
use super::jenkins::FileName;
use crate::model::BuildRecord;

/// A kept file in a list.
pub(super) struct FileView {
    pub path: String,
    pub link: String,
    pub size: String,
}

/// The files of a build, in the order of their paths.
pub(super) async fn of(_web: &Web, _record: &BuildRecord) -> Result<Vec<FileView>, Failure> {
    Ok(Vec::new())
}

/// The same, for programs.
pub(super) async fn names(_web: &Web, _record: &BuildRecord) -> Result<Vec<FileName>, Failure> {
    Ok(Vec::new())
}

/// `artifact/`.
pub(super) async fn list(_web: &Web, _record: &BuildRecord) -> Result<Response, Failure> {
    Err(Failure::not_found("This build has kept no files."))
}

/// `artifact/PATH`.
pub(super) async fn get(_web: &Web, _record: &BuildRecord, _path: &str) -> Result<Response, Failure> {
    Err(Failure::not_found("There is no such file."))
}
