//! From a request's first line to the call that is meant: what is not here is not offered.

use super::query::{Query, decode, encode};
use super::refusal::Refusal;

/// Longer targets are no calls of a client's.
const TARGET_MAX: usize = 16 * 1024;
/// The longest name of an object or an image.
const NAME_MAX: usize = 512;
/// The largest body that is read as a whole.
const JSON_MAX: usize = 4 << 20;
/// The largest archive that is copied into a container (pools-D72).
const ARCHIVE_MAX: u64 = 5 << 30;

/// What was asked, as the first lines say it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query as it was sent.
    pub query: &'a str,
    /// Whether another protocol is asked for (`Upgrade`).
    pub upgrade: bool,
}

/// A call that the guard offers (pools-D57).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `GET` or `HEAD /_ping`.
    Ping,
    /// `GET /version`.
    Version,
    /// `GET /info`, reduced.
    Info,
    /// Pulls an image.
    Pull {
        /// The reference, for the label's patterns.
        image: String,
        /// Its parameters.
        query: Query,
    },
    /// Looks at an image.
    InspectImage {
        /// The reference.
        image: String,
    },
    /// Makes a container.
    Create {
        /// Its parameters.
        query: Query,
    },
    /// Lists own containers.
    List {
        /// Its parameters; marks are added.
        query: Query,
    },
    /// Something with one container, which has to be the lease's own.
    Container {
        /// Name or id, as it was sent.
        container: String,
        /// What.
        call: ContainerCall,
        /// Its parameters.
        query: Query,
    },
    /// Something with an exec in an own container.
    Exec {
        /// Its id.
        exec: String,
        /// What.
        call: ExecCall,
        /// Its parameters.
        query: Query,
    },
}

/// What can be done with a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the engine's own words")]
pub enum ContainerCall {
    Inspect,
    Start,
    Stop,
    Kill,
    Wait,
    Logs,
    Attach,
    Resize,
    Remove,
    GetArchive,
    StatArchive,
    PutArchive,
    Exec,
}

/// What can be done with an exec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the engine's own words")]
pub enum ExecCall {
    Start,
    Inspect,
    Resize,
}

/// What body a call brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None that counts: it is not passed on.
    None,
    /// An object of at most so many bytes.
    Json(usize),
    /// Bytes that are passed on as they come, at most so many.
    Stream(u64),
}

impl Call {
    /// What a request asks for, by its first line.
    ///
    /// # Errors
    /// A call that is not offered, or no call at all.
    pub fn decide(asked: Asked<'_>) -> Result<Call, Refusal> {
        if asked.path.len() + asked.query.len() > TARGET_MAX || !asked.path.starts_with('/') {
            return Err(Refusal::malformed("no target of a call"));
        }
        let mut parts: Vec<&str> = asked.path[1..].split('/').collect();
        if parts.first().is_some_and(|first| is_version(first)) {
            parts.remove(0);
        }
        let call = Call::by_path(asked, &parts)?;
        let upgrades = matches!(
            call,
            Call::Container { call: ContainerCall::Attach, .. } | Call::Exec { call: ExecCall::Start, .. }
        );
        if asked.upgrade && !upgrades {
            return Err(Refusal::malformed("this call does not change the protocol"));
        }
        Ok(call)
    }

    fn by_path(asked: Asked<'_>, parts: &[&str]) -> Result<Call, Refusal> {
        let query = |known| Query::read(asked.query, known);
        match (asked.method, parts) {
            ("GET" | "HEAD", ["_ping"]) => Ok(Call::Ping),
            ("GET", ["version"]) => Ok(Call::Version),
            ("GET", ["info"]) => Ok(Call::Info),
            ("POST", ["images", "create"]) => pull(asked.query),
            ("GET", ["images", name @ .., "json"]) if !name.is_empty() => {
                query(&[])?;
                Ok(Call::InspectImage { image: image(&decode(&name.join("/"), false)?)? })
            }
            ("POST", ["containers", "create"]) => {
                let query = query(&["name", "platform"])?;
                if query.get("name").is_some_and(|name| name.trim_start_matches('/').starts_with("causeway"))
                {
                    return Err(Refusal::forbidden(
                        "pools-D57 own objects",
                        "names that begin with 'causeway' are Causeway's own",
                    ));
                }
                Ok(Call::Create { query })
            }
            ("GET", ["containers", "json"]) => {
                Ok(Call::List { query: query(&["all", "limit", "size", "filters"])? })
            }
            (method, ["containers", name, verb @ ..]) => {
                let (call, known) = container_call(method, verb).ok_or_else(|| not_offered(asked))?;
                Ok(Call::Container { container: object_name(name)?, call, query: query(known)? })
            }
            (method, ["exec", id, verb]) => {
                let (call, known): (_, &[&str]) = match (method, *verb) {
                    ("POST", "start") => (ExecCall::Start, &[]),
                    ("GET", "json") => (ExecCall::Inspect, &[]),
                    ("POST", "resize") => (ExecCall::Resize, &["h", "w"]),
                    _ => return Err(not_offered(asked)),
                };
                Ok(Call::Exec { exec: object_name(id)?, call, query: query(known)? })
            }
            _ => Err(not_offered(asked)),
        }
    }

