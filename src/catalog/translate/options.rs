//! The options of one component: each is read, refused, or noted; none is passed over (jjb-T51).

use std::borrow::Cow;

use jjb_compat::{Component, Map, Node, Place, Style, Value};

use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::model::Problem;

/// The mapping of a component's options while it is read.
pub(super) struct Options<'a> {
    scope: &'a Scope<'a>,
    component: &'a Component,
    map: Option<&'a Map>,
    place: Place,
    known: Vec<&'static str>,
}

/// A value as Job Builder prints it into Jenkins' form: `str()`, and small letters for booleans.
pub(super) fn text(node: &Node) -> Cow<'_, str> {
    match node.value {
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        _ => node.text(Style::Ordered),
    }
}

impl<'a> Options<'a> {
    /// The options of a component; nothing at all is a mapping without keys.
    pub(super) fn of(scope: &'a Scope<'a>, component: &'a Component) -> Options<'a> {
        Options::inside(scope, component, &component.arguments)
    }

    /// The options of a mapping inside a component's arguments.
    pub(super) fn inside(scope: &'a Scope<'a>, component: &'a Component, node: &'a Node) -> Options<'a> {
        let place = if node.place.is_somewhere() { node.place } else { component.place };
        let map = node.as_map();
        if map.is_none() && node.truth() {
            let message = format!("options are expected, not {}", node.kind());
            let problem = Problem::error("wrong-type", message).cure("write 'option: value' lines");
            scope.find(Weight::Error, component, place, problem);
        }
        Options { scope, component, map, place, known: Vec::new() }
    }

    /// Where an option stands; without it, where the component does.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.map.and_then(|map| map.get(key)).map_or(self.place, |node| node.place)
    }

    /// Adds a finding about an option.
    pub(super) fn find(&self, weight: Weight, key: &str, problem: Problem) {
        self.scope.find(weight, self.component, self.place_of(key), problem);
    }

    /// The value of an option as it was written; null is absent.
    pub(super) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        self.map?.get(key).filter(|node| !node.is_null())
    }

    /// One text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.node(key)?;
        match node.value {
            Value::Seq(_) | Value::Map(_) => {
                let problem = Problem::error(
                    "wrong-type",
                    format!("'{key}' is {}, where a text is expected", node.kind()),
                );
                self.find(Weight::Error, key, problem.cure("write one value"));
                None
            }
            _ => Some(text(node).into_owned()),
        }
    }

    /// One text, or the default.
    pub(super) fn text_or(&mut self, key: &'static str, default: &str) -> String {
        self.text(key).unwrap_or_else(|| default.to_owned())
    }

    /// A text without which Job Builder stops.
    pub(super) fn need(&mut self, key: &'static str) -> Option<String> {
        let text = self.text(key);
        // A value of the wrong type has been found already.
        let written = self.map.and_then(|map| map.get(key)).is_some_and(|node| !node.is_null());
        if text.is_none() && !written {
            let problem = Problem::error("missing-option", format!("'{key}' is missing"));
            self.find(
                Weight::Error,
                key,
                problem.because("Job Builder stops here too").cure(format!("add '{key}'")),
            );
        }
        text
    }

    /// A switch. Jenkins takes every text but `true` for no.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.text(key).map_or(default, |text| text.eq_ignore_ascii_case("true"))
    }

    /// A whole number.
    pub(super) fn whole(&mut self, key: &'static str) -> Option<i64> {
        let text = self.text(key)?;
        let number = text.trim().parse().ok();
        if number.is_none() {
            let problem = Problem::error(
                "wrong-type",
                format!("'{key}' is '{}', where a whole number is expected", text.escape_debug()),
            );
            self.find(Weight::Error, key, problem.cure("write digits only"));
        }
        number
    }

    /// A list; a single value is a list of one.
    pub(super) fn list(&mut self, key: &'static str) -> &'a [Node] {
        match self.node(key) {
            None => &[],
            Some(node) => node.as_seq().unwrap_or(std::slice::from_ref(node)),
        }
    }

    /// An option that is harmless to leave out, with the reason; only noted when it is set to something.
    pub(super) fn without_effect(&mut self, key: &'static str, why: &str) {
        if self.node(key).is_some_and(Node::truth) {
            let problem = Problem::note("option-without-effect", format!("'{key}' has no effect here"));
            self.find(Weight::Difference, key, problem.because(why));
        }
    }

    /// An option that upstream carries and we do not: any value but the default keeps the job where it is.
    pub(super) fn not_carried(&mut self, key: &'static str, default: &str) {
        let Some(node) = self.node(key) else { return };
        if text(node) != default {
            let problem =
                Problem::error("option-not-carried", format!("the option '{key}' is not carried yet"));
            self.find(Weight::Stays, key, problem.cure("remove the option, or leave the job on Jenkins"));
        }
    }

    /// Ends the reading: an option that nobody knows has no effect in Jenkins either.
    pub(super) fn close(self) {
        for (key, value) in self.map.into_iter().flat_map(Map::iter) {
            let name = text(key);
            if self.known.contains(&&*name) {
                continue;
            }
            let problem =
                Problem::note("unknown-option", format!("'{name}' is no option of {}", self.component.name))
                    .because(
                        "Job Builder passes it over without a word, so it has no effect in Jenkins either",
                    )
                    .cure("remove it, or mend its spelling");
            let place = if key.place.is_somewhere() { key.place } else { value.place };
            self.scope.find(Weight::Difference, self.component, place, problem);
        }
    }
}
