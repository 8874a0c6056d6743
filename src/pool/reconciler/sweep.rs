//! What a listing of everything of ours at a provider says about rows and objects (pools-P54 to P58). Pure.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Millis, NodeId, NodeState};
use crate::pool::provider::{Listing, ObservedState};

/// Seen, or not seen, so often in a row, something is believed (pools-P54, P58).
const SWEEPS: u32 = 2;
/// More leaked objects than this at once look like a lost store, not like leaks (pools-P57).
const MOST_LEAKED: usize = 20;
/// A larger share of all objects than this, in hundredths, too (pools-P57) …
const MOST_LEAKED_SHARE: usize = 30;
/// … unless there are so few that a share says nothing: a single leaked object is all that there is on an idle engine.
const FEW: usize = 5;

/// A node's row, as far as a sweep looks at it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) state: NodeState,
    pub(super) since: Millis,
}

/// What earlier sweeps saw at one provider.
#[derive(Debug, Default)]
pub(super) struct Memory {
    leaked: HashMap<NodeId, u32>,
    absent: HashMap<NodeId, u32>,
}

/// What follows from a listing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Objects without a row that are to be taken away, unless there is an alert.
    pub(super) remove: Vec<NodeId>,
    /// Objects without a row, those of `remove` included.
    pub(super) leaked: usize,
    /// Rows whose object is gone.
    pub(super) lost: Vec<NodeId>,
    /// Rows whose object has ended by itself, with the provider's words.
    pub(super) exited: Vec<(NodeId, String)>,
    /// Why nothing is taken away although something should be (pools-P57).
    pub(super) alert: Option<String>,
}

impl Memory {
    /// Judges a listing that began at `began`, by the provider's objects and our rows of this provider.
    pub(super) fn judge(
        &mut self,
        listing: &Listing,
        rows: &HashMap<NodeId, Row>,
        began: Millis,
        grace: Duration,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        for object in &listing.objects {
            let standing = rows.get(&object.node).is_some_and(|row| is_standing(row, began));
            if let (ObservedState::Exited(text), true) = (&object.state, standing) {
                verdict.exited.push((object.node, text.clone()));
            }
        }
        // What an incomplete listing does not show may be there all the same (pools-P55).
        if listing.complete {
            self.find_lost(listing, rows, began, &mut verdict);
            self.find_leaked(listing, rows, began, grace, &mut verdict);
        }
        verdict
    }

    fn find_lost(
        &mut self,
        listing: &Listing,
        rows: &HashMap<NodeId, Row>,
        began: Millis,
        verdict: &mut Verdict,
    ) {
        let seen: std::collections::HashSet<NodeId> =
            listing.objects.iter().map(|object| object.node).collect();
        self.absent.retain(|node, _| rows.contains_key(node) && !seen.contains(node));
        for (node, row) in rows {
            if is_standing(row, began) && !seen.contains(node) {
                let times = self.absent.entry(*node).or_default();
                *times += 1;
                if *times >= SWEEPS {
                    verdict.lost.push(*node);
                }
            }
        }
        verdict.lost.sort();
    }

    fn find_leaked(
        &mut self,
        listing: &Listing,
        rows: &HashMap<NodeId, Row>,
        began: Millis,
        grace: Duration,
        verdict: &mut Verdict,
    ) {
        let strangers: Vec<_> =
            listing.objects.iter().filter(|object| !rows.contains_key(&object.node)).collect();
        self.leaked.retain(|node, _| strangers.iter().any(|object| object.node == *node));
        verdict.leaked = strangers.len();
        for object in strangers {
            let times = self.leaked.entry(object.node).or_default();
            *times = times.saturating_add(1);
            // The node's id has the time of our own clock; the provider's may be hours off.
            let age = began.since(object.node.made_at());
            if *times >= SWEEPS && age >= grace {
                verdict.remove.push(object.node);
            }
        }
        let (count, all) = (verdict.remove.len(), listing.objects.len());
        if count > MOST_LEAKED || (count > FEW && count * 100 > all * MOST_LEAKED_SHARE) {
            verdict.alert = Some(format!(
                "{count} of {all} objects have our mark and no row; none is removed before somebody confirms it"
            ));
        }
    }
}

