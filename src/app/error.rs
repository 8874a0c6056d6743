//! Why a server did not start.

use std::io;
use std::net::SocketAddr;

use crate::gearman;
use crate::pool::PoolError;
use crate::store::StoreError;
use crate::store::sqlite::OpenError;
use crate::web::TokenError;

/// Why a server did not start. Nothing was changed outside but the state directory.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory or its store.
    #[error("the state directory cannot be used")]
    Store(#[source] OpenError),
    /// A directory in the state directory.
    #[error("a directory in the state directory cannot be made")]
    State(#[source] io::Error),
    /// The store does not answer.
    #[error("the store cannot be read")]
    Names(#[source] StoreError),
    /// The HTTP port.
    #[error("cannot listen for HTTP on {address}")]
    Http {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The Gearman port.
    #[error("cannot serve Gearman")]
    Gearman(#[source] gearman::server::StartError),
    /// The pool.
    #[error("the pool cannot start")]
    Pool(#[source] PoolError),
    /// The token's file.
    #[error("the token for changes over HTTP cannot be used")]
    Token(#[source] TokenError),
}

impl StartError {
    /// What to do about it, for people.
    pub fn cure(&self) -> &'static str {
        match self {
            StartError::Store(_) | StartError::State(_) | StartError::Names(_) | StartError::Token(_) => {
                "name another directory with --state DIR (or 'state' in the configuration), or make this one writable"
            }
            StartError::Http { .. } => {
                "end what uses the port, or name another with --http ADDR (port 0: any free one)"
            }
            StartError::Gearman(_) => {
                "end what uses the port, or name another with --gearman ADDR (port 0: any free one)"
            }
            StartError::Pool(_) => "look at 'providers' and 'pools' in the configuration",
        }
    }
}
