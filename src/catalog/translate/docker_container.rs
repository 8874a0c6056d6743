//! Property `docker-container` (plugin docker-plugin): makes an image of the build's container after it (docker-27.7). Options:
//! `docker-registry-url`, `credentials-id`, `additional-tag` (empty), `commit-on-success`, `push-on-success` (false),
//! `clean-local-images` (true).

use jjb_compat::Component;

use super::credentials_binding::known;
use super::docker_words::reference;
use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::CommitContainer;
use crate::image::from_registry;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<CommitContainer> {
    let mut options = Options::of(scope, component);
    let commit = options.flag("commit-on-success", false);
    let tag = options.text_or("additional-tag", "");
    let push = options.flag("push-on-success", false);
    let clean = options.flag("clean-local-images", true);
    let registry = options.text_or("docker-registry-url", "");
    let credential = options.text("credentials-id").filter(|id| !id.is_empty());
    if let Some(id) = credential.as_ref().filter(|_| commit) {
        known(scope, &options, "credentials-id", id);
    }
    let note = |options: &Options<'_>, code, message: &str, why: &str| {
        options.find(Weight::Difference, "commit-on-success", Problem::note(code, message).because(why));
    };
    if !commit {
        let why = "'commit-on-success' is not true; newer releases of the plugin make one all the same";
        note(&options, "no-commit", "no image is made of the build's container", why);
    } else if !push && clean {
        let why = "it would be removed at once: it is not pushed, and 'clean-local-images' is true";
        note(&options, "no-commit", "no image is made of the build's container", why);
    }
    let wanted = commit && (push || !clean);
    let tag = if tag.is_empty() { tag } else { from_registry(&registry, &tag) };
    let usable = !wanted || tag.is_empty() || reference(&options, "additional-tag", &tag);
    options.close();
    if !wanted || !usable {
        return None;
    }
    if !push {
        // It stays on the engine only where the pool keeps images (docker-M18).
        let problem = Problem::note("image-not-kept", "the image is of no use beyond this build")
            .because("it is not pushed, and images go with their build unless 'keep_images' is set");
        scope.find(Weight::Difference, component, component.place, problem);
    }
    Some(CommitContainer { tag, push, credential, place: scope.place(component.place) })
}