    /// The target for the engine; `id` is what the object was found to be.
    pub fn target(&self, id: &str) -> String {
        let mut target = String::new();
        let query = match self {
            Call::Ping => return "/_ping".to_owned(),
            Call::Version => return "/version".to_owned(),
            Call::Info => return "/info".to_owned(),
            Call::InspectImage { image } => {
                target.push_str("/images/");
                for (number, part) in image.split('/').enumerate() {
                    target.push_str(if number == 0 { "" } else { "/" });
                    encode(part, &mut target);
                }
                target.push_str("/json");
                return target;
            }
            Call::Pull { query, .. } => {
                target.push_str("/images/create");
                query
            }
            Call::Create { query } => {
                target.push_str("/containers/create");
                query
            }
            Call::List { query } => {
                target.push_str("/containers/json");
                query
            }
            Call::Container { call, query, .. } => {
                target.push_str("/containers/");
                encode(id, &mut target);
                target.push_str(call.verb());
                query
            }
            Call::Exec { call, query, .. } => {
                target.push_str("/exec/");
                encode(id, &mut target);
                target.push_str(match call {
                    ExecCall::Start => "/start",
                    ExecCall::Inspect => "/json",
                    ExecCall::Resize => "/resize",
                });
                query
            }
        };
        query.write(&mut target);
        target
    }

    /// The body that it brings. That of a start is left out: older versions of the API took limits and rights from it.
    pub fn body(&self) -> Body {
        match self {
            Call::Create { .. }
            | Call::Container { call: ContainerCall::Exec, .. }
            | Call::Exec { call: ExecCall::Start, .. } => Body::Json(JSON_MAX),
            Call::Container { call: ContainerCall::PutArchive, .. } => Body::Stream(ARCHIVE_MAX),
            _ => Body::None,
        }
    }
}

impl ContainerCall {
    fn verb(self) -> &'static str {
        match self {
            ContainerCall::Inspect => "/json",
            ContainerCall::Start => "/start",
            ContainerCall::Stop => "/stop",
            ContainerCall::Kill => "/kill",
            ContainerCall::Wait => "/wait",
            ContainerCall::Logs => "/logs",
            ContainerCall::Attach => "/attach",
            ContainerCall::Resize => "/resize",
            ContainerCall::Remove => "",
            ContainerCall::GetArchive | ContainerCall::StatArchive | ContainerCall::PutArchive => "/archive",
            ContainerCall::Exec => "/exec",
        }
    }
}

type Known = &'static [&'static str];

fn container_call(method: &str, verb: &[&str]) -> Option<(ContainerCall, Known)> {
    let found: (ContainerCall, Known) = match (method, verb) {
        ("GET", ["json"]) => (ContainerCall::Inspect, &["size"]),
        ("POST", ["start"]) => (ContainerCall::Start, &["detachKeys"]),
        ("POST", ["stop"]) => (ContainerCall::Stop, &["t", "signal"]),
        ("POST", ["kill"]) => (ContainerCall::Kill, &["signal"]),
        ("POST", ["wait"]) => (ContainerCall::Wait, &["condition"]),
        ("GET", ["logs"]) => {
            let known = &["follow", "stdout", "stderr", "since", "until", "timestamps", "tail", "details"];
            (ContainerCall::Logs, known)
        }
        ("POST", ["attach"]) => {
            (ContainerCall::Attach, &["stream", "stdin", "stdout", "stderr", "logs", "detachKeys"])
        }
        ("POST", ["resize"]) => (ContainerCall::Resize, &["h", "w"]),
        ("DELETE", []) => (ContainerCall::Remove, &["v", "force"]),
        ("GET", ["archive"]) => (ContainerCall::GetArchive, &["path"]),
        ("HEAD", ["archive"]) => (ContainerCall::StatArchive, &["path"]),
        ("PUT", ["archive"]) => (ContainerCall::PutArchive, &["path", "noOverwriteDirNonDir", "copyUIDGID"]),
        ("POST", ["exec"]) => (ContainerCall::Exec, &[]),
        _ => return None,
    };
    Some(found)
}

/// `POST /images/create`: a pull, never an import, never all tags at once.
fn pull(query: &str) -> Result<Call, Refusal> {
    let query =
        Query::read(query, &["fromImage", "tag", "platform", "fromSrc", "repo", "message", "changes"])?;
    for import in ["fromSrc", "repo", "message", "changes"] {
        if query.get(import).is_some_and(|value| !value.is_empty()) {
            return Err(Refusal::forbidden("pools-D57 calls", "images are pulled, not imported"));
        }
    }
    let mut reference = image(query.get("fromImage").unwrap_or_default())?;
    let named =
        reference.contains('@') || reference.rsplit('/').next().is_some_and(|last| last.contains(':'));
    match query.get("tag").filter(|tag| !tag.is_empty()) {
        Some(digest) if digest.contains(':') => reference = format!("{reference}@{digest}"),
        Some(tag) => reference = format!("{reference}:{tag}"),
        None if named => {}
        None => {
            return Err(Refusal::forbidden(
                "pools-D57 pull",
                format!("all tags of '{reference}' at once are not pulled; name one"),
            ));
        }
    }
    Ok(Call::Pull { image: image(&reference)?, query })
}

