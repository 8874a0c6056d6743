//! One call: judged, looked up, made.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper::{Method, Request, Response, StatusCode, Version};
use serde_json::Value;

use super::control_group::control_group;
use super::objects::CONTAINERS_MAX;
use super::pins::{Pinned, pin};
use super::reply::{Body, empty, full, headed, of_json, passed};
use super::wire::{request, whole};
use super::{DockerDoor, Spliced, Trouble};
use crate::guard::{
    Asked, Body as Brings, Call, ContainerCall, ExecCall, Grant, Refusal, create, exec_create, exec_start,
    reduced_info, starts_detached,
};

/// How long a client may take to send a body that is read as a whole.
const BODY_LIMIT: Duration = Duration::from_secs(60);
/// Credentials of a pull: passed on, not kept.
const AUTH: &str = "x-registry-auth";

impl DockerDoor {
    /// Judges a request and has the engine answer it.
    pub(super) async fn pass(
        &self,
        mut asked: Request<Incoming>,
        spliced: &Spliced,
    ) -> Result<Response<Body>, Trouble> {
        let upgrade = wants_upgrade(&asked)?;
        let call = Call::decide(Asked {
            method: asked.method().as_str(),
            path: asked.uri().path(),
            query: asked.uri().query().unwrap_or_default(),
            upgrade,
        })?;
        if asked.uri().authority().is_some() {
            return Err(Refusal::malformed("the target is no path").into());
        }
        let method = asked.method().clone();
        match call {
            Call::Ping | Call::Version => self.forward(method, &call.target(""), empty()).await,
            Call::Info => match self.engine.look(&call.target("")).await? {
                Some(info) => Ok(of_json(200, &reduced_info(&info))),
                None => Err(Trouble::Engine("it tells nothing of itself".to_owned())),
            },
            Call::Pull { ref image, .. } => {
                self.grant().await?.uses(image)?;
                let mut pull = request(method, &call.target(""), empty())?;
                if let Some(auth) = asked.headers().get(AUTH) {
                    pull.headers_mut().insert(AUTH, auth.clone());
                }
                self.engine.send(pull).await.map(passed)
            }
            Call::InspectImage { ref image } => {
                self.grant().await?.uses(image)?;
                self.forward(method, &call.target(""), empty()).await
            }
            Call::List { mut query } => {
                self.grant().await?.only_own(&mut query)?;
                self.forward(method, &Call::List { query }.target(""), empty()).await
            }
            Call::Create { .. } => {
                let body = json_body(asked, call.body()).await?;
                self.create(&call.target(""), &body).await
            }
            Call::Container { ref container, call: ContainerCall::Attach, .. } => {
                let id = self.own(container).await?;
                self.splice(&mut asked, upgrade, &call.target(&id), empty(), spliced).await
            }
            Call::Container { ref container, call: what, .. } => {
                let id = self.own(container).await?;
                self.container(asked, &call, what, &id).await
            }
            Call::Exec { ref exec, call: what, .. } => {
                if !self.objects.knows_exec(exec) {
                    return Err(Refusal::unknown(format!("No such exec instance: {exec}")).into());
                }
                let target = call.target(exec);
                if what != ExecCall::Start {
                    return self.forward(method, &target, empty()).await;
                }
                let on_upgrade = upgrade.then(|| hyper::upgrade::on(&mut asked));
                let body = exec_start(&json_body(asked, call.body()).await?)?;
                match on_upgrade {
                    None if starts_detached(&body) => self.forward(method, &target, of(&body)).await,
                    None => Err(no_stream().into()),
                    Some(client) => self.upgraded(client, &target, of(&body), spliced).await,
                }
            }
        }
    }

