//! Builder `docker-build-publish` (plugin docker-build-publish): builds an image, tags and pushes it (docker-27.4). Options: `repo-name`
//! (required), `repo-tag` (empty), `registry` {`url`, `credentials-id`}, `no-cache`, `skip-build`, `skip-decorate`, `skip-tag-latest`,
//! `skip-push` (false), `file-path`, `build-context`, `build-args` (empty), `create-fingerprint` (false); without effect, as in the plugin
//! itself: `no-force-pull`, `force-tag`; because the pool decides: `server`.

use jjb_compat::{Component, Value};

use super::credentials_binding::known;
use super::docker_words::{context, leads_out, reference};
use super::options::Options;
use super::scope::Scope;
use super::shell::words;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{BuildImage, ImageNames, ImageSource};
use crate::image::{BuildWords, Reference, WordProblem, from_registry, is_variable};
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<BuildImage> {
    let mut options = Options::of(scope, component);
    let name = options.need("repo-name");
    let (registry, credential) = registry(scope, component, &mut options);
    let name = name.map(|name| from_registry(&registry, &name));
    let usable = name.as_ref().is_some_and(|name| reference(&options, "repo-name", name));
    let tags = tags(&mut options);
    let latest = !options.flag("skip-tag-latest", false);
    let skip_build = options.flag("skip-build", false);
    let push = !options.flag("skip-push", false);
    let source = source(&mut options);
    if !options.flag("skip-decorate", false) {
        let problem = Problem::note("not-decorated", "the image's name does not become part of the build's")
            .because("the build's page lists its images");
        options.find(Weight::Difference, "skip-decorate", problem);
    }
    let _ = options.flag("create-fingerprint", false);
    options.without_effect(
        "no-force-pull",
        "the plugin does not read it either: a base image is pulled if it is absent",
    );
    options.without_effect("force-tag", "a tag always takes the place of an older one");
    options.without_effect("server", "the pool decides which engine is used");
    options.close();
    let place = scope.place(component.place);
    name.filter(|_| usable).map(|name| BuildImage {
        component: component.name.to_string(),
        source: (!skip_build).then_some(source),
        names: ImageNames::Repository { name, tags, latest },
        push,
        credential,
        place,
    })
}

/// The registry's address and the credential for it.
fn registry(scope: &Scope<'_>, component: &Component, options: &mut Options<'_>) -> (String, Option<String>) {
    let Some(node) = options.node("registry") else { return (String::new(), None) };
    let mut inner = Options::inside(scope, component, node);
    let url = inner.text_or("url", "");
    let credential = inner.text("credentials-id").filter(|id| !id.is_empty());
    if let Some(id) = &credential {
        known(scope, &inner, "credentials-id", id);
    }
    inner.close();
    (url, credential)
}

fn tags(options: &mut Options<'_>) -> String {
    if options.node("repo-tag").is_some_and(|node| matches!(node.value, Value::Float(_))) {
        let problem = Problem::note("tag-is-a-number", "'repo-tag' is a number: YAML makes 1.1 of 1.10");
        options.find(Weight::Difference, "repo-tag", problem.cure("write it in quotes"));
    }
    let tags = options.text_or("repo-tag", "");
    let wrong = |tag: &str| {
        let tag = tag.trim();
        !is_variable(tag) && Reference::parse(&format!("a:{tag}")).is_err()
    };
    if !tags.is_empty()
        && let Some(tag) = tags.split(',').find(|tag| wrong(tag))
    {
        let message = format!("'{}' is no tag of an image", tag.trim().escape_debug());
        let problem = Problem::error("no-reference", message);
        options.find(Weight::Error, "repo-tag", problem.cure("write letters, digits, '_', '.' and '-'"));
    }
    tags
}

fn source(options: &mut Options<'_>) -> ImageSource {
    let directory = options.text_or("build-context", "");
    context(options, "build-context", &directory);
    let file = options.text("file-path").filter(|path| !path.is_empty());
    if let Some(path) = &file {
        dockerfile(options, "file-path", path);
    }
    let no_cache = options.flag("no-cache", false);
    let text = options.text_or("build-args", "");
    let (words, problems) = BuildWords::parse(&words(&text));
    for problem in problems {
        let weight = match problem {
            WordProblem::NotCarried(_) => Weight::Stays,
            WordProblem::Unknown(_) | WordProblem::WithoutValue(_) | WordProblem::OwnLabel(_) => {
                Weight::Error
            }
        };
        let found = Problem::error("build-args", problem.to_string());
        options.find(weight, "build-args", found.cure("remove it from 'build-args'"));
    }
    if let Some(path) = &words.file {
        dockerfile(options, "build-args", path);
    }
    let dockerfile = words.file.clone().or(file);
    ImageSource { context: directory, dockerfile, no_cache: no_cache || words.no_cache, words }
}

/// A Dockerfile is a file below the workspace.
fn dockerfile(options: &Options<'_>, key: &'static str, path: &str) {
    if path.ends_with('/') {
        let message = format!("'{}' is a directory, where a Dockerfile is expected", path.escape_debug());
        let problem = Problem::error("wrong-value", message).cure("write the file's path");
        options.find(Weight::Error, key, problem);
    } else if leads_out(path) {
        context(options, key, path);
    }
}
