//! What components that speak of Docker need of the labels that their job can run on (docker-M3, M28, M30). Looked at once the whole job
//! is translated. Without a configuration a need is said and keeps no job.

use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{
    BuildContainer, BuildImage, ContainerImage, ContainerNetwork, Place, Publisher, Recipe, Step, Volume,
};
use crate::image::{ImageBuilds, bytes_of, is_variable};
use crate::model::Problem;
use crate::pool::label::{LabelDefinition, NetworkMode};
use crate::pool::serving;

/// Where clients look for an engine.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/docker.sock"];

/// What one component of a job needs.
struct Needs<'a> {
    scope: &'a Scope<'a>,
    component: String,
    place: &'a Place,
    /// The labels that the job can run on; `None`: there is no configuration.
    labels: Option<&'a [&'a LabelDefinition]>,
}

/// Adds what the labels do not give.
pub(super) fn look_at(scope: &Scope<'_>, recipe: &Recipe) {
    let labels = labels(scope, &recipe.node);
    let needs = |component: &str, place| Needs {
        scope,
        component: component.to_owned(),
        place,
        labels: labels.as_deref(),
    };
    if let Some(container) = &recipe.build_container {
        let needs = needs("wrapper docker-custom-build-env", &container.place);
        needs.engine();
        needs.container(container);
    }
    if let Some(commit) = &recipe.commit {
        needs("property docker-container", &commit.place).engine();
    }
    let mut steps = Vec::new();
    collect(&recipe.steps, &mut steps);
    for publisher in &recipe.publishers {
        if let Publisher::PostBuildScript(script) = publisher {
            script.groups.iter().for_each(|group| collect(&group.steps, &mut steps));
        }
    }
    let mut pulls = None;
    for step in &steps {
        match step {
            Step::PullImage(pull) => {
                needs("builder docker-pull-image", &pull.place).engine();
                pulls = Some(&pull.place);
            }
            Step::BuildImage(image) => {
                let component = format!("builder {}", image.component);
                needs(&component, &image.place).image(image);
            }
            Step::Shell(_) | Step::TriggerBuilds(_) | Step::Conditional(_) | Step::Inject(_) => {}
        }
    }
    let speaks = |step: &&Step| matches!(step, Step::Shell(shell) if shell.script.contains("docker"));
    if let Some(place) = pulls.filter(|_| !steps.iter().any(speaks)) {
        let problem = Problem::note("pull-for-nobody", "no step of the job starts a container")
            .because("an image that is pulled is there for the steps of its own build");
        scope.find_at(Weight::Difference, "builder docker-pull-image", place, problem);
    }
}

fn labels<'a>(scope: &'a Scope<'_>, node: &str) -> Option<Vec<&'a LabelDefinition>> {
    let site = scope.config.site.as_ref()?;
    // A label that nobody serves is said by the job's own keys.
    let names = serving(&site.labels, &site.providers, node).unwrap_or_default();
    Some(site.labels.definitions.iter().filter(|label| names.contains(&label.name)).collect())
}

fn collect<'a>(steps: &'a [Step], all: &mut Vec<&'a Step>) {
    for step in steps {
        all.push(step);
        if let Step::Conditional(conditional) = step {
            collect(&conditional.steps, all);
        }
    }
}

