//! The `ssh-agent-credentials` wrapper (jjb 23): an agent with keys for the steps. It is a process on the node like any that a step
//! leaves behind, and ends with them, before the publishers (jjb-T3, T14). Needs `ssh-agent` and `ssh-add` in the image.

use super::ending::judge;
use super::limits::Span;
use super::order::AGENT;
use super::run::Trouble;
use super::secrets::AGENT_KEYS;
use super::steps::Steps;
use super::stop::StopWatch;
use super::verdict::Effect;
use crate::catalog::recipe::{Place, ShellStep};
use crate::model::BuildId;

/// Where clients find the agent.
pub(super) const SOCKET: &str = "SSH_AUTH_SOCK";

/// The agent's socket. Below `/tmp`, since such a path may only have some hundred bytes.
pub(super) fn socket(build: BuildId) -> String {
    format!("/tmp/causeway-agent-{build}")
}

/// Starts the agent and hands it each key; the keys' files are gone before the first builder.
const SCRIPT: &str = r#"
set -eu
ssh-agent -a "$SSH_AUTH_SOCK" >/dev/null
for key in "KEYS"/*; do
    ssh-add "$key" 2>&1
done
"#;

impl Steps<'_> {
    /// Starts the agent, where the job has one; one that cannot be started ends the build (jjb-T1).
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn start_agent(&self, span: Span, stop: &mut StopWatch) -> Result<Option<Effect>, Trouble> {
        if self.recipe().ssh_agent.is_empty() {
            return Ok(None);
        }
        let shell = ShellStep {
            interpreter: vec!["/bin/sh".to_owned()],
            script: SCRIPT.replace("KEYS", &format!("{}/{AGENT_KEYS}", self.secrets_directory())),
            unstable_return: None,
            place: Place::default(),
        };
        let title = "step 0 (ssh agent)";
        let end = self.script(AGENT, title, &shell, span, stop).await?;
        self.remove_secret(AGENT_KEYS).await?;
        Ok(judge(&end, title, None, span.limits))
    }
}