    async fn container(
        &self,
        asked: Request<Incoming>,
        call: &Call,
        what: ContainerCall,
        id: &str,
    ) -> Result<Response<Body>, Trouble> {
        let method = asked.method().clone();
        let mut target = call.target(id);
        let body = match (what, call.body()) {
            (ContainerCall::Exec, brings) => of(&exec_create(&json_body(asked, brings).await?)?),
            (_, Brings::Stream(most)) => {
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                Limited::new(asked.into_body(), most).boxed_unsync()
            }
            (_, Brings::None | Brings::Json(_)) => empty(),
        };
        match what {
            ContainerCall::Start if !self.objects.may_start(id) => {
                let text = "this container was made before Causeway was started again; make another";
                return Err(Refusal::forbidden("pools-D57 lease", text).into());
            }
            // The volumes of a container without a name go with it.
            ContainerCall::Remove if !target.contains("v=") => {
                target.push(if target.contains('?') { '&' } else { '?' });
                target.push_str("v=1");
            }
            _ => {}
        }
        let response = self.engine.send(request_of(method, &target, body)?).await?;
        let done = response.status().is_success();
        match what {
            ContainerCall::Start if done => self.objects.started(id),
            ContainerCall::Remove if done => self.objects.removed(id),
            ContainerCall::Exec if done => {
                let (head, body) = response.into_parts();
                let bytes = whole(body).await?;
                if let Some(exec) = id_in(&bytes) {
                    self.objects.exec(&exec);
                }
                return Ok(headed(&head, full(bytes)));
            }
            _ => {}
        }
        Ok(passed(response))
    }

    async fn create(&self, target: &str, body: &[u8]) -> Result<Response<Body>, Trouble> {
        let grant = self.grant().await?;
        let creation = create(body, grant)?;
        self.make_room(grant).await?;
        if !self.objects.can_hold(creation.binds.len()) {
            let text = "too many directories are in use by containers of this build; remove some";
            return Err(Refusal::forbidden("pools-D57 lease", text).into());
        }
        let mut body = creation.body;
        let mut held = Vec::new();
        if let Some(Value::Array(mounts)) = body.pointer_mut("/HostConfig/Mounts") {
            for bind in &creation.binds {
                let Pinned { mount, held: pin } = pin(bind, &grant.workspace, &grant.marks)?;
                mounts.push(mount);
                held.extend(pin);
            }
        }
        let response = self.engine.send(request_of(Method::POST, target, of(&body))?).await?;
        let (head, body) = response.into_parts();
        let bytes = whole(body).await?;
        if head.status == StatusCode::CREATED
            && let Some(id) = id_in(&bytes)
        {
            self.objects.made(&id, held, creation.auto_remove);
        }
        Ok(headed(&head, full(bytes)))
    }

    /// Refuses a container too many.
    async fn make_room(&self, grant: &Grant) -> Result<(), Trouble> {
        if self.objects.has_room() {
            return Ok(());
        }
        let mut query = crate::guard::Query::default();
        query.set("all", "1".to_owned());
        grant.only_own(&mut query)?;
        let found = self.engine.look(&Call::List { query }.target("")).await?;
        let count = found.and_then(|found| found.as_array().map(Vec::len)).unwrap_or(CONTAINERS_MAX);
        self.objects.counted(count);
        if count < CONTAINERS_MAX {
            return Ok(());
        }
        let text = format!("there are {count} containers of this build already; remove some");
        Err(Refusal::forbidden("pools-D57 lease", text).into())
    }

    /// The whole id of an own container.
    async fn own(&self, name: &str) -> Result<String, Trouble> {
        if self.objects.knows(name) {
            return Ok(name.to_owned());
        }
        let unknown = || Trouble::Refused(Refusal::unknown(format!("No such container: {name}")));
        let found = self.engine.look(&format!("/containers/{name}/json")).await?.ok_or_else(unknown)?;
        let labels = found.pointer("/Config/Labels").unwrap_or(&Value::Null);
        let id = found.get("Id").and_then(Value::as_str).ok_or_else(unknown)?;
        if !self.grant().await?.owns(labels) {
            return Err(unknown());
        }
        self.objects.know(id);
        Ok(id.to_owned())
    }

