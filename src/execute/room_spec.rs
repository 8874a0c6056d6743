//! From the wrapper's options to a build container, with what the label allows (docker-M3, M22). What a plan could not know, because it
//! hangs on variables, is judged here.

use std::path::{Component, Path, PathBuf};

use crate::catalog::recipe::{BuildContainer, ContainerNetwork, Volume};
use crate::guard::SOCKET;
use crate::image::RoomSpec;
use crate::pool::label::{LabelDefinition, Mount, NetworkMode};

/// Where jobs look for an engine.
const SOCKETS: [&str; 2] = ["/var/run/docker.sock", "/run/docker.sock"];

/// The home of a user that the image does not know, beside the workspace (docker-M22).
pub(super) const HOME: &str = "home";

/// What a container may have.
pub(super) struct Place<'a> {
    /// The node's label.
    pub label: &'a LabelDefinition,
    /// The node's directory.
    pub directory: &'a Path,
    /// The build's workspace.
    pub workspace: &'a Path,
}

impl Place<'_> {
    /// The container that is wanted; `name` is its image as the job has it, `id` the engine's id of it.
    ///
    /// # Errors
    /// What the label does not allow.
    pub fn room(
        &self,
        wanted: &BuildContainer,
        name: &str,
        id: String,
        expand: impl Fn(&str) -> String,
    ) -> Result<RoomSpec, String> {
        let rules = &self.label.images;
        if wanted.privileged && !rules.privileged.has(name) {
            return Err(format!(
                "the label '{}' allows '{name}' no privileged container (pools-D30)",
                self.label.name
            ));
        }
        let mut room = RoomSpec {
            image: id,
            user: user(&rules.user(self.label.user.as_deref()), wanted.group.as_deref()),
            mounts: Vec::new(),
            // The steps' user writes to both; one that the image does not know gets its home beside the workspace.
            made: vec![self.workspace.to_owned(), self.beside_workspace().join(HOME)],
            network: self.network(&wanted.network, name)?,
            memory_bytes: self.memory(wanted.memory_bytes)?,
            cpu_shares: wanted.cpu_shares,
            privileged: wanted.privileged,
        };
        for Volume { source, target } in &wanted.volumes {
            let (source, target) = (expand(source), PathBuf::from(expand(target)));
            if !target.is_absolute() || goes_up(&target) {
                return Err(format!("the volume's path '{}' is not absolute", target.display()));
            }
            let mount = self.mount(&source, target)?;
            if mount.source.starts_with(self.workspace) || mount.source.starts_with(self.beside_workspace()) {
                room.made.push(mount.source.clone());
            }
            room.mounts.push(mount);
        }
        Ok(room)
    }

    /// The directory that belongs to the workspace and is not in it.
    fn beside_workspace(&self) -> PathBuf {
        let mut path = self.workspace.as_os_str().to_owned();
        path.push("@tmp");
        path.into()
    }

    fn mount(&self, source: &str, target: PathBuf) -> Result<Mount, String> {
        let path = Path::new(source);
        let inside = [self.workspace.to_owned(), self.beside_workspace()];
        if !path.is_absolute() || goes_up(path) {
            Err(format!("the volume's path '{source}' is not absolute"))
        } else if inside.iter().any(|root| path.starts_with(root)) {
            Ok(Mount { source: path.to_owned(), target, writable: true })
        } else if SOCKETS.contains(&source) {
            match self.label.guard {
                Some(_) => Ok(Mount { source: self.directory.join(SOCKET), target, writable: true }),
                None => Err(format!("the label '{}' gives no engine to jobs (pools-D31)", self.label.name)),
            }
        } else {
            let granted = self.label.mount_of(source);
            let mount =
                granted.map(|granted| Mount { source: path.to_owned(), target, writable: granted.writable });
            mount.ok_or_else(|| {
                format!(
                    "the label '{}' does not give '{source}' of the host to jobs (pools-D30)",
                    self.label.name
                )
            })
        }
    }

    fn network(&self, wanted: &ContainerNetwork, image: &str) -> Result<NetworkMode, String> {
        let own = &self.label.network;
        let other = match wanted {
            ContainerNetwork::Lease => return Ok(own.clone()),
            ContainerNetwork::None => return Ok(NetworkMode::None),
            ContainerNetwork::Host if self.label.images.host_network.has(image) => {
                return Ok(NetworkMode::Host);
            }
            ContainerNetwork::Host => NetworkMode::Host,
            ContainerNetwork::Named(name) => NetworkMode::Shared(name.clone()),
        };
        if other == *own {
            return Ok(other);
        }
        Err(format!("the label '{}' does not allow this network (pools-D36)", self.label.name))
    }

    fn memory(&self, wanted: Option<u64>) -> Result<Option<u64>, String> {
        match (wanted, self.label.memory_bytes) {
            (Some(wanted), Some(most)) if wanted > most && !self.label.images.clamp_limits => Err(format!(
                "{wanted} bytes of memory are more than the label '{}' has (pools-D34)",
                self.label.name
            )),
            (Some(wanted), Some(most)) => Ok(Some(wanted.min(most))),
            (wanted, _) => Ok(wanted),
        }
    }
}