/// A row whose object must be there, and was before the listing began.
fn is_standing(row: &Row, began: Millis) -> bool {
    matches!(row.state, NodeState::Ready | NodeState::Leased) && row.since < began
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::provider::Observed;

    const GRACE: Duration = Duration::from_secs(120);
    const BEGAN: Millis = Millis(1_000_000);

    fn node(number: u64) -> NodeId {
        NodeId::new(1, number)
    }

    fn object(number: u64, state: ObservedState) -> Observed {
        Observed { node: node(number), external_id: number.to_string(), state }
    }

    /// A running object of a node that was requested so many seconds ago.
    fn aged(number: u64, age: u64) -> Observed {
        let node = NodeId::new(BEGAN.0 - age * 1000, number);
        Observed { node, ..object(number, ObservedState::Running) }
    }

    fn listing(objects: Vec<Observed>) -> Listing {
        Listing { objects, complete: true, unmanaged: 0 }
    }

    fn rows(rows: &[(u64, NodeState)]) -> HashMap<NodeId, Row> {
        let row = |(number, state): &(u64, NodeState)| {
            (node(*number), Row { state: *state, since: Millis(BEGAN.0 - 1) })
        };
        rows.iter().map(row).collect()
    }

    #[test]
    fn pools_p54_an_object_without_row_goes_when_seen_twice_and_old_enough() {
        let mut memory = Memory::default();
        let old = listing(vec![aged(1, 121), aged(2, 119)]);
        let first = memory.judge(&old, &rows(&[]), BEGAN, GRACE);
        assert_eq!((first.leaked, first.remove.len()), (2, 0));
        let second = memory.judge(&old, &rows(&[]), BEGAN, GRACE);
        assert_eq!(second.remove, [aged(1, 121).node]);
        memory.judge(&listing(vec![]), &rows(&[]), BEGAN, GRACE);
        assert!(memory.judge(&old, &rows(&[]), BEGAN, GRACE).remove.is_empty(), "not two in a row");
    }

    #[test]
    fn pools_p54_whatever_has_a_row_is_no_leak() {
        let mut memory = Memory::default();
        let old = listing(vec![object(1, ObservedState::Created)]);
        for _ in 0..3 {
            for state in NodeState::ALL {
                assert_eq!(memory.judge(&old, &rows(&[(1, state)]), BEGAN, GRACE).leaked, 0);
            }
        }
    }

    #[test]
    fn pools_p55_an_incomplete_listing_concludes_nothing() {
        let mut memory = Memory::default();
        let mut partial = listing(vec![object(1, ObservedState::Running)]);
        partial.complete = false;
        for _ in 0..5 {
            let verdict = memory.judge(&partial, &rows(&[(2, NodeState::Leased)]), BEGAN, GRACE);
            assert_eq!(verdict, Verdict::default());
        }
    }

    #[test]
    fn pools_p57_a_sweep_that_would_remove_much_removes_nothing() {
        let mut memory = Memory::default();
        let many = listing((0..21).map(|number| object(number, ObservedState::Running)).collect());
        memory.judge(&many, &rows(&[]), BEGAN, GRACE);
        let verdict = memory.judge(&many, &rows(&[]), BEGAN, GRACE);
        assert!(verdict.alert.is_some());
        let mut memory = Memory::default();
        let few = listing((0..3).map(|number| object(number, ObservedState::Running)).collect());
        memory.judge(&few, &rows(&[]), BEGAN, GRACE);
        let verdict = memory.judge(&few, &rows(&[]), BEGAN, GRACE);
        assert_eq!((verdict.alert, verdict.remove.len()), (None, 3));
    }

    #[test]
    fn pools_p58_a_row_whose_object_is_absent_twice_in_a_row_is_lost() {
        let mut memory = Memory::default();
        let mut known = rows(&[(1, NodeState::Leased), (2, NodeState::Ready), (3, NodeState::Creating)]);
        known.insert(node(4), Row { state: NodeState::Ready, since: BEGAN });
        let there = listing(vec![object(2, ObservedState::Running)]);
        assert!(memory.judge(&there, &known, BEGAN, GRACE).lost.is_empty());
        let verdict = memory.judge(&there, &known, BEGAN, GRACE);
        assert_eq!(verdict.lost, [node(1)], "nodes in the making and younger ones are not judged");
    }

    #[test]
    fn an_object_that_ended_by_itself_is_told() {
        let gone = listing(vec![object(1, ObservedState::Exited("code 137".to_owned()))]);
        let verdict = Memory::default().judge(&gone, &rows(&[(1, NodeState::Leased)]), BEGAN, GRACE);
        assert_eq!(verdict.exited, [(node(1), "code 137".to_owned())]);
    }
}
