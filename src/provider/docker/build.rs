//! Image builds by the engine's classic builder (docker-M10 to M15, M29 to M31): checked, sent as they are read, followed.

use std::collections::HashMap;
use std::io;

use bollard::Docker;
use bollard::query_parameters::{EventsOptionsBuilder, TagImageOptionsBuilder};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::Method;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::answer::{Line, Lines};
use super::container::{INSTANCE, external_name};
use super::context::{self, Context};
use super::error::{self, Phase};
use super::guard::{Body, EngineSocket, control_group, request};
use super::network;
use super::workshop::DockerWorkshop;
use crate::image::{BuildFailure, BuildSpec, Built, Dockerfile, ImageBuilds, Reference, check_trigger};
use crate::pool::provider::{ImageFacts, ProviderError};
use crate::provider::directory;

/// The label by which all that builds of one scope make is found.
pub(super) const SCOPE: &str = "causeway.scope";
/// Names of images that are kept for later builds of their scope begin so.
const CACHE: &str = "causeway-cache";
/// So much of an id tells images of one scope apart.
const SHORT_ID: usize = 20;
/// Pieces of a context under way: its files are read no faster than the engine takes them.
const PIECES: usize = 8;
/// The colour that the engine gives to standard error.
const COLOURS: [&str; 2] = ["\u{1b}[91m", "\u{1b}[0m"];
/// Exit code of what the kernel ended.
const KILLED: i32 = 137;

impl DockerWorkshop {
    /// Builds an image.
    pub(super) async fn make(
        &self,
        spec: &BuildSpec,
        log: &mpsc::Sender<String>,
    ) -> Result<Built, BuildFailure> {
        let rules = &self.lease.label.images;
        if rules.builds != ImageBuilds::Classic {
            return refused("the pool builds no images: set 'image_builds: classic'");
        }
        let socket = self.config.engine.strip_prefix("unix://").unwrap_or_default();
        let parent = control_group(socket.into(), &external_name(&self.config, self.lease.node))
            .await
            .map_err(engine)?;
        if parent.is_none() && !rules.without_pids_limit {
            return refused(
                "no limit of processes holds in builds on this engine: set 'builds_without_pids_limit: true' in the pool to allow it (docker-M30)",
            );
        }
        let (text, context) = self.look(spec).await?;
        if text.trim().is_empty() {
            return refused(&format!("'{}' is empty", spec.dockerfile.display()));
        }
        let file = Dockerfile::read(&text, &spec.arguments, rules.add_url);
        let file = file.map_err(|error| BuildFailure::Refused(error.to_string()))?;
        let docker = self.engine.client().await.map_err(engine)?;
        let mut bases = Vec::new();
        for base in &file.bases {
            bases.push(self.base(&docker, base, spec, log).await?);
        }
        let (files, bytes, left_out) = (context.files, context.bytes, context.left_out);
        let mut line = format!("Sending {files} files, {bytes} bytes");
        if left_out > 0 {
            line.push_str(&format!("; left out: {left_out} devices, pipes and sockets"));
        }
        say(log, line + "\n").await;
        let scope = self.scope(&spec.scope);
        let label =
            format!("{SCOPE}={scope} {INSTANCE}={}", super::container::mark_value(&self.config.instance));
        let name = format!(".causeway-{scope}.dockerfile");
        let query = self.query(spec, &name, parent);
        let begun = jiff::Timestamp::now().as_second();
        let body = body(context, name, file.with_label(&label));
        let mut asked = request(Method::POST, &format!("/build?{query}"), body)
            .map_err(|trouble| BuildFailure::Engine(trouble.to_string()))?;
        asked.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
        let sent = EngineSocket(socket.into()).send(asked).await;
        let response = sent.map_err(|trouble| BuildFailure::Engine(trouble.to_string()))?;
        let lines = match Lines::of(response).await {
            Ok(lines) => lines,
            Err((_, text)) => return Err(BuildFailure::Failed { code: None, text }),
        };
        match follow(lines, log).await {
            Err(BuildFailure::Failed { code: Some(KILLED), text })
                if memory_kill(&docker, &scope, begun).await =>
            {
                Err(BuildFailure::Memory(text))
            }
            Err(failure) => Err(failure),
            Ok(id) => {
                self.cache(&docker, &id, &scope).await;
                Ok(Built { id, bases, files, bytes })
            }
        }
    }

