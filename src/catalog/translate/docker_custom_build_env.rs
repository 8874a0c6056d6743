//! Wrapper `docker-custom-build-env` (plugin docker-custom-build-environment): builders run in a container (docker-27.2). Options:
//! `image-type` (required: `pull` or `dockerfile`), `image` (empty), `context-path` (`.`), `dockerfile` (`Dockerfile`), `force-pull`
//! (false), `registry-credentials-id` (none), `volumes` ([]: items `volume: {host-path, path}`), `privileged` (false), `group` (none),
//! `command` (`/bin/cat`), `net` (`bridge`), `memory-limit`, `cpu-shares` (none), `verbose` (false); without effect: `host`,
//! `credentials-id`, `docker-tool`.

use jjb_compat::{Component, Node};

use super::credentials_binding::known;
use super::docker_words::reference;
use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{BuildContainer, ContainerImage, ContainerNetwork, Volume};
use crate::image::bytes_of;
use crate::model::Problem;

/// What the plugin starts unless something else is said; the keeper takes its place (docker-M23).
const IDLE: &str = "/bin/cat";
/// With less the engine makes no container.
const MEMORY_LEAST: u64 = 6 << 20;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<BuildContainer> {
    let mut options = Options::of(scope, component);
    let image = image(&mut options);
    let force_pull = options.flag("force-pull", false);
    let credential = options.text("registry-credentials-id").filter(|id| !id.is_empty());
    if let Some(id) = &credential {
        known(scope, &options, "registry-credentials-id", id);
    }
    let volumes = volumes(scope, component, &mut options);
    let privileged = options.flag("privileged", false);
    let group = options.text("group").filter(|group| !group.is_empty());
    let command =
        options.text("command").filter(|command| !command.trim().is_empty() && command.trim() != IDLE);
    if command.is_some() {
        let problem = Problem::error("option-not-carried", "a command beside the steps is not carried yet")
            .because("the keeper is process 1 of a build container, and steps need nothing else")
            .cure("start it in the first step, or remove 'command'");
        options.find(Weight::Stays, "command", problem);
    }
    let network = network(&mut options);
    let memory_bytes = memory(&mut options);
    let cpu_shares = shares(&mut options);
    let _ = options.flag("verbose", false);
    options.without_effect("host", "the pool decides which engine is used");
    options.without_effect("credentials-id", "the pool decides which engine is used");
    if options.text_or("docker-tool", "Default") != "Default" {
        options.without_effect("docker-tool", "no client of docker is used");
    }
    options.close();
    let place = scope.place(component.place);
    image.map(|image| BuildContainer {
        image,
        force_pull,
        credential,
        volumes,
        group,
        command,
        network,
        memory_bytes,
        cpu_shares,
        privileged,
        place,
    })
}

fn image(options: &mut Options<'_>) -> Option<ContainerImage> {
    let kind = options.need("image-type");
    let image = options.text_or("image", "");
    let context = options.text("context-path");
    let dockerfile = options.text("dockerfile");
    let kind = kind?;
    let ignored = |options: &Options<'_>, key: &str| {
        let message = format!("'{key}' has no effect with 'image-type: {kind}'");
        options.find(Weight::Difference, key, Problem::note("option-without-effect", message));
    };
    match kind.as_str() {
        "pull" => {
            for (key, set) in [("context-path", context.is_some()), ("dockerfile", dockerfile.is_some())] {
                if set {
                    ignored(options, key);
                }
            }
            reference(options, "image", &image).then_some(ContainerImage::Pull(image))
        }
        "dockerfile" => {
            if !image.is_empty() {
                ignored(options, "image");
            }
            Some(ContainerImage::Dockerfile {
                context: context.unwrap_or_else(|| ".".to_owned()),
                dockerfile: dockerfile.unwrap_or_else(|| "Dockerfile".to_owned()),
            })
        }
        other => {
            let message = format!("image-type must be pull or dockerfile, not '{}'", other.escape_debug());
            let problem = Problem::error("unknown-word", message).cure("write 'image-type: pull'");
            options.find(Weight::Error, "image-type", problem);
            None
        }
    }
}

fn volumes(scope: &Scope<'_>, component: &Component, options: &mut Options<'_>) -> Vec<Volume> {
    let mut volumes: Vec<Volume> = Vec::new();
    for item in options.list("volumes") {
        let Some(volume) = item.as_map().and_then(|map| map.get("volume")) else {
            wrong(scope, component, item, "an item of 'volumes' is 'volume: {host-path: …, path: …}'");
            continue;
        };
        let mut inner = Options::inside(scope, component, volume);
        let (source, target) = (inner.need("host-path"), inner.need("path"));
        inner.close();
        let Some((source, target)) = source.zip(target) else { continue };
        if source.is_empty() || target.is_empty() {
            wrong(scope, component, item, "a volume has a path of the host and one in the container");
        } else if volumes.iter().any(|known| known.target == target) {
            wrong(scope, component, item, &format!("two volumes are at '{target}'"));
        } else {
            volumes.push(Volume { source, target });
        }
    }
    volumes
}

fn wrong(scope: &Scope<'_>, component: &Component, node: &Node, message: &str) {
    let problem = Problem::error("wrong-value", message.to_owned());
    scope.find(Weight::Error, component, node.place, problem.cure("mend or remove the volume"));
}

fn network(options: &mut Options<'_>) -> ContainerNetwork {
    match options.text_or("net", "bridge").as_str() {
        "" | "bridge" | "default" => ContainerNetwork::Lease,
        "none" => ContainerNetwork::None,
        "host" => ContainerNetwork::Host,
        other => ContainerNetwork::Named(other.to_owned()),
    }
}

fn memory(options: &mut Options<'_>) -> Option<u64> {
    let text = options.text("memory-limit").filter(|text| !text.is_empty())?;
    let message = match bytes_of(&text) {
        Some(bytes) if bytes >= MEMORY_LEAST => return Some(bytes),
        Some(_) => format!("'{text}' is less than an engine accepts"),
        None => format!("'{}' is not a size", text.escape_debug()),
    };
    let problem = Problem::error("wrong-value", message).cure("write at least 6m, for example 2g");
    options.find(Weight::Error, "memory-limit", problem);
    None
}

fn shares(options: &mut Options<'_>) -> Option<u32> {
    let text = options.text("cpu-shares").filter(|text| !text.is_empty())?;
    let shares = text.trim().parse().ok().filter(|shares| (2..=262_144).contains(shares));
    if shares.is_none() {
        let message = format!("'{}' is no weight of a container", text.escape_debug());
        let problem = Problem::error("wrong-value", message).cure("write a number from 2 to 262144");
        options.find(Weight::Error, "cpu-shares", problem);
    }
    shares
}
