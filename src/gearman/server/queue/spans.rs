//! A set of functions as spans of consecutive numbers.
//!
//! Names get their numbers in the order in which the first worker registers them, and the other executors of a master register
//! the same ones in the same order. So the set of each is a span or two while it registers, where a list of numbers took eight
//! kilobytes and a push for each.

/// Sorted spans, each with its first number and the one behind its last; no two of them touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans {
    spans: Vec<(u32, u32)>,
    len: usize,
}

impl Spans {
    /// The set of these numbers, which are sorted.
    pub(super) fn of(numbers: &[u32]) -> Self {
        let mut set = Self::default();
        for number in numbers {
            set.insert(*number);
        }
        set
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many spans begin at the number or before it.
    fn begun(&self, number: u32) -> usize {
        // The last span is the common case.
        match self.spans.last() {
            Some(last) if last.0 > number => self.spans.partition_point(|span| span.0 <= number),
            _ => self.spans.len(),
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        let begun = self.begun(number);
        begun > 0 && number < self.spans[begun - 1].1
    }

    /// Adds a number; false when it is there already.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let next = self.begun(number);
        if next > 0 && number < self.spans[next - 1].1 {
            return false;
        }
        self.len += 1;
        let joins_before = next > 0 && self.spans[next - 1].1 == number;
        let joins_next = self.spans.get(next).is_some_and(|span| span.0 == number + 1);
        match (joins_before, joins_next) {
            (true, true) => {
                self.spans[next - 1].1 = self.spans[next].1;
                self.spans.remove(next);
            }
            (true, false) => self.spans[next - 1].1 = number + 1,
            (false, true) => self.spans[next].0 = number,
            (false, false) => self.spans.insert(next, (number, number + 1)),
        }
        true
    }

    /// Takes a number away; false when it is not there.
    pub(super) fn remove(&mut self, number: u32) -> bool {
        if !self.contains(number) {
            return false;
        }
        self.len -= 1;
        let at = self.begun(number) - 1;
        let (first, end) = self.spans[at];
        match (first == number, end == number + 1) {
            (true, true) => {
                self.spans.remove(at);
            }
            (true, false) => self.spans[at].0 = number + 1,
            (false, true) => self.spans[at].1 = number,
            (false, false) => {
                self.spans[at].1 = number;
                self.spans.insert(at + 1, (number + 1, end));
            }
        }
        true
    }

    /// The numbers, sorted.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.spans.iter().flat_map(|(first, end)| *first..*end)
    }

    /// The spans as they are kept: equal sets have equal ones.
    pub(super) fn as_slice(&self) -> &[(u32, u32)] {
        &self.spans
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_are_a_set_and_never_touch(steps in proptest::collection::vec((any::<bool>(), 0_u32..24), 0..80)) {
            let (mut spans, mut plain) = (Spans::default(), BTreeSet::new());
            for (adds, number) in steps {
                prop_assert_eq!(spans.contains(number), plain.contains(&number));
                match adds {
                    true => prop_assert_eq!(spans.insert(number), plain.insert(number)),
                    false => prop_assert_eq!(spans.remove(number), plain.remove(&number)),
                }
                let numbers: Vec<u32> = plain.iter().copied().collect();
                prop_assert_eq!(spans.iter().collect::<Vec<_>>(), numbers.clone());
                prop_assert_eq!((spans.len(), spans.is_empty()), (plain.len(), plain.is_empty()));
                prop_assert!(spans.as_slice().windows(2).all(|pair| pair[0].1 < pair[1].0));
                prop_assert_eq!(&Spans::of(&numbers), &spans);
            }
        }
    }

    #[test]
    fn what_executors_register_in_the_same_order_is_one_span() {
        let numbers: Vec<u32> = (5..2_005).collect();
        assert_eq!(Spans::of(&numbers).as_slice(), [(5, 2_005)]);
    }
}
