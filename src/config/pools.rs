//! `pools`: labels, and what their nodes are made from.

use std::path::PathBuf;
use std::time::Duration;

use super::providers::{Driver, ProviderConfig, usable};
use super::section::{Section, closest};
use super::value::{Bytes, Cores};
use crate::catalog::NamePatterns;
use crate::guard::GuardRules;
use crate::image::{ImageBuilds, ImageRules};
use crate::model::Problem;
use crate::pool::label::{LabelDefinition, Mount, NetworkMode, PullPolicy, SecurityProfile};

const PULL: &[(&str, PullPolicy)] = &[
    ("auto", PullPolicy::Auto),
    ("always", PullPolicy::Always),
    ("if_absent", PullPolicy::IfAbsent),
    ("never", PullPolicy::Never),
];
const PROFILES: &[(&str, SecurityProfile)] = &[
    ("strict", SecurityProfile::Strict),
    ("standard", SecurityProfile::Standard),
    ("compat", SecurityProfile::Compat),
];
const IMAGE_BUILDS: &[(&str, ImageBuilds)] =
    &[("none", ImageBuilds::None), ("classic", ImageBuilds::Classic)];
/// A node with less memory does not even start its keeper and a shell.
const LEAST_MEMORY: Bytes = Bytes(6 << 20);

pub(super) fn read(sections: Vec<Section<'_>>, providers: &[ProviderConfig]) -> Vec<LabelDefinition> {
    let mut labels: Vec<LabelDefinition> = Vec::new();
    for mut section in sections {
        let name = section.need::<String>("name", "the atom 'pool:NAME' is made from it");
        let name = name.filter(|name| usable(&section, "name", name)).unwrap_or_default();
        let provider = provider(&mut section, providers);
        let max_ready_age = section.or("max_ready_age", Duration::from_secs(0));
        let images = images_of_pool(&mut section, provider);
        for mut item in section.sections("labels") {
            let label = label(&mut item, &name, provider, max_ready_age, &images);
            if let Some(label) = label {
                unique(&item, &label, &labels);
                labels.push(label);
            }
            item.close();
        }
        section.close();
    }
    labels
}

/// The pool's provider: the only one there is when nothing is said.
fn provider<'p>(section: &mut Section<'_>, providers: &'p [ProviderConfig]) -> Option<&'p ProviderConfig> {
    let Some(name) = section.get::<String>("provider") else {
        if let [only] = providers {
            return Some(only);
        }
        let problem = Problem::error("missing-key", format!("'{}' is missing", section.name("provider")))
            .because(format!("there are {} providers, so one must be named", providers.len()))
            .cure("add 'provider: NAME'");
        section.report().add(section.at(), problem);
        return None;
    };
    let found = providers.iter().find(|provider| provider.name == name);
    if found.is_none() {
        let names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
        let problem =
            Problem::error("unknown-provider", format!("no provider is called '{}'", name.escape_debug()));
        let cure = match closest(&name, &names) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("defined under 'providers': {}", names.join(", ")),
        };
        section.complain("provider", problem.cure(cure));
    }
    found
}

fn label(
    section: &mut Section<'_>,
    pool: &str,
    provider: Option<&ProviderConfig>,
    max_ready_age: Duration,
    of_pool: &ImageRules,
) -> Option<LabelDefinition> {
    let name = section.need::<String>("name", "jobs name a label by it");
    let name = name.filter(|name| usable(section, "name", name));
    let image = image(section, provider);
    let definition = LabelDefinition {
        name: name.clone().unwrap_or_default(),
        aliases: aliases(section),
        pool: pool.to_owned(),
        provider: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
        image,
        pull: section.choice("pull", PULL, PullPolicy::Auto),
        min_ready: section.bounded("min_ready", 0, 0, 10_000),
        max_nodes: section.get("max_nodes"),
        cpus_milli: section.get::<Cores>("cpus").map(|cores| cores.0),
        memory_bytes: memory(section),
        pids: section.bounded("pids", 4096, 16, 4_194_304),
        shm_bytes: section.get::<Bytes>("shm").map(|bytes| bytes.0),
        disk_bytes: disk(section),
        mounts: mounts(section),
        environment: section.pairs("environment"),
        user: section.get("user"),
        profile: section.choice("profile", PROFILES, SecurityProfile::Standard),
        network: network(section),
        guard: guard(section, provider),
        images: images(section, of_pool, provider),
        max_ready_age: section.or("max_ready_age", max_ready_age),
    };
    stock(section, &definition);
    name.and(provider).map(|_| definition)
}

