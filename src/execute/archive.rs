//! The `archive` publisher: files of the workspace that are kept (jjb section 23, pools-12.11).

use super::run::Trouble;
use super::steps::Steps;
use super::verdict::Verdict;
use crate::catalog::recipe::Archive;
use crate::model::{Cause, ResultWord};

/// Collects what the patterns select.
///
/// # Errors
/// When the node is lost.
pub(super) async fn collect(
    steps: &Steps<'_>,
    wanted: &Archive,
    verdict: &mut Verdict,
) -> Result<(), Trouble> {
    if wanted.only_if_success && verdict.word() != ResultWord::Success {
        return Ok(());
    }
    let (record, session) = (steps.record(), steps.session());
    let patterns = steps.expand(&wanted.artifacts);
    steps
        .say(&format!(
            "Artifacts '{patterns}' of {} are not collected on {} yet\n",
            record.request.job,
            session.lease().node()
        ))
        .await;
    let detail = "collecting artifacts is not possible yet".to_owned();
    verdict.worsen(ResultWord::Failure, Cause::Publisher { name: "archive".into(), detail });
    Ok(())
}