    /// Reads the Dockerfile and looks at the context, before the engine hears anything.
    async fn look(&self, spec: &BuildSpec) -> Result<(String, Context), BuildFailure> {
        let (root, spec) = (self.lease.workspace.clone(), spec.clone());
        let looked = directory::off_the_loop(move || {
            // The Dockerfile first: most mistakes are there.
            let text = context::text(&root, &spec.dockerfile)?;
            Ok::<_, String>((text, Context::look(&root, &spec.context)?))
        });
        looked.await.map_err(engine)?.map_err(BuildFailure::Refused)
    }

    /// A base image: allowed, there, and without instructions for its children that reach elsewhere (docker-M10).
    async fn base(
        &self,
        docker: &Docker,
        base: &str,
        spec: &BuildSpec,
        log: &mpsc::Sender<String>,
    ) -> Result<ImageFacts, BuildFailure> {
        let rules = &self.lease.label;
        let name = Reference::parse(base).map_err(|error| BuildFailure::Refused(error.to_string()))?;
        if rules
            .guard
            .as_ref()
            .is_some_and(|guard| !guard.images.has(base) && !guard.images.has(&name.to_string()))
        {
            return refused(&format!(
                "the label '{}' does not allow the image '{base}' (pools-D32)",
                rules.name
            ));
        }
        let login = spec.login.as_ref().filter(|(host, _)| host == name.registry()).map(|(_, login)| login);
        let had = self.had(docker, &name, spec.pull, login).await;
        let facts = had.map_err(|error| match error {
            ProviderError::Permanent(text) => BuildFailure::Refused(format!("the base image {name}: {text}")),
            ProviderError::NotFound => BuildFailure::Refused(format!("no such image: {name}")),
            other => BuildFailure::Engine(format!("the base image {name} cannot be had: {other}")),
        })?;
        say(log, format!("Base image {}: {}\n", facts.reference, facts.digest)).await;
        let found = docker.inspect_image(&facts.id).await;
        let found = found.map_err(|error| engine(error::classify(&error, Phase::Look)))?;
        for trigger in found.config.and_then(|config| config.on_build).unwrap_or_default() {
            let checked = check_trigger(&trigger, rules.images.add_url);
            checked.map_err(|reason| {
                BuildFailure::Refused(format!("the base image {name}: ONBUILD {reason}"))
            })?;
        }
        Ok(facts)
    }

    /// Gives an image a name of ours: without any, it would go with all that is cached of it when its last name does.
    async fn cache(&self, docker: &Docker, id: &str, scope: &str) {
        let short: String = id.trim_start_matches("sha256:").chars().take(SHORT_ID).collect();
        let options = TagImageOptionsBuilder::default().repo(&format!("{CACHE}/{scope}")).tag(&short).build();
        if let Err(error) = docker.tag_image(id, Some(options)).await {
            tracing::debug!(image = id, %error, "an image will not be cached");
        }
    }

