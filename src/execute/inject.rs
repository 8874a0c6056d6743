//! The `inject` builder and wrapper (jjb 23): variables for all steps that follow.
//!
//! What was injected is kept beside the workspace before it is used, so that a build goes on with the same values after a restart,
//! whatever the job has made of its file since.

use std::path::{Component, Path};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ending::judge;
use super::limits::Span;
use super::order::Placed;
use super::run::Trouble;
use super::secrets::FILE_MODE;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::catalog::properties;
use crate::catalog::recipe::Inject;
use crate::keeper::wire::RefusalCode;
use crate::keeper::{Keeper, KeeperError};
use crate::model::{Cause, ResultWord, StepEnd, StepState};

/// Bytes of a file with variables: more is none.
const FILE_MAX: usize = 1024 * 1024;

/// Why a file of the workspace cannot be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// There is none.
    Missing,
    /// It is no file, too large, or lies elsewhere.
    Refused(String),
}

/// What is kept of one step.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    variables: Vec<(String, String)>,
}

impl Steps<'_> {
    /// Sets the variables, then runs the script.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn inject(
        &self,
        placed: &Placed<'_>,
        inject: &Inject,
        span: Span,
        stop: &mut StopWatch,
    ) -> Result<Option<Effect>, Trouble> {
        let index = placed.index;
        let title = format!("step {index} (inject)");
        match self.injected(index, inject).await? {
            Ok(variables) => self.set_variables(variables),
            Err(reason) => {
                self.say(&format!("inject: {reason}\n")).await;
                let cause = Cause::Publisher { name: "inject".to_owned(), detail: reason };
                return Ok(Some(Effect::of(ResultWord::Failure, cause)));
            }
        }
        for (script_index, script) in &placed.scripts {
            let title = format!("step {script_index} (inject's script)");
            let end = self.script(*script_index, &title, script, span, stop).await?;
            if let Some(effect) = judge(&end, &title, None, span.limits) {
                return Ok(Some(effect));
            }
        }
        if !matches!(self.recorded(index).map(|step| &step.state), Some(StepState::Ended { .. })) {
            if self.recorded(index).is_none() {
                self.announce(index, &title).await?;
            }
            self.ended(index, StepEnd::Exit(0)).await?;
        }
        Ok(None)
    }

    /// The variables of a step: those that were kept, or what the job has now; or why there are none.
    async fn injected(
        &self,
        index: u32,
        inject: &Inject,
    ) -> Result<Result<Vec<(String, String)>, String>, Trouble> {
        let path = self.beside_workspace(&format!("injected/{index}"));
        if let Ok(bytes) = self.read_node_file(&path).await? {
            let kept: Kept = serde_json::from_slice(&bytes).unwrap_or_default();
            return Ok(Ok(kept.variables));
        }
        let mut pairs = Vec::new();
        if let Some(file) = &inject.file {
            let file = self.expand(file);
            match self.properties_file(&file).await? {
                Ok(read) => pairs.extend(read),
                Err(Unread::Missing) => return Ok(Err(format!("there is no file '{file}'"))),
                Err(Unread::Refused(reason)) => return Ok(Err(reason)),
            }
        }
        pairs.extend(inject.variables.iter().cloned());
        let mut variables: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            // A value may name one that comes before it.
            let value = self.expand_with(&value, &variables);
            variables.retain(|(known, _)| *known != name);
            variables.push((name, value));
        }
        let kept = Kept { variables };
        let text = serde_json::to_vec(&kept).unwrap_or_default();
        let put = |keeper: Keeper| {
            let (path, text) = (&path, &text);
            async move { keeper.put_file(path, FILE_MODE, &text[..]).await }
        };
        self.session().with_keeper(put).await?;
        Ok(Ok(kept.variables))
    }

    /// Reads lines of `NAME=VALUE` in a file of the workspace.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn properties_file(
        &self,
        path: &str,
    ) -> Result<Result<Vec<(String, String)>, Unread>, Trouble> {
        let below = match self.file_of_workspace(path) {
            Ok(below) => below,
            Err(reason) => return Ok(Err(Unread::Refused(reason))),
        };
        let bytes = self.read_node_file(&below).await?;
        Ok(bytes.map(|bytes| properties::read(&String::from_utf8_lossy(&bytes))))
    }

    /// A path as a job writes it, relative to the node's directory.
    ///
    /// # Errors
    /// The reason, when it does not lie in the workspace.
    pub fn file_of_workspace(&self, path: &str) -> Result<std::path::PathBuf, String> {
        let asked = Path::new(path);
        let below = match asked.is_absolute() {
            true => asked.strip_prefix(self.workspace()).ok(),
            false => Some(asked),
        };
        let inside = |below: &&Path| !below.components().any(|part| matches!(part, Component::ParentDir));
        match below.filter(inside) {
            Some(below) => Ok(self.workspace_below_node().join(below)),
            None => Err(format!("'{path}' does not lie in the workspace")),
        }
    }

    /// A small file of the node.
    async fn read_node_file(&self, path: &Path) -> Result<Result<Vec<u8>, Unread>, Trouble> {
        let read = |keeper: Keeper| async move {
            let whole = async {
                let mut reader = keeper.get_file(path).await?;
                let mut whole = Vec::new();
                while let Some(bytes) = reader.next().await? {
                    let bytes: Bytes = bytes;
                    whole.extend_from_slice(&bytes);
                    if whole.len() > FILE_MAX {
                        let text = format!("'{}' has more than {FILE_MAX} bytes", path.display());
                        return Ok(Err(Unread::Refused(text)));
                    }
                }
                Ok(Ok(whole))
            };
            match whole.await {
                Err(KeeperError::Refused(refusal)) if refusal.code == RefusalCode::NotFound => {
                    Ok(Err(Unread::Missing))
                }
                Err(KeeperError::Refused(refusal)) => {
                    Ok(Err(Unread::Refused(format!("'{}': {}", path.display(), refusal.text))))
                }
                other => other,
            }
        };
        Ok(self.session().with_keeper(read).await?)
    }
}
