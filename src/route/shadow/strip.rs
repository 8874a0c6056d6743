//! A recipe without effects outside: what publishes, uploads, triggers, notifies and deploys is named and not run.

use crate::catalog::recipe::{Publisher, Recipe, Step};

/// A recipe for a shadow build.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stripped {
    pub recipe: Recipe,
    /// What it does not do, for people.
    pub left_out: Vec<String>,
    /// The credentials that it needs.
    pub needs: Vec<String>,
}

/// Takes the effects out.
pub(super) fn without_effects(mut recipe: Recipe) -> Stripped {
    let mut left_out = Vec::new();
    recipe.steps = steps(recipe.steps, &mut left_out);
    recipe.publishers =
        recipe.publishers.into_iter().filter_map(|one| publisher(one, &mut left_out)).collect();
    if let Some(commit) = &mut recipe.commit
        && commit.push
    {
        commit.push = false;
        commit.credential = None;
        left_out.push("the push of the build's image".to_owned());
    }
    let needs = needs(&recipe);
    Stripped { recipe, left_out, needs }
}

fn publisher(publisher: Publisher, left_out: &mut Vec<String>) -> Option<Publisher> {
    match publisher {
        Publisher::PostBuildScript(mut script) => {
            for group in &mut script.groups {
                group.steps = steps(std::mem::take(&mut group.steps), left_out);
            }
            Some(Publisher::PostBuildScript(script))
        }
        Publisher::Mail(_) => {
            left_out.push("the mail".to_owned());
            None
        }
        Publisher::StartsAfter(_) => {
            left_out.push("the start of other jobs after the build".to_owned());
            None
        }
        kept @ (Publisher::Archive(_) | Publisher::TestReports(_)) => Some(kept),
    }
}

fn steps(steps: Vec<Step>, left_out: &mut Vec<String>) -> Vec<Step> {
    steps.into_iter().filter_map(|one| step(one, left_out)).collect()
}

fn step(step: Step, left_out: &mut Vec<String>) -> Option<Step> {
    match step {
        Step::TriggerBuilds(trigger) => {
            let jobs = trigger.starts.iter().flat_map(|start| &start.jobs);
            let jobs: Vec<String> = jobs.map(ToString::to_string).collect();
            left_out.push(format!("the start of {}", jobs.join(", ")));
            None
        }
        Step::BuildImage(mut image) if image.push => {
            image.push = false;
            image.credential = None;
            left_out.push(format!("the push of an image ({})", image.component));
            image.source.is_some().then_some(Step::BuildImage(image))
        }
        Step::Conditional(mut conditional) => {
            conditional.steps = steps(std::mem::take(&mut conditional.steps), left_out);
            Some(Step::Conditional(conditional))
        }
        kept @ (Step::Shell(_) | Step::PullImage(_) | Step::BuildImage(_) | Step::Inject(_)) => Some(kept),
    }
}

/// Ids of the credentials that the recipe uses still.
fn needs(recipe: &Recipe) -> Vec<String> {
    let mut needs: Vec<String> = recipe.credentials.iter().map(|one| one.credential.clone()).collect();
    needs.extend(recipe.ssh_agent.iter().cloned());
    needs.extend(recipe.build_container.iter().filter_map(|container| container.credential.clone()));
    pulls(&recipe.steps, &mut needs);
    needs.sort();
    needs.dedup();
    needs
}

fn pulls(steps: &[Step], needs: &mut Vec<String>) {
    for step in steps {
        match step {
            Step::PullImage(pull) => needs.extend(pull.credential.clone()),
            Step::BuildImage(image) => needs.extend(image.credential.clone()),
            Step::Conditional(conditional) => pulls(&conditional.steps, needs),
            Step::Shell(_) | Step::TriggerBuilds(_) | Step::Inject(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::recipe::{BindingForm, CredentialBinding, Place};

    #[test]
    fn effects_are_named_and_gone_and_credentials_are_asked_for() {
        let shell = |script: &str| {
            serde_json::json!({"Shell": {"interpreter": ["/bin/sh"], "script": script, "unstable_return": null,
                "place": {"file": "f", "line": 1}}})
        };
        let steps: Vec<Step> = serde_json::from_value(serde_json::json!([
            shell("make"),
            {"BuildImage": {"component": "docker-build-publish", "source": null,
                "names": {"References": "r"}, "push": true, "credential": "registry",
                "place": {"file": "f", "line": 2}}},
        ]))
        .unwrap();
        let binding = CredentialBinding {
            credential: "token".to_owned(),
            form: BindingForm::Text { variable: "T".to_owned() },
            place: Place::default(),
        };
        let starts = serde_json::json!({"StartsAfter": {"publisher": "trigger", "starts": [],
            "place": {"file": "f", "line": 3}}});
        let recipe = Recipe {
            steps,
            publishers: vec![serde_json::from_value(starts).unwrap()],
            credentials: vec![binding],
            ..Recipe::default()
        };
        let stripped = without_effects(recipe);
        assert_eq!(
            stripped.left_out,
            ["the push of an image (docker-build-publish)", "the start of other jobs after the build"]
        );
        assert_eq!((stripped.recipe.steps.len(), stripped.recipe.publishers.len()), (1, 0));
        assert_eq!(stripped.needs, ["token"]);
    }
}
