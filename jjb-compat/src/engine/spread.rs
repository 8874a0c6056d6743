//! Work over several threads, results in order.

use std::cmp::Reverse;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Stack of the threads that walk trees: nesting is bounded, and so is what this holds.
pub(super) const STACK: usize = 256 << 20;

/// Pieces that a thread takes at a time: many, so that it seldom asks, but few of all, so that the threads end together.
fn chunk(count: usize, threads: usize) -> usize {
    (count / (threads * 16)).clamp(1, 8)
}

/// Does `count` pieces of work. Each thread makes a worker of its own first.
pub(super) fn spread<W, T: Send>(
    threads: usize,
    count: usize,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&W, usize) -> T + Sync,
) -> Vec<T> {
    let chunk = chunk(count, threads);
    if threads <= 1 || count <= chunk {
        let own = worker();
        return (0..count).map(|index| work(&own, index)).collect();
    }
    share_out(threads, count, chunk, worker, |own, index| (index, work(own, index)))
}

/// Does a piece of work for each weight, the heaviest first: one that came last would be waited for by all other threads.
pub(super) fn spread_heavy<W, T: Send>(
    threads: usize,
    weights: &[usize],
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&W, usize) -> T + Sync,
) -> Vec<T> {
    if threads <= 1 || weights.len() <= 1 {
        return spread(threads, weights.len(), worker, work);
    }
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&index| Reverse(weights[index]));
    share_out(threads, order.len(), 1, worker, |own, at| (order[at], work(own, order[at])))
}

/// Gives pieces out, and the results in the order of the numbers that come with them.
fn share_out<W, T: Send>(
    threads: usize,
    count: usize,
    chunk: usize,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&W, usize) -> (usize, T) + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let run = || {
        let own = worker();
        let mut done = Vec::new();
        loop {
            let start = next.fetch_add(chunk, Ordering::Relaxed);
            if start >= count {
                return done;
            }
            done.extend((start..count.min(start + chunk)).map(|at| work(&own, at)));
        }
    };
    let mut done = thread::scope(|scope| {
        let more = threads.min(count.div_ceil(chunk)) - 1;
        // A thread that cannot be started leaves its work to the others.
        let others: Vec<_> = (0..more)
            .filter_map(|_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run).ok())
            .collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_pieces_whatever_was_done_first() {
        let weights: Vec<usize> = (0..100).map(|index| index * 37 % 100).collect();
        for threads in [1, 2, 5] {
            let done = spread_heavy(threads, &weights, || (), |(), index| weights[index]);
            assert_eq!(done, weights);
            assert_eq!(spread(threads, 100, || (), |(), index| index), (0..100).collect::<Vec<_>>());
        }
    }
}
