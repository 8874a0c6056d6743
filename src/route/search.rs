//! Looking for a build whose trigger's answer was lost (jenkins-rest 7.3): a pure function of what the master shows.

use crate::jenkins::wire::{Place, QueueId, RecentBuild, WaitingItem};
use crate::model::MasterStep;

/// What is looked for.
pub(super) struct Wanted<'a> {
    /// The job.
    pub job: Place,
    /// The parameter that only this build has.
    pub mark: Option<&'a (String, String)>,
    /// Items up to this one were there before.
    pub items_before: u64,
    /// The parameters that the job defines, as they were sent: without a mark, an equal item is as good as ours.
    pub sent: &'a [(String, String)],
}

impl Wanted<'_> {
    fn is(&self, item: Option<QueueId>, parameters: &[(String, String)]) -> bool {
        match self.mark {
            Some(mark) => parameters.contains(mark),
            None => {
                item.is_some_and(|item| item.0 > self.items_before)
                    && self.sent.iter().all(|sent| parameters.contains(sent))
            }
        }
    }

    /// What became of the trigger: an item that waits, or a build. Of several the oldest. `held`: another build of ours has this item.
    ///
    /// The queue has to be asked before the builds: what leaves it in between is then seen as a build.
    pub fn found(
        &self,
        queue: &[WaitingItem],
        recent: &[RecentBuild],
        held: impl Fn(QueueId) -> bool,
    ) -> Option<MasterStep> {
        let builds = recent
            .iter()
            .rev()
            .filter(|build| !build.queue_id.is_some_and(&held) && self.is(build.queue_id, &build.parameters));
        let started = builds
            .map(|build| MasterStep::Started { item: build.queue_id.map(|id| id.0), number: build.number });
        let mut items: Vec<&WaitingItem> = queue
            .iter()
            .filter(|item| item.job.as_ref() == Some(&self.job) && !held(item.id))
            .filter(|item| self.is(Some(item.id), &item.parameters))
            .collect();
        items.sort_by_key(|item| item.id);
        let queued = items.into_iter().map(|item| MasterStep::Queued { item: item.id.0 });
        started.chain(queued).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn place() -> Place {
        Place::of(&"unit".parse().unwrap())
    }

    fn item(id: u64, uuid: &str) -> WaitingItem {
        WaitingItem { id: QueueId(id), why: None, job: Some(place()), parameters: vec![pair("U", uuid)] }
    }

    fn build(number: u64, id: u64, uuid: &str) -> RecentBuild {
        RecentBuild { number, queue_id: Some(QueueId(id)), parameters: vec![pair("U", uuid)] }
    }

    #[test]
    fn jenkins_7_3_a_marked_build_is_found_wherever_it_is() {
        let mark = pair("U", "mine");
        let wanted = Wanted { job: place(), mark: Some(&mark), items_before: 0, sent: &[] };
        let none = |_| false;
        assert_eq!(wanted.found(&[item(1, "other")], &[build(9, 0, "other")], none), None);
        assert_eq!(wanted.found(&[item(2, "mine")], &[], none), Some(MasterStep::Queued { item: 2 }));
        let started = MasterStep::Started { item: Some(2), number: 10 };
        assert_eq!(wanted.found(&[], &[build(10, 2, "mine")], none), Some(started));
        assert_eq!(
            wanted.found(&[item(2, "mine")], &[], |id| id == QueueId(2)),
            None,
            "another build has it"
        );
    }

    #[test]
    fn jenkins_3_2_without_a_mark_what_was_there_before_is_not_ours() {
        let sent = [pair("U", "x")];
        let wanted = Wanted { job: place(), mark: None, items_before: 5, sent: &sent };
        assert_eq!(wanted.found(&[item(5, "x")], &[build(1, 4, "x")], |_| false), None);
        assert_eq!(
            wanted.found(&[item(7, "x"), item(6, "x")], &[], |_| false),
            Some(MasterStep::Queued { item: 6 })
        );
        assert_eq!(wanted.found(&[item(6, "y")], &[], |_| false), None, "other parameters");
        let taken = |id| id == QueueId(6);
        assert_eq!(
            wanted.found(&[item(7, "x"), item(6, "x")], &[], taken),
            Some(MasterStep::Queued { item: 7 })
        );
    }
}
