//! Jenkins over REST: a door to its rooms and no code of its own.
//!
//! [`wire`] is what masters say, pure; [`client`] asks them. The contract is `jenkins-rest`, measured on real masters.

pub mod client;
pub mod wire;
