//! Parameters (jjb-T25): `string`, `text`, `bool`, `choice`, `password`. Options: `name` (required), `default`, `description`;
//! `choices` of `choice` (required), `trim` of `string` (false).

use jjb_compat::Component;

use super::options::{Options, text};
use super::scope::Scope;
use super::unsupported;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::{ParameterDeclaration, ParameterKind};
use crate::model::Problem;

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<ParameterDeclaration> {
    let mut options = Options::of(scope, component);
    let kind = match &*component.name {
        "string" => ParameterKind::String,
        "text" => ParameterKind::Text,
        "bool" => ParameterKind::Bool,
        "choice" => ParameterKind::Choice(
            options.list("choices").iter().map(|node| text(node).into_owned()).collect(),
        ),
        "password" => ParameterKind::Password,
        _ => {
            unsupported::report(scope, component);
            return None;
        }
    };
    let name = options.need("name");
    let description = options.text_or("description", "");
    let written = options.text("default");
    let default = match &kind {
        ParameterKind::Bool => written.is_some_and(|text| text.eq_ignore_ascii_case("true")).to_string(),
        ParameterKind::Choice(choices) => choices.first().cloned().unwrap_or_default(),
        ParameterKind::Password => password(&options, written),
        ParameterKind::String | ParameterKind::Text => written.unwrap_or_default(),
    };
    match &kind {
        ParameterKind::String => options.without_effect("trim", "values are passed on as they come"),
        ParameterKind::Choice(choices) if choices.is_empty() => {
            let problem =
                Problem::error("missing-option", "a choice without 'choices' has nothing to choose from");
            options.find(Weight::Error, "choices", problem.cure("add 'choices'"));
        }
        _ => {}
    }
    options.close();
    name.map(|name| ParameterDeclaration { name, kind, default, description })
}

/// Jenkins stores a password's default encrypted with its own key, which nobody else has.
fn password(options: &Options<'_>, written: Option<String>) -> String {
    if written.is_some_and(|text| !text.is_empty()) {
        let problem = Problem::note("password-default", "the default of a password is not taken over")
            .because("it is encrypted with a key that only that Jenkins has")
            .cure("keep it as a credential and bind it");
        options.find(Weight::Difference, "default", problem);
    }
    String::new()
}