fn image(section: &mut Section<'_>, provider: Option<&ProviderConfig>) -> Option<String> {
    let image = section.get::<String>("image");
    let driver = &provider?.driver;
    match (driver, &image) {
        (Driver::Docker { .. }, None) => {
            let problem = Problem::error("missing-key", format!("'{}' is missing", section.name("image")))
                .because("the provider's nodes are containers")
                .cure("add 'image: NAME:TAG'");
            section.report().add(section.at(), problem);
        }
        (Driver::Docker { .. }, Some(text)) if text.is_empty() || text.contains(char::is_whitespace) => {
            let message = format!("'{}' is no reference of an image", text.escape_debug());
            section.complain("image", Problem::error("wrong-value", message).cure("write NAME:TAG"));
        }
        (Driver::Process, Some(_)) => {
            let message =
                format!("'{}' is set, but the driver 'process' has no images", section.name("image"));
            section.complain("image", Problem::note("unused-key", message).cure("remove it"));
        }
        (Driver::Docker { .. }, Some(_)) | (Driver::Process, None) => {}
    }
    image
}

fn aliases(section: &mut Section<'_>) -> Vec<String> {
    let aliases = section.list::<String>("aliases");
    aliases.into_iter().filter(|alias| usable(section, "aliases", alias)).collect()
}

fn memory(section: &mut Section<'_>) -> Option<u64> {
    let memory = section.get::<Bytes>("memory")?;
    if memory < LEAST_MEMORY {
        let message = format!("'{}' is less than an engine accepts", section.name("memory"));
        section.complain(
            "memory",
            Problem::error("out-of-bounds", message).cure("write at least 6MiB; 2GiB is common"),
        );
    }
    Some(memory.0)
}

/// What a node holds before anything has run is some hundred kilobytes.
fn disk(section: &mut Section<'_>) -> Option<u64> {
    const LEAST: Bytes = Bytes(1 << 20);
    let disk = section.get::<Bytes>("disk")?;
    if disk < LEAST {
        let message = format!("'{}' is less than a node itself takes", section.name("disk"));
        let problem = Problem::error("out-of-bounds", message);
        section.complain("disk", problem.cure("write at least 1MiB; 20GiB is common"));
    }
    Some(disk.0)
}

fn mounts(section: &mut Section<'_>) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for mut item in section.sections("mounts") {
        let why = "a mount has a directory of the host and one in the node";
        let source = item.need::<PathBuf>("source", why);
        let target = item.get::<PathBuf>("target").or_else(|| source.clone());
        let writable = item.or("writable", false);
        if let Some((source, target)) = source.zip(target) {
            mount(&item, &source, &target);
            mounts.push(Mount { source, target, writable });
        }
        item.close();
    }
    mounts
}

/// A host path that is missing keeps the node out of stock, so it is said now (pools-D1a).
fn mount(section: &Section<'_>, source: &std::path::Path, target: &std::path::Path) {
    for (key, path) in [("source", source), ("target", target)] {
        if !path.is_absolute() {
            let message = format!("'{}' is no absolute path", path.display());
            section.complain(key, Problem::error("wrong-value", message).cure("begin it with '/'"));
        }
    }
    if source.is_absolute() && !source.is_dir() {
        let message = format!("the directory {} does not exist on this machine", source.display());
        let problem = Problem::error("missing-mount", message)
            .because("without it no node of the label can be made")
            .cure("create it, or remove the mount");
        section.complain("source", problem);
    }
    if source.file_name().is_some_and(|name| name == "docker.sock") {
        let problem = Problem::error("engine-socket", "the engine's own socket is never given to a node")
            .because("whoever has it owns the machine (pools-D31)")
            .cure("remove the mount");
        section.complain("source", problem);
    }
}

fn network(section: &mut Section<'_>) -> NetworkMode {
    let Some(text) = section.get::<String>("network") else {
        return NetworkMode::Default;
    };
    match text.as_str() {
        "default" => NetworkMode::Default,
        "isolated" => NetworkMode::Isolated,
        "none" => NetworkMode::None,
        "host" => NetworkMode::Host,
        other => match other.strip_prefix("shared:") {
            Some(name) if !name.is_empty() => NetworkMode::Shared(name.to_owned()),
            _ => {
                let message = format!("'{}' is no network", other.escape_debug());
                let cure = "write default, isolated, none, host, or shared:NAME";
                section.complain("network", Problem::error("unknown-word", message).cure(cure));
                NetworkMode::Default
            }
        },
    }
}

