//! Defaults (rule jjb-J61).

use super::{Classic, STYLE};
use crate::node::{Map, Node};
use crate::place::Place;
use crate::problem::{Problem, Result};

impl Classic<'_, '_> {
    /// The set that `data` names (else `global`), overlaid by `data`. Keys of the set that `template` has take its values.
    pub(super) fn with_defaults(&self, data: &Map, place: Place, template: Option<&Map>) -> Result<Map> {
        let global = Node::str("global", place);
        let name = data.get("defaults").unwrap_or(&global);
        let set = self.find("defaults", name);
        if set.is_none() && name.as_str() != Some("global") {
            return Problem::error(
                "unknown-defaults",
                name.place,
                format!("there are no defaults '{}'", name.text(STYLE)),
            )
            .cure("correct the name, or add a 'defaults' element with it")
            .fail();
        }
        let mut out = match set {
            Some(set) => Map::clone(&set.body),
            None => Map::with_capacity(data.len()),
        };
        if let Some(template) = template {
            for (key, value) in template.iter() {
                if out.has_node(key) {
                    out.insert(key.clone(), value.clone());
                }
            }
        }
        out.overlay(data);
        Ok(out)
    }
}
