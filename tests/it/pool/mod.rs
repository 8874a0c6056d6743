//! The pool against a provider that does everything wrong that providers do. Time is tokio's, stopped: it moves when all wait.

#[cfg(test)]
mod bench;
mod chaos;
mod conflicts;
#[cfg(test)]
mod durable;
mod failures;
mod leases;
mod reload;
mod restart;
mod speed;
mod sweeps;
