//! A stateful Jenkins master for tests: jobs, a queue, builds and their logs as the contract says, quirks included, with faults by
//! script.
//!
//! [`world`] is what the master knows and does, without any I/O; [`door`] speaks HTTP byte by byte, so that an answer can be lost, cut
//! or late; [`answer`] is what each address says; [`tree`] is the query of fields; [`fault`] says when which request goes wrong.

mod answer;
mod door;
mod fault;
mod tree;
mod world;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

pub use fault::{Fault, Weather, Wrong};
pub use world::{Item, Job, Plan, World};

/// The login that the master knows.
pub const USER: &str = "ci";
/// Its API token.
pub const TOKEN: &str = "11secret";
/// Its password: wants crumbs.
pub const PASSWORD: &str = "password";

/// A master that serves as long as it lives, on a port of its own.
pub struct FakeMaster {
    /// Where it listens.
    pub address: SocketAddr,
    world: Arc<Mutex<World>>,
    door: Arc<door::Door>,
    /// `None` only while it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
}

impl FakeMaster {
    /// Opens one with these jobs.
    pub fn open(jobs: impl IntoIterator<Item = Job>) -> FakeMaster {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let world = Arc::new(Mutex::new(World::new(jobs)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).unwrap()
        };
        let door = Arc::new(door::Door::new(Arc::clone(&world), address));
        runtime.spawn(Arc::clone(&door).serve(listener));
        FakeMaster { address, world, door, runtime: Some(runtime) }
    }

    /// Its address, with its path prefix.
    pub fn url(&self) -> String {
        format!("http://{}{}/", self.address, self.world().prefix)
    }

    /// What it knows, as of now.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap();
        world.advance();
        world
    }

    /// Stops: connections are refused until [`FakeMaster::start`]. What runs is gone, what waits is kept (jenkins-rest 4.5, 3.3).
    pub fn stop(&self) {
        self.world().shut_down();
        self.door.set_open(false);
    }

    /// Starts again; the first answers say that it is starting.
    pub fn start(&self) {
        self.world().boot();
        self.door.set_open(true);
    }
}

impl Drop for FakeMaster {
    fn drop(&mut self) {
        // Also inside of another runtime, where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