    /// Everything of this instance, pool and scope has one mark; nothing is shared beyond it (docker-M14).
    fn scope(&self, scope: &str) -> String {
        let all = format!("{}\n{}\n{scope}", self.config.instance, self.lease.label.pool);
        Sha256::digest(all).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    fn query(&self, spec: &BuildSpec, dockerfile: &str, parent: Option<String>) -> String {
        let label = &self.lease.label;
        let memory = spec.memory_bytes.or(label.memory_bytes).map(|bytes| bytes.to_string());
        let flag = |set: bool| if set { "1" } else { "0" }.to_owned();
        let map = |pairs: &[(String, String)]| {
            json!(pairs.iter().cloned().collect::<HashMap<String, String>>()).to_string()
        };
        let network = network::mode(&label.network, &self.config, self.lease.node);
        let quota = label.cpus_milli.map(|milli| (u64::from(milli) * 100).to_string());
        let period = label.cpus_milli.map(|_| "100000".to_owned());
        let fields = [
            ("version", Some("1".to_owned())),
            ("rm", Some("1".to_owned())),
            ("forcerm", Some("1".to_owned())),
            ("dockerfile", Some(dockerfile.to_owned())),
            ("nocache", Some(flag(spec.no_cache))),
            ("memory", memory.clone()),
            // No swap beyond it (pools-D34).
            ("memswap", memory),
            ("cpuquota", quota),
            ("cpuperiod", period),
            ("shmsize", label.shm_bytes.map(|bytes| bytes.to_string())),
            ("networkmode", network),
            ("cgroupparent", parent),
            ("target", spec.target.clone()),
            ("buildargs", (!spec.arguments.is_empty()).then(|| map(&spec.arguments))),
            ("labels", (!spec.labels.is_empty()).then(|| map(&spec.labels))),
        ];
        let encoded = |(name, value): (&str, Option<String>)| {
            Some(format!("{name}={}", utf8_percent_encode(&value?, NON_ALPHANUMERIC)))
        };
        fields.into_iter().filter_map(encoded).collect::<Vec<_>>().join("&")
    }
}

/// The body of the request: the archive as it is packed. Its packing ends when the request does.
fn body(context: Context, name: String, dockerfile: String) -> Body {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = context.send((&name, &dockerfile), &sender) {
            // Nobody listens when the build is over.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((piece.map(Frame::data).map_err(Into::into), receiver))
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// Passes on what a build says; its image, when it has one and nothing failed (docker-M31).
async fn follow(mut lines: Lines, log: &mpsc::Sender<String>) -> Result<String, BuildFailure> {
    let mut id = None;
    let mut open = String::new();
    while let Some(Line { stream, aux, error }) = lines.next().await.map_err(BuildFailure::Engine)? {
        if let Some(mut text) = stream {
            for colour in COLOURS {
                text = text.replace(colour, "");
            }
            open.push_str(&text);
            // Whole lines, so that nothing hides in the seam of two pieces.
            if let Some(end) = open.rfind('\n') {
                let rest = open.split_off(end + 1);
                say(log, std::mem::replace(&mut open, rest)).await;
            }
        }
        // Each stage has one; the last is the image's.
        if let Some(found) = aux.as_ref().and_then(|aux| aux.get("ID")?.as_str()) {
            id = Some(found.to_owned());
        }
        if let Some(error) = error {
            say(log, open).await;
            return Err(BuildFailure::Failed { code: error.code, text: error.message });
        }
    }
    say(log, open).await;
    id.ok_or_else(|| BuildFailure::Engine("the engine's answer ended without an image".to_owned()))
}

async fn say(log: &mpsc::Sender<String>, text: String) {
    if !text.is_empty() {
        // Nobody listens when the build is over.
        let _ = log.send(text).await;
    }
}

/// Whether the kernel ended something of a scope since then.
async fn memory_kill(docker: &Docker, scope: &str, since: i64) -> bool {
    let filters = HashMap::from([
        ("label".to_owned(), vec![format!("{SCOPE}={scope}")]),
        ("event".to_owned(), vec!["oom".to_owned()]),
    ]);
    let until = jiff::Timestamp::now().as_second() + 1;
    let options = EventsOptionsBuilder::default()
        .since(&since.to_string())
        .until(&until.to_string())
        .filters(&filters)
        .build();
    matches!(Box::pin(docker.events(Some(options))).next().await, Some(Ok(_)))
}

fn refused<T>(text: &str) -> Result<T, BuildFailure> {
    Err(BuildFailure::Refused(text.to_owned()))
}

fn engine(error: ProviderError) -> BuildFailure {
    BuildFailure::Engine(error.to_string())
}
