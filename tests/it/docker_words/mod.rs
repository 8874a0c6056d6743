//! Jobs whose YAML speaks of Docker, on a real engine, with real registries (docker-27.11).

mod build;
mod commit;
mod fixtures;
mod registry;
mod room;
mod site;
