//! Facts about a build in a file of their own beside its artifacts: whole or absent, and gone with the build.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Artifacts;
use super::storage::blocking;
use crate::image::ImageRecord;
use crate::model::BuildId;

/// Kinds of facts: folders, grouped inside as artifacts are.
pub(super) const TESTS: &str = "tests";
const IMAGES: &str = "images";

impl Artifacts {
    fn facts(&self, kind: &str, id: BuildId) -> PathBuf {
        let text = id.as_str();
        self.root().join(kind).join(&text[text.len() - 2..]).join(format!("{text}.json"))
    }

    /// Keeps facts of a kind, in the place of those that were there.
    pub(super) async fn keep_facts<T>(&self, kind: &str, id: BuildId, facts: T) -> io::Result<()>
    where
        T: Serialize + Send + 'static,
    {
        let place = self.facts(kind, id);
        blocking(move || {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            let aside = place.with_extension("new");
            let mut file = BufWriter::new(File::create(&aside)?);
            serde_json::to_writer(&mut file, &facts).map_err(io::Error::other)?;
            file.flush()?;
            file.get_ref().sync_data()?;
            fs::rename(aside, place)
        })
        .await
    }

    /// Facts of a kind; `None` when there are none.
    pub(super) async fn read_facts<T>(&self, kind: &str, id: BuildId) -> io::Result<Option<T>>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let place = self.facts(kind, id);
        blocking(move || match File::open(place) {
            Ok(file) => Ok(Some(serde_json::from_reader(BufReader::new(file))?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Removes all facts of a build, if there are any.
    pub(super) fn remove_facts(&self, id: BuildId) -> impl FnOnce() -> io::Result<()> + use<> {
        let places = [TESTS, IMAGES].map(|kind| self.facts(kind, id));
        move || {
            for place in places {
                match fs::remove_file(place) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            Ok(())
        }
    }

    /// Keeps what is known of a build's images (docker-M40).
    ///
    /// # Errors
    /// What the file system says.
    pub async fn keep_images(&self, id: BuildId, images: Vec<ImageRecord>) -> io::Result<()> {
        self.keep_facts(IMAGES, id, images).await
    }

    /// What is known of a build's images, in the order in which they came; empty when it had none.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn images(&self, id: BuildId) -> io::Result<Vec<ImageRecord>> {
        Ok(self.read_facts(IMAGES, id).await?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Limits;

    #[tokio::test]
    async fn docker_m40_images_are_remembered_as_long_as_their_build() {
        let directory = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(directory.path(), Limits::default()).unwrap();
        let id = BuildId::new(1, 2);
        assert_eq!(artifacts.images(id).await.unwrap(), []);
        let image = ImageRecord { reference: "a:1".into(), ..ImageRecord::default() };
        artifacts.keep_images(id, vec![image.clone()]).await.unwrap();
        assert_eq!(artifacts.images(id).await.unwrap(), [image]);
        artifacts.remove(id).await.unwrap();
        assert_eq!(artifacts.images(id).await.unwrap(), []);
    }
}
