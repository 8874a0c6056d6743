//! Builder `python`: a script of the Python plugin. Its only argument is the script. It is run by whatever `python` the image has, as
//! the plugin runs it: the program's name and the script's path.

use std::sync::Arc;

use jjb_compat::{Component, Value};

use super::options::text;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::ShellStep;
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<Arc<ShellStep>> {
    scope.script(component, || {
        if let Value::Null | Value::Seq(_) | Value::Map(_) = component.arguments.value {
            let message = format!("a script is expected, not {}", component.arguments.kind());
            scope.find(Weight::Error, component, component.place, Problem::error("wrong-type", message));
            return None;
        }
        Some(ShellStep {
            interpreter: vec!["python".to_owned()],
            script: text(&component.arguments).replace("\r\n", "\n"),
            unstable_return: None,
            place: scope.place(component.place),
        })
    })
}
