//! Property `build-discarder`, and the job's key `logrotate`: how long builds are kept. All default to -1, for ever.

use jjb_compat::{Component, Node};

use super::options::{Options, text};
use super::scope::Scope;
use crate::catalog::recipe::Retention;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Retention {
    let mut options = Options::of(scope, component);
    let retention = Retention {
        days: limit(options.whole("days-to-keep")),
        builds: limit(options.whole("num-to-keep")),
        artifact_days: limit(options.whole("artifact-days-to-keep")),
        artifact_builds: limit(options.whole("artifact-num-to-keep")),
    };
    options.close();
    retention
}

/// The older form, a key of the job.
pub(super) fn logrotate(node: &Node) -> Retention {
    let number = |key| limit(node.get(key).and_then(|node| text(node).trim().parse().ok()));
    Retention {
        days: number("daysToKeep"),
        builds: number("numToKeep"),
        artifact_days: number("artifactDaysToKeep"),
        artifact_builds: number("artifactNumToKeep"),
    }
}

/// Jenkins takes zero and less for no limit.
fn limit(number: Option<i64>) -> Option<u32> {
    number.filter(|number| *number > 0).and_then(|number| u32::try_from(number).ok())
}
