//! The artifacts of all builds, in a directory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::index::{self, Artifact};
use super::limits::Limits;
use super::name;
use super::writer::{ArtifactError, ArtifactWriter};
use crate::model::BuildId;

/// Where collections are written until they are whole; emptied at start, for what is there belongs to a former process.
const ASIDE: &str = "unfinished";

/// Artifacts below one directory, one directory a build. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Artifacts {
    directory: PathBuf,
    limits: Limits,
}

impl Artifacts {
    /// The artifacts below `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(directory: impl Into<PathBuf>, limits: Limits) -> io::Result<Artifacts> {
        let directory = directory.into();
        let aside = directory.join(ASIDE);
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        fs::create_dir_all(aside)?;
        Ok(Artifacts { directory, limits })
    }

    /// Where everything lies.
    pub(super) fn root(&self) -> &Path {
        &self.directory
    }

    /// Grouped by the random end of the id, so that no directory gets long.
    fn directory(&self, id: BuildId) -> PathBuf {
        let text = id.as_str();
        self.directory.join(&text[text.len() - 2..]).join(text)
    }

    /// Begins a collection. What an earlier one of this build left unfinished is gone; what one has finished stays until this
    /// one takes its place.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn writer(&self, id: BuildId) -> Result<ArtifactWriter, ArtifactError> {
        let (aside, place) = (self.directory.join(ASIDE).join(id.as_str()), self.directory(id));
        let limits = self.limits;
        blocking(move || {
            remove(&aside)?;
            fs::create_dir_all(aside.join("files"))?;
            Ok(ArtifactWriter::new(aside, place, limits))
        })
        .await
        .map_err(ArtifactError::Storage)
    }

    /// Begins a collection that adds to what earlier ones of this build have kept: those of publishers before this one, or of the
    /// same one before a restart.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn further(&self, id: BuildId) -> Result<ArtifactWriter, ArtifactError> {
        let mut writer = self.writer(id).await?;
        let place = self.directory(id);
        let work = move || {
            let kept = index::read(&place)?;
            writer.take_over(&place, kept)?;
            Ok(writer)
        };
        blocking(work).await.map_err(ArtifactError::Storage)
    }

    /// What a build has left, in the order of collection.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn list(&self, id: BuildId) -> io::Result<Vec<Artifact>> {
        let directory = self.directory(id);
        blocking(move || index::read(&directory)).await
    }

    /// Opens one artifact; `None` when there is none of that path, whatever else may lie there.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn file(&self, id: BuildId, path: &str) -> io::Result<Option<(Artifact, tokio::fs::File)>> {
        let Ok(place) = name::below(&self.directory(id).join("files"), path) else {
            return Ok(None);
        };
        let Some(artifact) = self.list(id).await?.into_iter().find(|artifact| artifact.path == path) else {
            return Ok(None);
        };
        let opened = blocking(move || match File::open(place) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        Ok(opened.await?.map(|file| (artifact, tokio::fs::File::from_std(file))))
    }

    /// Opens an artifact that was listed.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn content(&self, id: BuildId, artifact: &Artifact) -> io::Result<tokio::fs::File> {
        let place = name::below(&self.directory(id).join("files"), &artifact.path);
        let place = place.map_err(|refused| io::Error::other(refused.to_string()))?;
        blocking(move || File::open(place)).await.map(tokio::fs::File::from_std)
    }

    /// Removes what a build has left. Nothing there is removed already.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn remove(&self, id: BuildId) -> io::Result<()> {
        let (directory, remove_facts) = (self.directory(id), self.remove_facts(id));
        blocking(move || {
            remove_facts()?;
            remove(&directory)?;
            // The group's directory goes with its last build; it is made again when needed.
            let _ = fs::remove_dir(directory.parent().unwrap_or(Path::new("")));
            Ok(())
        })
        .await
    }
}

