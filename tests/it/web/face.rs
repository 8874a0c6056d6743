//! A face that serves on loopback, with builds that a test makes step by step.

use std::sync::Arc;

use causeway::artifact::{Artifacts, Limits};
use causeway::build::{BuildEvent, Builds};
use causeway::catalog::{CatalogConfig, CatalogHandle};
use causeway::console::{Console, Consoles};
use causeway::model::{
    Addresses, BuildId, BuildRequest, Cause, LeaseId, NodeId, Origin, Outcome, Parameter, ParameterValue,
    Parameters, Precedence, ResultWord,
};
use causeway::route::{Book, Masters, Router, Routes};
use causeway::store::{History, MemoryStore, Store};
use causeway::sys::SystemClock;
use causeway::telemetry::Metrics;
use causeway::web::{Hosts, Parts, Token, Web};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The token of every face in tests.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A face that serves until it is dropped.
pub struct Face {
    pub builds: Builds,
    pub consoles: Consoles,
    pub url: String,
    pub http: reqwest::Client,
    _state: tempfile::TempDir,
    _shutdown: DropGuard,
}

impl Face {
    pub async fn start() -> Face {
        let clock = Arc::new(SystemClock);
        let state = tempfile::tempdir().unwrap();
        let metrics = Metrics::new();
        let store = Arc::new(MemoryStore::new("test"));
        let (builds, mut accepted) =
            Builds::new(Arc::clone(&store) as Arc<dyn Store>, clock.clone(), metrics.builds.clone());
        // Nobody executes: the test says what happens to a build.
        tokio::spawn(async move { while accepted.recv().await.is_some() {} });
        let consoles = Consoles::open(state.path().join("logs"), clock).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (reload, _) = tokio::sync::mpsc::channel(1);
        let (_, readiness) = tokio::sync::watch::channel(Vec::new());
        let catalog = CatalogHandle::load(CatalogConfig::default()).await;
        let router = Router::new(catalog.clone(), Routes::default());
        let (renew, _) = tokio::sync::mpsc::channel(1);
        let book = Book::open(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::new(SystemClock),
            router,
            Masters::default(),
            renew,
        );
        let routes = book.await.unwrap();
        let web = Web::new(Parts {
            builds: builds.clone(),
            consoles: consoles.clone(),
            artifacts: Artifacts::open(state.path().join("artifacts"), Limits::default()).unwrap(),
            history: History::new(store),
            routes,
            catalog,
            reload,
            pool: None,
            metrics,
            addresses: Addresses::new(&format!("http://{address}/")),
            token: Some(Token::new(TOKEN)),
            hosts: Hosts::new(["ci.example".to_owned()]),
            readiness,
            gearman: "127.0.0.1:4730".to_owned(),
            shutdown: shutdown.clone(),
        });
        tokio::spawn(web.serve(listener, shutdown.clone()));
        Face {
            builds,
            consoles,
            url: format!("http://{address}"),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            _state: state,
            _shutdown: shutdown.drop_guard(),
        }
    }

    /// A build that was just accepted.
    pub async fn accept(&self, job: &str, parameters: &[(&str, &str)]) -> BuildId {
        let parameter = |(name, value): &(&str, &str)| Parameter {
            name: (*name).to_owned(),
            value: ParameterValue::Text((*value).to_owned()),
        };
        let request = BuildRequest {
            route: None,
            job: job.parse().unwrap(),
            label: None,
            parameters: Parameters(parameters.iter().map(parameter).collect()),
            origin: Origin::Gearman { unique: "8f9ffc25eea841ae8cee61b6474c34a2".to_owned() },
            precedence: Precedence::Normal,
        };
        let recipe = causeway::catalog::recipe::Compiled::Refused(String::new()).to_text();
        self.builds.submit(request, recipe.into(), 1).await.unwrap().id
    }

    /// Its first step begins; the returned console is what it writes to.
    pub async fn run(&self, id: BuildId) -> Console {
        let (lease, node) = (LeaseId::new(1, 1), NodeId::new(1, 1));
        self.builds.apply(id, BuildEvent::Leased { lease, node }).await.unwrap();
        let title = "step 1 (shell)".to_owned();
        let started = BuildEvent::StepStarted { index: 1, title, console_start: 0 };
        self.builds.apply(id, started).await.unwrap();
        self.consoles.writer(id).await.unwrap()
    }

    /// It ends.
    pub async fn end(&self, id: BuildId, console: &Console, result: Option<ResultWord>, cause: Cause) {
        console.finish();
        self.builds.apply(id, BuildEvent::Ended(Outcome { result, cause })).await.unwrap();
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// The body of an answer that must be 200.
    #[track_caller]
    pub fn page(&self, path: &str) -> impl Future<Output = String> {
        let request = self.http.get(format!("{}{path}", self.url));
        let path = path.to_owned();
        async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            answer.text().await.unwrap()
        }
    }

    pub async fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.page(path).await).unwrap()
    }
}
