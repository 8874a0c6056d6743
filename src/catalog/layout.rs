//! Which jobs a Zuul v2 layout names, and how often: what a plan is weighted by.

use std::collections::{BTreeMap, BTreeSet};

use serde_yaml::Value;

/// How often each job is named: once for each project and pipeline.
#[derive(Debug, Clone, Default)]
pub struct LayoutUses {
    uses: BTreeMap<String, usize>,
}

/// The job that Zuul itself answers.
const NOOP: &str = "noop";

impl LayoutUses {
    /// Reads a layout.
    ///
    /// # Errors
    /// When it is no YAML.
    pub fn parse(text: &str) -> Result<LayoutUses, serde_yaml::Error> {
        let layout: Value = serde_yaml::from_str(text)?;
        let pipelines: BTreeSet<&str> =
            list(layout.get("pipelines")).filter_map(|pipeline| pipeline.get("name")?.as_str()).collect();
        let templates: BTreeMap<&str, &Value> = list(layout.get("project-templates"))
            .filter_map(|item| Some((item.get("name")?.as_str()?, item)))
            .collect();
        let mut layout_uses = LayoutUses::default();
        for project in list(layout.get("projects")) {
            for pipeline in &pipelines {
                let mut jobs = BTreeSet::new();
                names(project.get(*pipeline), &|name| name.to_owned(), &mut jobs);
                for wanted in list(project.get("template")) {
                    let Some(template) = wanted.get("name").and_then(|name| templates.get(name.as_str()?))
                    else {
                        continue;
                    };
                    let fill = |name: &str| filled(name, wanted, project);
                    names(template.get(*pipeline), &fill, &mut jobs);
                }
                for job in jobs.into_iter().filter(|job| job != NOOP) {
                    *layout_uses.uses.entry(job).or_default() += 1;
                }
            }
        }
        Ok(layout_uses)
    }

    /// How often a job is named.
    pub fn of(&self, job: &str) -> usize {
        self.uses.get(job).copied().unwrap_or(0)
    }

    /// The names that it has.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.uses.keys().map(String::as_str)
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_sequence).into_iter().flatten()
}

/// The jobs of a pipeline: names, lists of them, and mappings from a job to those that follow it.
fn names(value: Option<&Value>, fill: &dyn Fn(&str) -> String, jobs: &mut BTreeSet<String>) {
    match value {
        Some(Value::String(name)) => {
            jobs.insert(fill(name));
        }
        Some(Value::Sequence(items)) => items.iter().for_each(|item| names(Some(item), fill, jobs)),
        Some(Value::Mapping(entries)) => {
            for (name, next) in entries {
                names(Some(name), fill, jobs);
                names(Some(next), fill, jobs);
            }
        }
        _ => {}
    }
}

/// A template's fields: those of its use, and `{name}` for the last part of the project's name.
fn filled(name: &str, wanted: &Value, project: &Value) -> String {
    let mut out = name.to_owned();
    for (key, value) in wanted.as_mapping().into_iter().flatten() {
        if let (Some(key), Some(value)) = (key.as_str().filter(|key| *key != "name"), value.as_str()) {
            out = out.replace(&format!("{{{key}}}"), value);
        }
    }
    let full = project.get("name").and_then(Value::as_str).unwrap_or_default();
    out.replace("{name}", full.rsplit('/').next().unwrap_or(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_trees_and_templates_count_once_a_pipeline() {
        let text = "\
pipelines: [{name: check}, {name: gate}]
project-templates:
  - {name: unit, check: ['{name}-unit-{os}'], gate: ['{name}-unit-{os}']}
projects:
  - name: ops/a
    template: [{name: unit, os: jessie}]
    check: [lint, {first: [second, {third: lint}]}]
    gate: noop
    merge-mode: cherry-pick
  - {name: b, gate: lint}
";
        let uses = LayoutUses::parse(text).unwrap();
        let counts: Vec<(&str, usize)> = uses.names().map(|name| (name, uses.of(name))).collect();
        assert_eq!(counts, [("a-unit-jessie", 2), ("first", 1), ("lint", 2), ("second", 1), ("third", 1)]);
        assert_eq!(uses.of("noop"), 0);
    }
}