/// Removes a directory with all below it, if it is there.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Runs `work` where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::artifact::Limit;
    use crate::model::Millis;

    fn id() -> BuildId {
        BuildId::new(1_700_000_000_000, 99)
    }

    async fn put(writer: &mut ArtifactWriter, path: &str, content: &[u8]) -> Result<(), ArtifactError> {
        let mut file = writer.begin(path.as_bytes(), content.len() as u64, Millis(5)).await?;
        for piece in content.chunks(3) {
            file.write(piece.to_vec().into()).await?;
        }
        file.finish().await
    }

    #[tokio::test]
    async fn pools_d74_artifacts_appear_all_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(directory.path(), Limits::default()).unwrap();
        let mut writer = artifacts.writer(id()).await.unwrap();
        put(&mut writer, "log/a.txt", b"hello world").await.unwrap();
        put(&mut writer, "empty", b"").await.unwrap();
        assert_eq!(artifacts.list(id()).await.unwrap(), []);
        let written = writer.commit().await.unwrap();
        assert_eq!(artifacts.list(id()).await.unwrap(), written);
        assert_eq!((written[0].path.as_str(), written[0].size), ("log/a.txt", 11));
        let (artifact, mut file) = artifacts.file(id(), "log/a.txt").await.unwrap().unwrap();
        let mut content = String::new();
        file.read_to_string(&mut content).await.unwrap();
        assert_eq!((content.as_str(), artifact.file_name()), ("hello world", "a.txt"));
        for path in ["log", "log/b", "../index.json", "/etc/passwd", ""] {
            assert!(artifacts.file(id(), path).await.unwrap().is_none(), "{path}");
        }
        artifacts.remove(id()).await.unwrap();
        artifacts.remove(id()).await.unwrap();
        assert_eq!(artifacts.list(id()).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_further_collection_adds_to_what_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { bytes: 3, ..Limits::default() };
        let artifacts = Artifacts::open(directory.path(), limits).unwrap();
        for (path, content) in [("log/first", b"1"), ("log/second", b"2")] {
            let mut writer = artifacts.further(id()).await.unwrap();
            put(&mut writer, path, content).await.unwrap();
            writer.commit().await.unwrap();
        }
        let mut writer = artifacts.further(id()).await.unwrap();
        let again = put(&mut writer, "log/first", b"3").await.err().unwrap();
        assert!(
            matches!(again, ArtifactError::Storage(error) if error.kind() == io::ErrorKind::AlreadyExists)
        );
        // What was kept before counts.
        assert!(matches!(put(&mut writer, "large", b"34").await, Err(ArtifactError::Limit(Limit::Bytes(3)))));
        writer.commit().await.unwrap();
        let kept = artifacts.list(id()).await.unwrap();
        assert_eq!(
            kept.iter().map(|artifact| &*artifact.path).collect::<Vec<_>>(),
            ["log/first", "log/second"]
        );
        let (_, mut file) = artifacts.file(id(), "log/first").await.unwrap().unwrap();
        let mut content = String::new();
        file.read_to_string(&mut content).await.unwrap();
        assert_eq!(content, "1");
    }

    #[tokio::test]
    async fn an_unfinished_collection_is_not_seen_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(directory.path(), Limits::default()).unwrap();
        let mut writer = artifacts.writer(id()).await.unwrap();
        put(&mut writer, "first", b"1").await.unwrap();
        writer.commit().await.unwrap();
        let mut writer = artifacts.writer(id()).await.unwrap();
        put(&mut writer, "second", b"2").await.unwrap();
        drop(writer);
        let artifacts = Artifacts::open(directory.path(), Limits::default()).unwrap();
        assert_eq!(fs::read_dir(directory.path().join(ASIDE)).unwrap().count(), 0);
        assert_eq!(artifacts.list(id()).await.unwrap()[0].path, "first");
        let mut writer = artifacts.writer(id()).await.unwrap();
        put(&mut writer, "third", b"3").await.unwrap();
        writer.commit().await.unwrap();
        let names: Vec<_> =
            artifacts.list(id()).await.unwrap().into_iter().map(|artifact| artifact.path).collect();
        assert_eq!(names, ["third"]);
        assert!(artifacts.file(id(), "first").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn pools_d72_limits_are_named_and_what_fits_stays() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { files: 3, bytes: 20, file_bytes: 12, time: Duration::from_secs(300) };
        let artifacts = Artifacts::open(directory.path(), limits).unwrap();
        let mut writer = artifacts.writer(id()).await.unwrap();
        put(&mut writer, "a", &[b'x'; 12]).await.unwrap();
        let refused = put(&mut writer, "large", &[b'x'; 13]).await.unwrap_err();
        assert!(matches!(refused, ArtifactError::Limit(Limit::FileBytes(12))), "{refused}");
        let refused = put(&mut writer, "b", &[b'x'; 9]).await.unwrap_err();
        assert!(matches!(refused, ArtifactError::Limit(Limit::Bytes(20))), "{refused}");
        put(&mut writer, "b", &[b'x'; 8]).await.unwrap();
        put(&mut writer, "c", b"").await.unwrap();
        let refused = put(&mut writer, "d", b"").await.unwrap_err();
        assert!(matches!(refused, ArtifactError::Limit(Limit::Files(3))), "{refused}");
        assert_eq!(writer.commit().await.unwrap().len(), 3);

        let limits = Limits { time: Duration::ZERO, ..Limits::default() };
        let mut writer =
            Artifacts::open(directory.path(), limits).unwrap().writer(BuildId::new(2, 2)).await.unwrap();
        let refused = put(&mut writer, "a", b"x").await.unwrap_err();
        assert!(matches!(refused, ArtifactError::Limit(Limit::Time(_))), "{refused}");
    }

    #[tokio::test]
    async fn a_file_that_says_less_than_it_sends_is_still_limited() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { file_bytes: 4, ..Limits::default() };
        let artifacts = Artifacts::open(directory.path(), limits).unwrap();
        let mut writer = artifacts.writer(id()).await.unwrap();
        let mut file = writer.begin(b"liar", 1, Millis(0)).await.unwrap();
        file.write("1234".into()).await.unwrap();
        let refused = file.write("5".into()).await.unwrap_err();
        assert!(matches!(refused, ArtifactError::Limit(Limit::FileBytes(4))), "{refused}");
        drop(file);
        assert_eq!(writer.commit().await.unwrap(), []);
    }

    #[tokio::test]
    async fn pools_d71_hostile_names_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(directory.path().join("artifacts"), Limits::default()).unwrap();
        let mut writer = artifacts.writer(id()).await.unwrap();
        for path in ["../../x", "/etc/x", "a/../x", "."] {
            let refused = put(&mut writer, path, b"x").await.unwrap_err();
            assert!(matches!(refused, ArtifactError::Name { .. }), "{refused}");
        }
        put(&mut writer, "a", b"x").await.unwrap();
        assert!(put(&mut writer, "a/b", b"x").await.is_err());
        assert!(put(&mut writer, "a", b"y").await.is_err());
        assert_eq!(writer.commit().await.unwrap().len(), 1);
        assert!(!directory.path().join("x").exists());
    }
}
