//! Builder `docker-pull-image` (plugin dockerhub-notification): pulls an image (docker-27.6). Options: `image`, `docker-registry-url`,
//! `credentials-id` (all empty; empty means absent, docker-M7).

use jjb_compat::Component;

use super::credentials_binding::known;
use super::docker_words::reference;
use super::options::Options;
use super::scope::Scope;
use crate::catalog::recipe::PullImage;
use crate::image::from_registry;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<PullImage> {
    let mut options = Options::of(scope, component);
    let image = options.text_or("image", "");
    let image = from_registry(&options.text_or("docker-registry-url", ""), &image);
    let usable = reference(&options, "image", &image);
    let credential = options.text("credentials-id").filter(|id| !id.is_empty());
    if let Some(id) = &credential {
        known(scope, &options, "credentials-id", id);
    }
    options.close();
    usable.then(|| PullImage { image, credential, place: scope.place(component.place) })
}
