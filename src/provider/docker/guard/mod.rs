//! The engine's side of the guard: connections out of a node, judged call by call, answered by the engine (pools-D57).
//!
//! Both sides speak HTTP through a library of its own, so nothing is passed on as it was written: a request that is judged is written
//! anew. What is decided is decided in [`crate::guard`]; here calls are made, and it is looked up whose an object is. Start with
//! [`DockerDoor::serve`](crate::guard::Door::serve).

mod call;
mod control_group;
mod objects;
mod pins;
mod reply;
mod wire;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::DuplexStream;
use tokio::sync::OnceCell;

use self::objects::Objects;
use self::reply::message;
use super::made::Beside;

pub(super) use self::reply::{Body, empty, full};
pub(super) use self::wire::{EngineSocket, request, whole};
use crate::guard::{Door, Grant, Refusal, Refusals};
use crate::model::NodeId;
use crate::pool::label::LabelDefinition;
use crate::pool::provider::{DoorSpec, ProviderError};

/// A connection that asks for nothing is closed after this time; clients open another.
const IDLE_LIMIT: Duration = Duration::from_secs(120);
/// The head of a request: the credentials of a pull are the longest that a client sends.
const HEAD_MAX: usize = 64 * 1024;
/// Lines in a request's head.
const HEADERS_MAX: usize = 64;

/// The door of one lease.
pub(super) struct DockerDoor {
    engine: EngineSocket,
    node: NodeId,
    /// The node's own container.
    container: String,
    label: Arc<LabelDefinition>,
    workspace: PathBuf,
    marks: Vec<(String, String)>,
    /// Made when the first container is: only then is it asked where the node's control group lies.
    grant: OnceCell<Grant>,
    objects: Objects,
    refusals: Arc<dyn Refusals>,
    beside: Beside,
}

/// Why a request is not answered by the engine.
pub(super) enum Trouble {
    Refused(Refusal),
    /// The engine is out of reach, or broke off.
    Engine(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Refused(refusal) => refusal.fmt(formatter),
            Trouble::Engine(text) => formatter.write_str(text),
        }
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        Trouble::Refused(refusal)
    }
}

/// The control group of a node, below which its further containers are put (pools-D57); `None` where that cannot be.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn control_group(socket: PathBuf, name: &str) -> Result<Option<String>, ProviderError> {
    let found = control_group::control_group(&EngineSocket(socket), name).await;
    found.map_err(|trouble| match trouble {
        Trouble::Refused(refusal) => ProviderError::Permanent(refusal.to_string()),
        Trouble::Engine(text) => ProviderError::Transient(text),
    })
}

/// The two streams of a call that changed the protocol.
type Spliced = Mutex<Option<(OnUpgrade, OnUpgrade)>>;

impl DockerDoor {
    pub fn new(
        socket: PathBuf,
        container: String,
        spec: &DoorSpec,
        marks: Vec<(String, String)>,
        refusals: Arc<dyn Refusals>,
        beside: Beside,
    ) -> DockerDoor {
        DockerDoor {
            engine: EngineSocket(socket),
            node: spec.node,
            container,
            label: Arc::clone(&spec.label),
            workspace: spec.workspace.clone(),
            marks,
            grant: OnceCell::new(),
            objects: Objects::default(),
            refusals,
            beside,
        }
    }

    async fn answer(&self, request: Request<Incoming>, spliced: &Spliced) -> Response<Body> {
        match self.pass(request, spliced).await {
            Ok(response) => response,
            Err(Trouble::Refused(refusal)) => {
                if refusal.is_told() {
                    self.refusals.refused(&refusal);
                }
                message(refusal.status, &refusal.to_string())
            }
            Err(Trouble::Engine(text)) => {
                tracing::warn!(node.id = %self.node, error = text, "the engine did not answer a build's call");
                message(503, &format!("Causeway's guard: the engine does not answer: {text}"))
            }
        }
    }
}

#[async_trait]
impl Door for DockerDoor {
    async fn serve(&self, connection: DuplexStream) {
        self.beside.begin();
        let spliced = Spliced::default();
        let service = service_fn(async |request| {
            Ok::<_, std::convert::Infallible>(self.answer(request, &spliced).await)
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_LIMIT)
            .max_buf_size(HEAD_MAX)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(connection), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(node.id = %self.node, %error, "a connection to the guard ended");
        }
        let taken = spliced.lock().ok().and_then(|mut spliced| spliced.take());
        let Some((client, engine)) = taken else { return };
        let (Ok(client), Ok(engine)) = tokio::join!(client, engine) else { return };
        let (mut client, mut engine) = (TokioIo::new(client), TokioIo::new(engine));
        // Ends with either side; what then is still to be said nobody would hear.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut engine).await;
    }
}
