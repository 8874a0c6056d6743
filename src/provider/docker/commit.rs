//! Images of a build's container (docker-M5, M37): with the configuration of the image that it was made from, so that neither the keeper
//! nor our marks get into it.

use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Map, Value, json};

use super::build::SCOPE;
use super::container::{INSTANCE, MARKS, external_name, mark_value, room_name};
use super::guard::{EngineSocket, full, request, whole};
use super::workshop::DockerWorkshop;
use crate::image::Committed;
use crate::pool::provider::ProviderError;

impl DockerWorkshop {
    /// Makes an image of the build container, or of the node.
    pub(super) async fn make_image(&self, of_room: bool) -> Result<Committed, ProviderError> {
        let socket = self.config.engine.strip_prefix("unix://").unwrap_or_default();
        let engine = EngineSocket(socket.into());
        let node = self.lease.node;
        let name = if of_room { room_name(&self.config, node) } else { external_name(&self.config, node) };
        let look = async |target: String| {
            let found = engine.look(&target).await;
            let found = found.map_err(|trouble| ProviderError::Transient(trouble.to_string()))?;
            found.ok_or_else(|| ProviderError::Permanent("the build's container is gone".to_owned()))
        };
        let container = look(format!("/containers/{name}/json")).await?;
        let image = container.get("Image").and_then(Value::as_str).unwrap_or_default();
        let image = look(format!("/images/{image}/json")).await?;
        let body = configuration(image.get("Config"), &self.config.instance);
        let asked =
            request(Method::POST, &format!("/commit?container={name}&pause=1"), full(body.to_string()));
        let broken = |trouble: super::guard::Trouble| ProviderError::Transient(trouble.to_string());
        let mut asked = asked.map_err(broken)?;
        asked.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = engine.send(asked).await.map_err(broken)?;
        let status = response.status().as_u16();
        let answer: Value =
            serde_json::from_slice(&whole(response.into_body()).await.map_err(broken)?).unwrap_or_default();
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if status != 201 {
            return Err(ProviderError::Permanent(text("message")));
        }
        let made = look(format!("/images/{}/json", text("Id"))).await?;
        let configuration = made.get("Config").map(Value::to_string).unwrap_or_default();
        Ok(Committed { id: text("Id"), configuration })
    }
}

/// The image's own configuration, with everything filled in that the engine would else take from the container: its entry point is the
/// keeper, its user the steps', and its labels say that it is a node of ours.
fn configuration(of_image: Option<&Value>, instance: &str) -> Value {
    let mut config = of_image.and_then(Value::as_object).cloned().unwrap_or_default();
    for list in ["Entrypoint", "Cmd"] {
        if config.get(list).is_none_or(Value::is_null) {
            config.insert(list.to_owned(), json!([]));
        }
    }
    let unset = |value: Option<&Value>| value.and_then(Value::as_str).is_none_or(str::is_empty);
    for (key, plain) in [("User", "0"), ("WorkingDir", "/")] {
        if unset(config.get(key)) {
            config.insert(key.to_owned(), json!(plain));
        }
    }
    let mut labels = config.get("Labels").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    for mark in MARKS {
        labels.insert(mark.to_owned(), json!(""));
    }
    labels.insert(INSTANCE.to_owned(), json!(mark_value(instance)));
    labels.insert(SCOPE.to_owned(), json!("commit"));
    config.insert("Labels".to_owned(), Value::Object(labels));
    Value::Object(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_m37_nothing_of_the_node_gets_into_the_image() {
        let plain = configuration(Some(&json!({"Entrypoint": null, "User": "", "Labels": {"a": "b"}})), "i");
        assert_eq!(
            (&plain["Entrypoint"], &plain["Cmd"], &plain["User"]),
            (&json!([]), &json!([]), &json!("0"))
        );
        assert_eq!((&plain["Labels"]["a"], &plain["Labels"]["causeway.kind"]), (&json!("b"), &json!("")));
        let own = configuration(Some(&json!({"Entrypoint": ["/x"], "Cmd": ["y"], "User": "5"})), "i");
        assert_eq!((&own["Entrypoint"], &own["User"]), (&json!(["/x"]), &json!("5")));
    }
}