/// Nodes on an engine have the guard's socket unless it is switched off (pools-D57).
fn guard(section: &mut Section<'_>, provider: Option<&ProviderConfig>) -> Option<GuardRules> {
    let mut section = section.section("guard");
    let has_engine = provider.is_some_and(|provider| matches!(provider.driver, Driver::Docker { .. }));
    let enabled = section.or("enabled", has_engine);
    if enabled && !has_engine {
        let message = format!("'{}' is set, but the provider has no engine", section.name("enabled"));
        section.complain("enabled", Problem::error("wrong-value", message).cure("remove it"));
    }
    let images = section.list::<String>("images");
    let rules = GuardRules {
        images: if images.is_empty() { GuardRules::default().images } else { NamePatterns::new(images) },
        seccomp_unconfined: NamePatterns::new(section.list::<String>("seccomp_unconfined")),
    };
    section.close();
    (enabled && has_engine).then_some(rules)
}

/// What all labels of a pool allow builds to do with images; nothing unless it is set (docker-M30).
fn images_of_pool(section: &mut Section<'_>, provider: Option<&ProviderConfig>) -> ImageRules {
    let rules = ImageRules {
        builds: section.choice("image_builds", IMAGE_BUILDS, ImageBuilds::None),
        without_pids_limit: section.or("builds_without_pids_limit", false),
        add_url: section.or("add_url", false),
        keep: section.or("keep_images", false),
        clamp_limits: section.or("clamp_limits", false),
        ..ImageRules::default()
    };
    let has_engine = provider.is_none_or(|provider| matches!(provider.driver, Driver::Docker { .. }));
    if rules.builds != ImageBuilds::None && !has_engine {
        let message = format!("'{}' is set, but the provider has no engine", section.name("image_builds"));
        section.complain("image_builds", Problem::error("wrong-value", message).cure("remove it"));
    }
    rules
}

/// The same for one label, with what is its own.
fn images(section: &mut Section<'_>, of_pool: &ImageRules, provider: Option<&ProviderConfig>) -> ImageRules {
    let agent_user = section.get::<String>("agent_user");
    if let Some(user) = agent_user.as_deref().filter(|user| !is_user(user)) {
        let message = format!("'{}' is no user and group", user.escape_debug());
        let cure = "write two numbers: \"1000:1000\"";
        section.complain("agent_user", Problem::error("wrong-value", message).cure(cure));
    }
    let rules = ImageRules {
        agent_user,
        privileged: NamePatterns::new(section.list::<String>("privileged")),
        host_network: NamePatterns::new(section.list::<String>("host_network")),
        ..of_pool.clone()
    };
    if provider.is_some_and(|provider| !matches!(provider.driver, Driver::Docker { .. })) {
        for (key, set) in [
            ("agent_user", rules.agent_user.is_some()),
            ("privileged", !rules.privileged.is_empty()),
            ("host_network", !rules.host_network.is_empty()),
        ] {
            if set {
                let message = format!("'{}' is set, but the provider has no containers", section.name(key));
                section.complain(key, Problem::error("wrong-value", message).cure("remove it"));
            }
        }
    }
    rules
}

/// `USER:GROUP` in numbers: names would have to be looked up in an image that is not known yet.
fn is_user(text: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().is_ok();
    text.split_once(':').is_some_and(|(user, group)| number(user) && number(group))
}

fn stock(section: &Section<'_>, label: &LabelDefinition) {
    if label.max_nodes.is_some_and(|most| most < label.min_ready) {
        let message = format!("'{}' is less than 'min_ready'", section.name("max_nodes"));
        let cure = "raise 'max_nodes', or lower 'min_ready'";
        section.complain("max_nodes", Problem::error("out-of-bounds", message).cure(cure));
    }
}

/// In one pool a name means one label; several pools may offer the same one (pools-P10).
fn unique(section: &Section<'_>, label: &LabelDefinition, before: &[LabelDefinition]) {
    let same = before.iter().any(|known| known.pool == label.pool && known.name == label.name);
    if same {
        let message = format!("the label '{}' is defined twice in the pool '{}'", label.name, label.pool);
        section.complain(
            "name",
            Problem::error("duplicate-name", message).cure("give one of them another name"),
        );
    }
}
