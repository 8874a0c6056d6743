//! What an image is built from, ready for the engine: variables replaced, paths below the workspace, nothing secret among the arguments.

use std::path::{Component, Path, PathBuf};

use super::engine_step::Failed;
use super::run::Trouble;
use super::steps::Steps;
use crate::catalog::recipe::{ImageNames, ImageSource};
use crate::image::{BuildFailure, BuildSpec, Built, Login, Reference, Workshop, bytes_of};
use crate::model::{MemoryUse, StepEnd};

/// Lines of a build that wait to be written.
const LINES: usize = 64;

impl Steps<'_> {
    /// The build that a source asks for.
    ///
    /// # Errors
    /// What is refused before anything is sent.
    pub fn build_spec(
        &self,
        source: &ImageSource,
        login: Option<(String, Login)>,
    ) -> Result<BuildSpec, String> {
        let context = self.below_workspace(&source.context)?;
        let dockerfile = match &source.dockerfile {
            Some(path) => self.below_workspace(path)?,
            None => context.join("Dockerfile"),
        };
        let mut arguments = Vec::new();
        for argument in &source.words.arguments {
            let name = self.expand(&argument.name);
            // Without a value it is the build's variable of that name, if there is one.
            let value = match &argument.value {
                Some(value) => Some(self.expand(value)),
                None => self.variable(&name),
            };
            if let Some(value) = value {
                if self.secrets().masks.found_in(&value) {
                    return Err(format!(
                        "the build argument '{name}' holds a secret, which would stand in the image's history (docker-M15)"
                    ));
                }
                arguments.push((name, value));
            }
        }
        let labels = source.words.labels.iter().map(|label| {
            let label = self.expand(label);
            let (name, value) = label.split_once('=').unwrap_or((&label, ""));
            (name.to_owned(), value.to_owned())
        });
        let labels: Vec<(String, String)> = labels.collect();
        if let Some((name, _)) = labels.iter().find(|(name, _)| name.starts_with("causeway.")) {
            return Err(format!("labels that begin with 'causeway.' are Causeway's own: '{name}'"));
        }
        let change = self.record().request.change();
        let job = self.record().request.job.to_string();
        Ok(BuildSpec {
            context,
            dockerfile,
            arguments,
            labels,
            target: source.words.target.as_deref().map(|target| self.expand(target)),
            no_cache: source.no_cache,
            pull: source.words.pull,
            memory_bytes: self.memory(source.words.memory.as_deref())?,
            scope: if change.project.is_empty() { job } else { change.project },
            login,
        })
    }

    /// At most what the label has.
    fn memory(&self, wanted: Option<&str>) -> Result<Option<u64>, String> {
        let Some(wanted) = wanted else { return Ok(None) };
        let text = self.expand(wanted);
        let bytes = bytes_of(&text).ok_or_else(|| format!("'{text}' is not a size"))?;
        let label = self.session().lease().label();
        match label.memory_bytes {
            Some(most) if bytes > most && !label.images.clamp_limits => Err(format!(
                "{bytes} bytes of memory are more than the label '{}' has (pools-D34)",
                label.name
            )),
            Some(most) => Ok(Some(bytes.min(most))),
            None => Ok(Some(bytes)),
        }
    }

    /// A path of the job's, relative to the directory of the node's workspaces; empty: the workspace.
    fn below_workspace(&self, path: &str) -> Result<PathBuf, String> {
        let expanded = self.expand(path);
        let workspace = Path::new(self.workspace());
        let outside = || {
            format!(
                "'{path}' is '{expanded}', which is not below the workspace; nothing else is sent to the engine (docker-M11)"
            )
        };
        let path = Path::new(&expanded);
        let path =
            if path.is_absolute() { path.strip_prefix(workspace).map_err(|_| outside())? } else { path };
        let mut below = PathBuf::from(workspace.file_name().unwrap_or_default());
        let mut depth = 0;
        for part in path.components() {
            match part {
                Component::Normal(name) => {
                    below.push(name);
                    depth += 1;
                }
                Component::CurDir => {}
                Component::ParentDir if depth > 0 => {
                    below.pop();
                    depth -= 1;
                }
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(outside()),
            }
        }
        Ok(below)
    }

    /// Builds, and writes down what the engine says as it comes.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn built(
        &self,
        workshop: &dyn Workshop,
        spec: &BuildSpec,
    ) -> Result<Result<Built, Failed>, Trouble> {
        let (log, mut lines) = tokio::sync::mpsc::channel::<String>(LINES);
        let build = async {
            let built = workshop.build(spec, &log).await;
            drop(log);
            built
        };
        let written = async {
            while let Some(line) = lines.recv().await {
                self.say(&line).await;
            }
        };
        let (built, ()) = tokio::join!(build, written);
        match built {
            Ok(built) => {
                self.say(&format!("Built {}\n", built.id)).await;
                Ok(Ok(built))
            }
            Err(BuildFailure::Engine(text)) => Err(Trouble::Infrastructure(text)),
            Err(BuildFailure::Memory(text)) => {
                Ok(Err(Failed { end: StepEnd::Memory(MemoryUse::default()), detail: text }))
            }
            Err(BuildFailure::Failed { code, text }) => {
                Ok(Err(Failed { end: StepEnd::Exit(code.unwrap_or(1)), detail: text }))
            }
            Err(BuildFailure::Refused(text)) => Ok(Err(Failed::because(text))),
        }
    }

    /// The names of an image, in the order in which they are pushed (docker-M6, M34).
    ///
    /// # Errors
    /// A text that is no name.
    pub fn image_names(&self, names: &ImageNames, further: &[String]) -> Result<Vec<Reference>, String> {
        let mut all = Vec::new();
        let mut add = |text: &str| {
            let name = Reference::parse(text).map_err(|error| error.to_string())?;
            if !all.contains(&name) {
                all.push(name);
            }
            Ok::<(), String>(())
        };
        match names {
            ImageNames::Repository { name, tags, latest } => {
                let (name, tags) = (self.expand(name), self.expand(tags));
                if tags.is_empty() {
                    add(&name)?;
                } else {
                    tags.split(',').try_for_each(|tag| add(&format!("{name}:{}", tag.trim())))?;
                    if *latest {
                        add(&format!("{name}:latest"))?;
                    }
                }
            }
            ImageNames::References(lines) => {
                self.expand(lines)
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .try_for_each(&mut add)?;
            }
        }
        further.iter().try_for_each(|name| add(&self.expand(name)))?;
        Ok(all)
    }
}
