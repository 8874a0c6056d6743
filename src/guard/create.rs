//! The definition of a container: read, judged, and written anew.

use serde_json::{Map, Value, json};

use super::call::image;
use super::grant::{Grant, MARK_PREFIX};
use super::host_config::host_config;
use super::mounts::Bind;
use super::query::Query;
use super::refusal::Refusal;
use super::value::{self, Rule, is_empty};

/// A container that may be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Creation {
    /// The engine's body, without the binds.
    pub body: Value,
    /// The directories to open and to add.
    pub binds: Vec<Bind>,
    /// Whether it goes by itself when it ends.
    pub auto_remove: bool,
}

const TABLE: &[(&str, Rule)] = &[
    ("Hostname", Rule::Pass),
    ("Domainname", Rule::Pass),
    ("User", Rule::Pass),
    ("AttachStdin", Rule::Pass),
    ("AttachStdout", Rule::Pass),
    ("AttachStderr", Rule::Pass),
    ("Tty", Rule::Pass),
    ("OpenStdin", Rule::Pass),
    ("StdinOnce", Rule::Pass),
    ("Env", Rule::Pass),
    ("Cmd", Rule::Pass),
    ("ArgsEscaped", Rule::Pass),
    ("Image", Rule::Known),
    ("Volumes", Rule::Known),
    ("WorkingDir", Rule::Pass),
    ("Entrypoint", Rule::Pass),
    ("OnBuild", Rule::Empty("pools-D57 options")),
    ("Labels", Rule::Known),
    ("HostConfig", Rule::Known),
    ("NetworkingConfig", Rule::Known),
    ("NetworkDisabled", Rule::Pass),
    ("MacAddress", Rule::Empty("pools-D57 network")),
    ("ExposedPorts", Rule::Pass),
    ("StopSignal", Rule::Pass),
    ("StopTimeout", Rule::Pass),
    ("Healthcheck", Rule::Pass),
    ("Shell", Rule::Pass),
];

/// Judges the body of `POST /containers/create`.
///
/// # Errors
/// What the lease may not have; the refusal names the rule.
pub fn create(bytes: &[u8], grant: &Grant) -> Result<Creation, Refusal> {
    let asked = value::body(bytes)?;
    let mut out = value::sift(&asked, TABLE)?;
    let image = image(&value::text(&asked, "Image")?)?;
    grant.uses(&image)?;
    out.insert("Image".to_owned(), json!(image));
    out.insert("Labels".to_owned(), labels(&value::object(&asked, "Labels")?, grant)?);
    out.insert("Volumes".to_owned(), volumes(&value::object(&asked, "Volumes")?)?);
    let host = value::object(&asked, "HostConfig")?;
    end_points(&value::object(&asked, "NetworkingConfig")?)?;
    let (host, binds) = host_config(&host, &image, grant)?;
    let auto_remove = host.get("AutoRemove") == Some(&Value::Bool(true));
    out.insert("HostConfig".to_owned(), Value::Object(host));
    Ok(Creation { body: Value::Object(out), binds, auto_remove })
}

/// The job's labels and the marks, which nobody else sets.
fn labels(asked: &Map<String, Value>, grant: &Grant) -> Result<Value, Refusal> {
    let mut out = Map::new();
    for (name, value) in asked {
        if name.to_ascii_lowercase().starts_with(MARK_PREFIX) {
            return Err(Refusal::forbidden(
                "pools-D57 marks",
                format!("the label '{name}': labels that begin with '{MARK_PREFIX}' are Causeway's own"),
            ));
        }
        if !value.is_string() {
            return Err(value::wrong("Labels"));
        }
        out.insert(name.clone(), value.clone());
    }
    for (name, value) in &grant.marks {
        out.insert(name.clone(), json!(value));
    }
    Ok(Value::Object(out))
}

/// Volumes without a name (`--volume /path`).
fn volumes(asked: &Map<String, Value>) -> Result<Value, Refusal> {
    if asked.values().all(is_empty) {
        return Ok(Value::Object(asked.clone()));
    }
    Err(Refusal::forbidden("pools-D57 volumes", "'Volumes' may only name paths"))
}

/// Newer clients describe the network a second time; nothing may stand there.
fn end_points(asked: &Map<String, Value>) -> Result<(), Refusal> {
    value::sift(asked, &[("EndpointsConfig", Rule::Known)])?;
    for (network, settings) in value::object(asked, "EndpointsConfig")? {
        let empty = settings.as_object().is_none_or(|settings| settings.values().all(is_empty));
        if !empty || !matches!(network.as_str(), "default" | "bridge" | "none") {
            return Err(Refusal::forbidden(
                "pools-D57 network",
                format!("settings of the network '{network}'"),
            ));
        }
    }
    Ok(())
}

impl Grant {
    /// Whether the label lets this image be used.
    ///
    /// # Errors
    /// [`Refusal`] by pools-D32.
    pub fn uses(&self, image: &str) -> Result<(), Refusal> {
        if self.rules.images.has(image) {
            return Ok(());
        }
        Err(Refusal::forbidden("pools-D32", format!("the label's guard.images does not have '{image}'")))
    }

    /// Adds to a listing that only own containers are meant.
    ///
    /// # Errors
    /// Filters that cannot be read.
    pub fn only_own(&self, query: &mut Query) -> Result<(), Refusal> {
        let broken = || Refusal::malformed("the filters cannot be read");
        let mut filters: Map<String, Value> = match query.get("filters").filter(|text| !text.is_empty()) {
            None => Map::new(),
            Some(text) => serde_json::from_str(text).map_err(|_| broken())?,
        };
        let mut labels = match filters.remove("label") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(labels)) => labels,
            // The older form.
            Some(Value::Array(labels)) => labels
                .into_iter()
                .map(|label| label.as_str().map(|label| (label.to_owned(), json!(true))).ok_or_else(broken))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(broken()),
        };
        for (name, value) in &self.marks {
            labels.insert(format!("{name}={value}"), json!(true));
        }
        filters.insert("label".to_owned(), Value::Object(labels));
        for values in filters.values_mut() {
            if let Value::Array(list) = values {
                let as_set =
                    list.iter().filter_map(Value::as_str).map(|value| (value.to_owned(), json!(true)));
                *values = Value::Object(as_set.collect());
            }
        }
        query.set("filters", Value::Object(filters).to_string());
        Ok(())
    }

    /// Whether an object with these labels is the lease's own.
    pub fn owns(&self, labels: &Value) -> bool {
        !self.marks.is_empty()
            && self.marks.iter().all(|(name, value)| labels.get(name).and_then(Value::as_str) == Some(value))
    }
}

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
