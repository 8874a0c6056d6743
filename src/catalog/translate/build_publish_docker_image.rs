//! Builder `build-publish-docker-image` (plugin docker-plugin): builds an image from a directory, tags and pushes it (docker-27.5).
//! Options: `docker-registry-url`, `image`, `docker-file-directory`, `push-credentials-id` (empty), `push-on-success`, `clean-images`
//! (false); without effect: `jenkins-job-delete` (false), `cloud` (empty).

use jjb_compat::Component;

use super::credentials_binding::known;
use super::docker_words::{context, reference};
use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{BuildImage, ImageNames, ImageSource};
use crate::image::BuildWords;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<BuildImage> {
    let mut options = Options::of(scope, component);
    let image = options.text_or("image", "");
    let names: Vec<&str> = image.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut usable = true;
    for name in &names {
        usable &= reference(&options, "image", name);
    }
    if names.len() > 1 {
        let problem = Problem::note("several-tags", "each line of 'image' is a reference of its own")
            .because("what Job Builder writes makes one broken tag of them in Jenkins");
        options.find(Weight::Difference, "image", problem);
    }
    let push = options.flag("push-on-success", false);
    if push && names.is_empty() {
        let problem = Problem::error("missing-option", "an image is to be pushed, and 'image' names none");
        options.find(
            Weight::Error,
            "image",
            problem.cure("write HOST/NAME:TAG, or remove 'push-on-success'"),
        );
        usable = false;
    }
    let credential = options.text("push-credentials-id").filter(|id| !id.is_empty());
    if let Some(id) = &credential {
        known(scope, &options, "push-credentials-id", id);
    }
    let directory = options.text_or("docker-file-directory", "");
    context(&options, "docker-file-directory", &directory);
    // Never a part of the names (docker-M36).
    let _ = options.text("docker-registry-url");
    // Images go with their lease (docker-M18).
    let _ = options.flag("clean-images", false);
    options.without_effect("jenkins-job-delete", "it has none in Jenkins either");
    options.without_effect("cloud", "the pool decides which engine is used");
    options.close();
    let names = ImageNames::References(names.join("\n"));
    let source =
        ImageSource { context: directory, dockerfile: None, no_cache: false, words: BuildWords::default() };
    usable.then(|| BuildImage {
        component: component.name.to_string(),
        source: Some(source),
        names,
        push,
        credential,
        place: scope.place(component.place),
    })
}