    /// What the lease may do.
    async fn grant(&self) -> Result<&Grant, Trouble> {
        let made = self.grant.get_or_try_init(|| async {
            let cgroup_parent = control_group(&self.engine, &self.container).await?;
            let grant = Grant::new(&self.label, self.workspace.clone(), self.marks.clone(), cgroup_parent);
            grant.ok_or_else(|| Refusal::forbidden("pools-D57", "the label gives no engine").into())
        });
        made.await
    }

    async fn forward(&self, method: Method, target: &str, body: Body) -> Result<Response<Body>, Trouble> {
        self.engine.send(request_of(method, target, body)?).await.map(passed)
    }

    async fn splice(
        &self,
        asked: &mut Request<Incoming>,
        upgrade: bool,
        target: &str,
        body: Body,
        spliced: &Spliced,
    ) -> Result<Response<Body>, Trouble> {
        if !upgrade {
            return Err(no_stream().into());
        }
        let client = hyper::upgrade::on(asked);
        self.upgraded(client, target, body, spliced).await
    }

    /// Asks the engine for a stream; when it agrees, so do we, and the two are joined once the head is sent.
    async fn upgraded(
        &self,
        client: hyper::upgrade::OnUpgrade,
        target: &str,
        body: Body,
        spliced: &Spliced,
    ) -> Result<Response<Body>, Trouble> {
        let mut asks = request_of(Method::POST, target, body)?;
        asks.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        asks.headers_mut().insert(UPGRADE, HeaderValue::from_static("tcp"));
        let mut response = self.engine.send(asks).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(passed(response));
        }
        let engine = hyper::upgrade::on(&mut response);
        if let Ok(mut place) = spliced.lock() {
            *place = Some((client, engine));
        }
        let (head, _) = response.into_parts();
        let mut answer = headed(&head, empty());
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("tcp"));
        Ok(answer)
    }
}

/// Whether another protocol is asked for: the engine's raw stream, and no other.
fn wants_upgrade(asked: &Request<Incoming>) -> Result<bool, Refusal> {
    if asked.version() != Version::HTTP_11 && asked.version() != Version::HTTP_10 {
        return Err(Refusal::malformed("this version of HTTP is not spoken here"));
    }
    let mut wanted = asked.headers().get_all(UPGRADE).iter();
    match (wanted.next(), wanted.next()) {
        (None, _) => Ok(false),
        (Some(tcp), None) if tcp == "tcp" && asked.version() == Version::HTTP_11 => Ok(true),
        _ => Err(Refusal::malformed("only the engine's raw stream can be changed to")),
    }
}

fn no_stream() -> Refusal {
    Refusal::malformed("a stream is asked for by 'Upgrade: tcp'")
}

/// Reads a body as a whole.
async fn json_body(asked: Request<Incoming>, brings: Brings) -> Result<Bytes, Refusal> {
    let Brings::Json(most) = brings else { return Ok(Bytes::new()) };
    if asked.body().size_hint().lower() > most as u64 {
        return Err(Refusal::malformed(format!("the body is larger than {most} bytes")));
    }
    let read = Limited::new(asked.into_body(), most).collect();
    match tokio::time::timeout(BODY_LIMIT, read).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) => Err(Refusal::malformed(format!("the body cannot be read: {error}"))),
        Err(_) => Err(Refusal::malformed("the body did not come in time")),
    }
}

fn of(value: &Value) -> Body {
    full(value.to_string())
}

fn request_of(method: Method, target: &str, body: Body) -> Result<Request<Body>, Trouble> {
    let mut made = request(method, target, body)?;
    made.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(made)
}

/// The id in the engine's answer to a create.
fn id_in(bytes: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    value.get("Id").and_then(Value::as_str).map(str::to_owned)
}
