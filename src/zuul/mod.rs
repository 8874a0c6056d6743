//! What Zuul v2 says over Gearman, and what it wants to hear.
//!
//! [`wire`] is pure: function names, JSON of arguments and answers. `feed` turns assignments into builds and outcomes into packets; it
//! decides nothing (design A11). Start with [`wire`].

pub mod feed;
pub mod wire;
