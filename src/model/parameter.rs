//! Parameters of a build: what Zuul, a person or another build passed on.

use std::borrow::Cow;

/// One value. Zuul's parameter functions put in more than text (zuul-Z-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// Text of any content, line breaks included (jjb-T24).
    Text(String),
    /// A number as it was written: `30` stays `30`, `1.5` stays `1.5`.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// Absent; Jenkins stores the empty string.
    Null,
}

impl ParameterValue {
    /// The value as a step's environment has it (zuul-Z-3, decision 14).
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            ParameterValue::Text(text) | ParameterValue::Number(text) => Cow::Borrowed(text),
            ParameterValue::Bool(true) => Cow::Borrowed("true"),
            ParameterValue::Bool(false) => Cow::Borrowed("false"),
            ParameterValue::Null => Cow::Borrowed(""),
        }
    }
}

/// A parameter: name and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name as it was given; the environment also has it in upper case (jjb-T22).
    pub name: String,
    /// The value.
    pub value: ParameterValue,
}

/// The parameters of a build, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(pub Vec<Parameter>);

impl Parameters {
    /// The value of the parameter called `name`, as text.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.value.text())
    }
}