impl Needs<'_> {
    /// Says what is needed, unless every label gives it.
    fn need(
        &self,
        code: &'static str,
        what: &str,
        cure: &str,
        given: impl Fn(&LabelDefinition) -> bool,
    ) -> bool {
        let without = match self.labels {
            None => None,
            Some(labels) => match labels.iter().find(|label| !given(label)) {
                None => return true,
                Some(label) => Some(label),
            },
        };
        let (weight, problem) = match without {
            None => (Weight::Difference, Problem::note(code, format!("{what} is needed"))),
            Some(label) => {
                let message = format!("{what} is needed, and the label '{}' does not give it", label.name);
                (Weight::Stays, Problem::error(code, message))
            }
        };
        self.scope.find_at(weight, &self.component, self.place, problem.cure(cure));
        false
    }

    fn engine(&self) {
        if self.labels.is_some() {
            let cure = "map the label to one of a provider with the driver 'docker'";
            self.need("no-engine", "an engine", cure, |label| label.image.is_some());
        }
    }

    fn builds(&self) {
        self.engine();
        let cure =
            "set 'image_builds: classic' in the pool; then jobs build images with the engine's own rights";
        let classic = |label: &LabelDefinition| label.images.builds == ImageBuilds::Classic;
        self.need("image-builds-off", "the setting 'image_builds: classic'", cure, classic);
    }

    fn image(&self, image: &BuildImage) {
        self.builds();
        let source = image.source.as_ref();
        self.memory(source.and_then(|source| bytes_of(source.words.memory.as_deref()?)));
        if !image.push {
            let note = Problem::note("image-not-kept", "the image is of no use beyond this build")
                .because("it is not pushed, and images go with their build unless 'keep_images' is set");
            if self.labels.is_none_or(|labels| labels.iter().any(|label| !label.images.keep)) {
                self.scope.find_at(Weight::Difference, &self.component, self.place, note);
            }
        }
    }

    fn container(&self, container: &BuildContainer) {
        let name = match &container.image {
            ContainerImage::Pull(name) => name.as_str(),
            ContainerImage::Dockerfile { .. } => {
                self.builds();
                ""
            }
        };
        if container.privileged {
            let cure = "name the image under 'privileged' in the label, or remove 'privileged'";
            let what = "a privileged container (pools-D30)";
            self.need("privileged", what, cure, |label| label.images.privileged.has(name));
        }
        self.network(&container.network, name);
        self.memory(container.memory_bytes);
        container.volumes.iter().for_each(|volume| self.volume(volume));
    }

    fn network(&self, network: &ContainerNetwork, image: &str) {
        match network {
            ContainerNetwork::Lease | ContainerNetwork::None => {}
            ContainerNetwork::Host => {
                let cure = "name the image under 'host_network' in the label, or remove 'net: host'";
                let given = |label: &LabelDefinition| {
                    label.network == NetworkMode::Host || label.images.host_network.has(image)
                };
                self.need("host-network", "the host's network (pools-D36)", cure, given);
            }
            ContainerNetwork::Named(name) => {
                let shared = NetworkMode::Shared(name.clone());
                let what = format!("the network '{name}' (pools-D36)");
                let cure = format!("set 'network: shared:{name}' in the label, or remove 'net'");
                self.need("other-network", &what, &cure, |label| label.network == shared);
            }
        }
    }

    fn memory(&self, wanted: Option<u64>) {
        let Some(wanted) = wanted else { return };
        if self.labels.is_some() {
            let what = format!("{wanted} bytes of memory (pools-D34)");
            let cure = "raise 'memory' in the label, lower the job's limit, or set 'clamp_limits: true'";
            let given = |label: &LabelDefinition| {
                label.images.clamp_limits || label.memory_bytes.is_none_or(|most| wanted <= most)
            };
            self.need("memory-limit", &what, cure, given);
        }
    }

    /// A path of the host; one with variables is looked at when they are known.
    fn volume(&self, volume: &Volume) {
        let path = volume.source.as_str();
        let below_workspace = ["$WORKSPACE", "${WORKSPACE}"].iter().any(|name| path.starts_with(name));
        if below_workspace && !path.split('/').any(|part| part == "..") {
            return;
        }
        if SOCKETS.contains(&path) {
            let what = "the engine's socket (pools-D31)";
            let cure = "leave the guard enabled in the label: jobs get its socket instead of the engine's";
            self.need("engine-socket", what, cure, |label| label.guard.is_some());
        } else if is_variable(path) {
            let problem = Problem::note(
                "path-at-run-time",
                format!("the path '{path}' is checked when its variables are known"),
            );
            self.scope.find_at(Weight::Difference, &self.component, self.place, problem);
        } else {
            let what = format!("the directory {path} of the host (pools-D30)");
            let cure = "add it to 'mounts' in the label, or use a directory below $WORKSPACE";
            self.need("host-path", &what, cure, |label| label.mount_of(path).is_some());
        }
    }
}
