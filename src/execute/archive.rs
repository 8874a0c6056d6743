//! The `archive` publisher: files of the workspace that are kept (jjb section 23, pools-12.11).

use std::path::Path;

use bytes::Bytes;

use super::run::Trouble;
use super::session::Session;
use super::steps::Steps;
use super::verdict::Verdict;
use crate::artifact::{ArtifactError, ArtifactWriter, Selected, Selection};
use crate::catalog::recipe::Archive;
use crate::keeper::{Entry, Keeper, KeeperError, RefusalCode};
use crate::model::{Cause, Millis, ResultWord};
use crate::sys::failpoint;

/// Entries of a workspace that are looked at; a build that leaves more has its archive refused, not its node's memory filled.
const ENTRIES_MAX: u64 = 1_000_000;
/// Refusals that are named one by one in the console.
const NAMED_MAX: usize = 20;

/// The files of one build, over all of its publishers. They appear together at the end (pools-D74).
#[derive(Default)]
pub(super) struct Collection {
    writer: Option<ArtifactWriter>,
}

/// Why a file was not kept.
enum Missed {
    Node(Trouble),
    Storage(ArtifactError),
    Keeper(KeeperError),
}

impl Collection {
    /// Collects what one publisher selects.
    ///
    /// # Errors
    /// When the node is lost.
    pub async fn collect(
        &mut self,
        steps: &Steps<'_>,
        wanted: &Archive,
        verdict: &mut Verdict,
    ) -> Result<(), Trouble> {
        if wanted.only_if_success && verdict.word() != ResultWord::Success {
            steps.say("Skipped archiving because the build is not successful\n").await;
            return Ok(());
        }
        steps.say("Archiving artifacts\n").await;
        let patterns = steps.expand(&wanted.artifacts);
        let selection = Selection::new(
            &patterns,
            &steps.expand(&wanted.excludes),
            wanted.default_excludes,
            wanted.case_sensitive,
        );
        let workspace = steps.workspace_below_node();
        let selected = list(steps.session(), &workspace, &selection).await?;
        for refused in selected.refused.iter().take(NAMED_MAX) {
            steps.say(&format!("Not archived: {}: {}\n", refused.path, refused.reason)).await;
        }
        if selected.files.is_empty() && !wanted.allow_empty {
            let detail = format!("no file matches '{patterns}'");
            fail(steps, verdict, detail).await;
        }
        for entry in &selected.files {
            if !self.keep(steps, &workspace, entry, verdict).await? {
                break;
            }
        }
        Ok(())
    }

    /// Keeps one file; `false` when no further one will be kept.
    async fn keep(
        &mut self,
        steps: &Steps<'_>,
        workspace: &Path,
        entry: &Entry,
        verdict: &mut Verdict,
    ) -> Result<bool, Trouble> {
        if self.writer.is_none() {
            match steps.context().artifacts.further(steps.record().id).await {
                Ok(writer) => self.writer = Some(writer),
                Err(problem) => {
                    fail(steps, verdict, problem.to_string()).await;
                    return Ok(false);
                }
            }
        }
        let Some(writer) = &mut self.writer else { return Ok(false) };
        let name = String::from_utf8_lossy(&entry.path).into_owned();
        match copy(steps.session(), writer, workspace, entry).await {
            Ok(()) => Ok(true),
            Err(Missed::Node(trouble)) => Err(trouble),
            Err(Missed::Keeper(problem)) => {
                // A step that was swept a moment ago may have removed it.
                steps.say(&format!("Not archived: {name}: {problem}\n")).await;
                Ok(true)
            }
            Err(Missed::Storage(problem)) => {
                let ends = problem.ends_collection();
                fail(steps, verdict, format!("{name}: {problem}")).await;
                Ok(!ends)
            }
        }
    }

    /// Puts everything in its place. Called before the build's end is told.
    pub async fn commit(self, steps: &Steps<'_>, verdict: &mut Verdict) {
        let Some(writer) = self.writer else { return };
        if let Err(problem) = writer.commit().await {
            fail(steps, verdict, problem.to_string()).await;
        }
    }
}

/// A build that is worse than UNSTABLE already stays as it is (jjb section 23).
async fn fail(steps: &Steps<'_>, verdict: &mut Verdict, detail: String) {
    let detail = steps.secrets().masks.hide(&detail);
    steps.say(&format!("Archiving artifacts: {detail}\n")).await;
    verdict.worsen(ResultWord::Failure, Cause::Publisher { name: "archive".into(), detail });
}

/// What the patterns select below the workspace; a workspace that is gone has nothing (pools-D1).
pub(super) async fn list(
    session: &Session,
    workspace: &Path,
    selection: &Selection,
) -> Result<Selected, Trouble> {
    let look = |keeper: Keeper| async move {
        let mut selected = Selected::default();
        let mut listing = match keeper.list_files(workspace, ENTRIES_MAX).await {
            Err(KeeperError::Refused(refusal)) if refusal.code == RefusalCode::NotFound => {
                return Ok(selected);
            }
            other => other?,
        };
        loop {
            match listing.next().await {
                Ok(Some(entries)) => entries.into_iter().for_each(|entry| selected.look_at(selection, entry)),
                Ok(None) => return Ok(selected),
                Err(KeeperError::Refused(refusal)) if refusal.code == RefusalCode::NotFound => {
                    return Ok(selected);
                }
                Err(problem) => return Err(problem),
            }
        }
    };
    Ok(session.with_keeper(look).await?)
}

/// Copies one file, from its beginning again when the stream breaks.
async fn copy(
    session: &Session,
    writer: &mut ArtifactWriter,
    workspace: &Path,
    entry: &Entry,
) -> Result<(), Missed> {
    let path = workspace.join(String::from_utf8_lossy(&entry.path).as_ref());
    loop {
        let keeper = session.lease().keeper().await.map_err(|failure| Missed::Node(failure.into()))?;
        let mut file = match writer.begin(&entry.path, entry.size, Millis(entry.modified_at)).await {
            // Another publisher of this build has kept it already.
            Err(ArtifactError::Storage(error)) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Ok(());
            }
            other => other.map_err(Missed::Storage)?,
        };
        let copied: Result<(), KeeperError> = async {
            let mut reader = keeper.get_file(&path).await?;
            while let Some(bytes) = reader.next().await? {
                let bytes: Bytes = bytes;
                if let Err(problem) = file.write(bytes).await {
                    return Err(KeeperError::Source(problem.to_string()));
                }
            }
            Ok(())
        }
        .await;
        match copied {
            Ok(()) => {
                failpoint::hit("in-archive");
                return file.finish().await.map_err(Missed::Storage);
            }
            Err(problem) if problem.is_retryable() => {}
            Err(problem) => return Err(Missed::Keeper(problem)),
        }
    }
}
