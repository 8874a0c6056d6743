//! What a build's images are remembered by, and what steps that follow are told of the last one (docker-M40).

use tracing::warn;

use super::steps::Steps;
use crate::catalog::recipe::Place;
use crate::image::{ImageRecord, RECORDS_MAX};

impl Steps<'_> {
    /// Remembers an image. That it cannot be written is no failure of the build.
    pub async fn remember_image(&self, component: &str, place: &Place, image: ImageRecord) {
        let image = ImageRecord {
            component: component.to_owned(),
            place: format!("{}:{}", place.file, place.line),
            ..image
        };
        self.tell_of(&image);
        let (artifacts, id) = (&self.context().artifacts, self.record().id);
        let kept = async {
            let mut images = artifacts.images(id).await?;
            images.retain(|known| !known.same(&image));
            images.push(image);
            let over = images.len().saturating_sub(RECORDS_MAX);
            images.drain(..over);
            artifacts.keep_images(id, images).await
        };
        if let Err(error) = kept.await {
            warn!(build.id = %id, %error, "what is known of the build's images was not kept");
        }
    }

    /// Takes up what a former process has remembered.
    pub async fn recall_images(&self) {
        let images = self.context().artifacts.images(self.record().id).await.unwrap_or_default();
        images.iter().for_each(|image| self.tell_of(image));
    }

    /// Only what was made counts, not what was pulled.
    fn tell_of(&self, image: &ImageRecord) {
        if image.what == "pulled" {
            return;
        }
        self.keep_image_variable("ID", image.id.clone());
        if !image.reference.is_empty() {
            self.keep_image_variable("REF", image.reference.clone());
            self.keep_image_variable("DIGEST", image.digest.clone());
        }
    }
}
