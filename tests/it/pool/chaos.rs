//! Everything goes wrong in an order that a seed gives; then nothing does any more, and everything has to come right.

use std::time::Duration;

use causeway::model::BuildId;
use causeway::pool::{Lease, Ticket};
use causeway::provider::fake::{Fault, Script};
use tokio::time::{sleep, timeout};

use super::bench::{Bench, config, label};

const LIMIT: u32 = 8;
const FAULTS: [Fault; 9] = [
    Fault::Quota,
    Fault::Transient,
    Fault::LoseAnswer,
    Fault::LoseRequest,
    Fault::Late(1),
    Fault::NeverBoot,
    Fault::WrongNode,
    Fault::EndAtStart,
    Fault::Permanent,
];

/// Numbers that a seed gives (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn pick<T>(&mut self, of: &mut Vec<T>) -> Option<T> {
        let at = self.below(of.len().max(1) as u64) as usize;
        (!of.is_empty()).then(|| of.swap_remove(at))
    }
}

struct Chaos {
    bench: Bench,
    dice: Dice,
    waiting: Vec<(BuildId, Ticket)>,
    held: Vec<(BuildId, Lease)>,
}

impl Chaos {
    async fn new(seed: u64) -> Chaos {
        let script = Script {
            create: Duration::from_millis(300),
            start: Duration::from_millis(100),
            destroy: Duration::from_millis(100),
            ..Script::default()
        };
        let mut other = label("other", 0);
        other.max_nodes = Some(3);
        let bench = Bench::new(config(vec![label("small", 2), other], LIMIT), script).await;
        Chaos { bench, dice: Dice(seed), waiting: Vec::new(), held: Vec::new() }
    }

    async fn step(&mut self) {
        let chance = self.dice.below(100);
        let nodes = self.bench.fake.nodes();
        match chance {
            0..30 => self.ask().await,
            30..50 => self.take().await,
            50..65 => {
                if let Some((_, lease)) = self.dice.pick(&mut self.held) {
                    lease.release().await;
                }
            }
            65..70 => drop(self.dice.pick(&mut self.waiting)),
            70..80 => {
                let fault = FAULTS[self.dice.below(FAULTS.len() as u64) as usize];
                let next = self.bench.fake.calls().creates + 1 + self.dice.below(4);
                self.bench.fake.script(|script| {
                    script.faults.insert(next, fault);
                });
            }
            80..83 => nodes.first().into_iter().for_each(|node| self.bench.fake.vanish(*node)),
            83..86 => nodes.last().into_iter().for_each(|node| self.bench.fake.end(*node, "code 137")),
            86..89 => self.bench.fake.drop_streams(),
            89..92 => self.bench.fake.script(|script| script.stuck_deletes += 3),
            92..95 => self.bench.fake.script(|script| script.down = !script.down),
            95..97 => self.bench.fake.script(|script| script.incomplete = !script.incomplete),
            _ => self.restart().await,
        }
        sleep(Duration::from_millis(self.dice.below(2000))).await;
    }

    async fn ask(&mut self) {
        let expression = ["small", "other", "small || other", ""][self.dice.below(4) as usize];
        let build = self.bench.stored_build().await.id;
        let ticket = self.bench.request_for(build, expression).await;
        self.waiting.push((build, ticket));
    }

    /// Takes leases that are there.
    async fn take(&mut self) {
        for (build, mut ticket) in std::mem::take(&mut self.waiting) {
            match timeout(Duration::from_millis(1), ticket.lease()).await {
                Ok(Ok(lease)) => self.held.push((build, lease)),
                // A label that is broken for now: the build is told, and would be launched again.
                Ok(Err(_)) => {}
                Err(_) => self.waiting.push((build, ticket)),
            }
        }
        let mut nodes: Vec<_> = self.held.iter().map(|(_, lease)| lease.node()).collect();
        nodes.sort();
        nodes.dedup();
        assert_eq!(nodes.len(), self.held.len(), "a node belongs to one lease (pools-P31)");
    }

    /// The process dies: tickets and leases die with it, and builds come back for theirs.
    async fn restart(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let held = std::mem::take(&mut self.held);
        self.bench.restart().await;
        for (build, ticket) in waiting {
            std::mem::forget(ticket);
            let ticket = self.bench.request_for(build, "small || other").await;
            self.waiting.push((build, ticket));
        }
        for (build, lease) in held {
            match self.bench.pool.resume(build, lease.id()).await {
                Ok(again) => {
                    assert_eq!(again.node(), lease.node());
                    self.held.push((build, again));
                }
                Err(_) => self.bench.end_build(build).await,
            }
            drop(lease);
        }
    }

    /// Nothing goes wrong any more: everybody is served, everything goes.
    async fn heal(mut self) {
        self.bench.fake.script(|script| {
            *script = Script { create: Duration::from_millis(300), ..Script::default() };
        });
        for (_, lease) in self.held {
            lease.release().await;
        }
        let mut served = tokio::task::JoinSet::new();
        for (_, mut ticket) in self.waiting.drain(..) {
            served.spawn(async move {
                if let Ok(lease) = ticket.lease().await {
                    lease.release().await;
                }
            });
        }
        let all = timeout(Duration::from_secs(3600), served.join_all()).await;
        assert!(all.is_ok(), "requests that are never served:\n{:#?}", self.bench.status());
        self.bench.until("the stock comes up", |status| status.labels[0].ready == 2).await;
        // Builds that were told of a broken label ask no more; what a dead process held goes with its builds.
        self.bench.end_builds().await;
        self.bench.pool.clear().await;
        self.bench.until_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_everybody_is_served_and_nothing_is_left() {
    for seed in 0..20 {
        let mut chaos = Chaos::new(seed).await;
        for _ in 0..200 {
            chaos.step().await;
            let peak = chaos.bench.fake.calls().peak;
            assert!(
                peak <= LIMIT as usize + 1,
                "seed {seed}: {peak} objects (one may appear late, pools-P53)"
            );
        }
        chaos.heal().await;
    }
}