/// Checks the form of an image's reference.
pub(super) fn image(text: &str) -> Result<String, Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/@".contains(&byte);
    let fits = !text.is_empty()
        && text.len() <= NAME_MAX
        && text.bytes().all(plain)
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if fits { Ok(text.to_owned()) } else { Err(Refusal::malformed(format!("'{text}' names no image"))) }
}

/// Name or id of a container, or id of an exec.
fn object_name(text: &str) -> Result<String, Refusal> {
    let name = decode(text, false)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = !name.is_empty()
        && name.len() <= NAME_MAX
        && name.bytes().all(plain)
        && name.as_bytes()[0].is_ascii_alphanumeric();
    if fits { Ok(name) } else { Err(Refusal::malformed(format!("'{name}' names no object"))) }
}

/// `v1.41`.
fn is_version(part: &str) -> bool {
    let digits = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = part.strip_prefix('v').and_then(|rest| rest.split_once('.'));
    numbers.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

fn not_offered(asked: Asked<'_>) -> Refusal {
    let (rule, hint) = match asked.path {
        path if path.ends_with("/build") => ("pools-D59", "; images are not built through it"),
        _ => ("pools-D57 calls", ""),
    };
    Refusal::forbidden(rule, format!("{} {} is not offered{hint}", asked.method, asked.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(line: &str) -> Result<Call, Refusal> {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Call::decide(Asked { method, path, query, upgrade: false })
    }

    #[test]
    fn pools_d57_the_calls_of_the_contract_are_offered_under_any_version() {
        for (line, target) in [
            ("HEAD /_ping", "/_ping"),
            ("GET /v1.41/_ping", "/_ping"),
            ("GET /v1.24/version", "/version"),
            ("GET /info", "/info"),
            ("POST /v1.41/images/create?fromImage=debian&tag=10", "/images/create?fromImage=debian&tag=10"),
            ("GET /v1.41/images/a.b/c/d:1/json", "/images/a.b/c/d%3A1/json"),
            ("POST /v1.41/containers/create?name=x", "/containers/create?name=x"),
            ("GET /v1.41/containers/json?all=1", "/containers/json?all=1"),
            ("POST /containers/abc/wait?condition=next-exit", "/containers/ID/wait?condition=next-exit"),
            ("DELETE /containers/abc?force=1&v=1", "/containers/ID?force=1&v=1"),
            ("PUT /containers/abc/archive?path=%2Ftmp", "/containers/ID/archive?path=%2Ftmp"),
            ("POST /exec/abc/start", "/exec/ID/start"),
        ] {
            assert_eq!(decide(line).unwrap().target("ID"), target, "{line}");
        }
    }

    #[test]
    fn pools_d57_everything_else_is_refused() {
        for line in [
            "GET /",
            "GET //info",
            "GET /v1.41/v1.41/info",
            "GET /containers/../info",
            "GET /containers/%2e%2e/json",
            "GET /containers/a%2fb/json",
            "GET /containers/a%00/json",
            "POST /containers/prune",
            "POST /containers/abc/update",
            "POST /containers/abc/rename?name=x",
            "POST /containers/abc/restart",
            "POST /containers/abc/start/",
            "GET /containers/abc/attach/ws",
            "GET /containers/abc/export",
            "POST /build?t=x",
            "POST /session",
            "POST /grpc",
            "POST /commit?container=abc",
            "POST /auth",
            "GET /events",
            "GET /images/json",
            "DELETE /images/debian",
            "POST /images/load",
            "POST /images/debian/push",
            "GET /images/../containers/json",
            "POST /images/create?fromSrc=-&repo=x",
            "POST /images/create?fromImage=debian",
            "POST /networks/create",
            "GET /volumes",
            "POST /volumes/create",
            "GET /swarm",
            "POST /plugins/pull",
            "GET /containers/json?filters=%7B%7D&filters=%7B%7D",
            "POST /containers/create?name=causeway-1",
            "POST /containers/create?name=/causeway-1",
            "post /containers/create",
            "POST /CONTAINERS/create",
        ] {
            assert!(decide(line).is_err(), "{line}");
        }
    }

    #[test]
    fn another_protocol_is_only_for_streams() {
        let ask = |method, path| Call::decide(Asked { method, path, query: "", upgrade: true });
        assert!(ask("POST", "/containers/a/attach").is_ok());
        assert!(ask("POST", "/exec/a/start").is_ok());
        for (method, path) in
            [("GET", "/_ping"), ("POST", "/containers/create"), ("POST", "/containers/a/start")]
        {
            assert!(ask(method, path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_start_has_no_body_of_its_own() {
        assert_eq!(decide("POST /v1.18/containers/a/start").unwrap().body(), Body::None);
    }
}