fn goes_up(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

/// The group takes the place of the user's own (docker-M22).
fn user(user: &str, group: Option<&str>) -> String {
    match group {
        Some(group) => format!("{}:{group}", user.split(':').next().unwrap_or_default()),
        None => user.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::NamePatterns;
    use crate::catalog::recipe::ContainerImage;

    fn wanted() -> BuildContainer {
        BuildContainer::of(ContainerImage::Pull("ci/a".into()), Default::default())
    }

    fn room(label: &LabelDefinition, wanted: &BuildContainer) -> Result<RoomSpec, String> {
        let place = Place { label, directory: Path::new("/n/1"), workspace: Path::new("/n/1/workspace/a") };
        place.room(wanted, "ci/a", "sha256:1".into(), |text| {
            text.replace("$WORKSPACE", "/n/1/workspace/a").replace("$UP", "/n/1/workspace/a/../../..")
        })
    }

    fn label() -> LabelDefinition {
        LabelDefinition {
            memory_bytes: Some(1 << 30),
            guard: Some(Default::default()),
            mounts: vec![Mount { source: "/srv/git".into(), target: "/git".into(), writable: false }],
            ..crate::pool::test_label("l", "p")
        }
    }

    #[test]
    fn docker_m22_the_user_is_never_root_by_itself_and_a_group_takes_the_groups_place() {
        let mut label = label();
        assert_eq!(room(&label, &wanted()).unwrap().user, "1000:1000");
        let grouped = BuildContainer { group: Some("docker".into()), ..wanted() };
        assert_eq!(room(&label, &grouped).unwrap().user, "1000:docker");
        label.user = Some("5:6".into());
        assert_eq!(room(&label, &wanted()).unwrap().user, "5:6");
        label.images.agent_user = Some("7:8".into());
        assert_eq!(room(&label, &wanted()).unwrap().user, "7:8");
    }

    #[test]
    fn docker_m3_paths_are_judged_when_their_variables_are_known() {
        let with = |source: &str, target: &str| {
            let volumes = vec![Volume { source: source.into(), target: target.into() }];
            room(&label(), &BuildContainer { volumes, ..wanted() })
        };
        let cache = with("$WORKSPACE/cache", "/cache").unwrap();
        let made = ["", "@tmp/home", "/cache"].map(|rest| PathBuf::from(format!("/n/1/workspace/a{rest}")));
        assert_eq!(cache.made, made);
        assert!(cache.mounts[0].writable);
        let git = with("/srv/git/core", "/core").unwrap();
        assert!(git.made.len() == 2 && !git.mounts[0].writable);
        assert_eq!(with("/run/docker.sock", "/s").unwrap().mounts[0].source, Path::new("/n/1/docker.sock"));
        for (source, target) in
            [("$UP/etc", "/x"), ("/etc", "/x"), ("x", "/x"), ("$WORKSPACE", "x"), ("/n/1/room", "/x")]
        {
            assert!(with(source, target).is_err(), "{source}");
        }
    }

    #[test]
    fn docker_m3_rights_are_the_labels() {
        let mut label = label();
        let host = BuildContainer { network: ContainerNetwork::Host, ..wanted() };
        let privileged = BuildContainer { privileged: true, ..wanted() };
        let large = BuildContainer { memory_bytes: Some(2 << 30), ..wanted() };
        for refused in [&host, &privileged, &large] {
            assert!(room(&label, refused).is_err());
        }
        let all = NamePatterns::new(["ci/*".to_owned()]);
        label.images.privileged = all.clone();
        label.images.host_network = all;
        label.images.clamp_limits = true;
        assert_eq!(room(&label, &host).unwrap().network, NetworkMode::Host);
        assert!(room(&label, &privileged).unwrap().privileged);
        assert_eq!(room(&label, &large).unwrap().memory_bytes, Some(1 << 30));
    }
}
