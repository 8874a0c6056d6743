//! Component tree → recipe. One file per component type; whatever is not understood is a finding, never skipped (jjb-T51).
//!
//! A component's file names its options with upstream's defaults. An option that upstream knows and we do not carry keeps the job
//! where it is; one that upstream does not know either is noted, because it has no effect there.

mod ansicolor;
mod archive;
mod build_discarder;
mod build_publish_docker_image;
mod condition_kinds;
mod conditional_step;
mod config_file_provider;
mod credentials_binding;
mod docker_build_publish;
mod docker_container;
mod docker_custom_build_env;
mod docker_pull_image;
mod docker_site;
mod docker_stop_container;
mod docker_words;
mod dockerhub_notification;
mod email;
mod email_ext;
mod git;
mod git_options;
mod inject;
mod job;
mod junit;
mod known;
mod options;
mod parameter;
mod pollscm;
mod post_build_script;
mod python;
mod scope;
mod shell;
mod ssh_agent_credentials;
mod timed;
mod timeout;
mod trigger;
mod trigger_builds;
mod trigger_parameterized_builds;
mod unsupported;
mod xunit;

#[cfg(test)]
mod docker_tests;
#[cfg(test)]
mod scm_tests;
#[cfg(test)]
mod should_tests;
#[cfg(test)]
mod tests;

use jjb_compat::{Component, Files, Job};

use super::finding::Finding;
use super::recipe::{Publisher, Recipe, Step};
use scope::Scope;

pub(super) use known::{Extent, Translator};
pub(super) use scope::{Shared, position};

/// A job, as far as it could be translated, and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Translation {
    /// Complete when no finding keeps the job on Jenkins.
    pub recipe: Recipe,
    /// Differences, reasons, errors, in the order of the job's components.
    pub findings: Vec<Finding>,
}

/// Translates a job. What it has in common with other jobs of the same reading is shared.
pub fn translate(job: &Job, files: &Files, translator: &Translator<'_>) -> Translation {
    let scope = Scope::new(files, translator.config, translator.shared);
    let mut recipe = Recipe::default();
    if translator.extent() == Extent::Whole {
        recipe.environment = translator.config.variables.clone();
        recipe.description = job::description(job);
    }
    if job::translate(&scope, job, &mut recipe) {
        for component in job.components.iter() {
            translator.add(&scope, files, component, &mut recipe, place);
        }
        docker_site::look_at(&scope, &recipe);
        // Checkouts come before all wrappers, wherever they are written (jjb-T1).
        recipe.steps.splice(0..0, scope.take_checkouts());
    }
    // It stays as it is for as long as its job does (perf-M1).
    recipe.steps.shrink_to_fit();
    recipe.publishers.shrink_to_fit();
    recipe.parameters.shrink_to_fit();
    Translation { recipe, findings: scope.finish() }
}

/// Puts a component of a job into the recipe.
fn place(scope: &Scope<'_>, component: &Component, recipe: &mut Recipe) {
    match (component.kind, &*component.name) {
        ("builder", _) => recipe.steps.extend(step(scope, component)),
        ("publisher", "postbuildscript") => {
            recipe
                .publishers
                .extend(post_build_script::translate(scope, component).map(Publisher::PostBuildScript));
        }
        ("publisher", "archive") => {
            recipe.publishers.extend(archive::translate(scope, component).map(Publisher::Archive));
        }
        ("publisher", "junit") => {
            recipe.publishers.extend(junit::translate(scope, component).map(Publisher::TestReports));
        }
        ("publisher", "xunit") => {
            recipe.publishers.extend(xunit::translate(scope, component).map(Publisher::TestReports));
        }
        // A node's directory goes with its lease: nothing is left to clean up, before or after (jjb-T30).
        ("publisher" | "wrapper", "workspace-cleanup") => {}
        ("wrapper", "timeout") => recipe.timeout = timeout::translate(scope, component),
        // Every log has the times of its lines (pools-D48).
        ("wrapper", "timestamps") => {}
        ("wrapper", "ansicolor") => recipe.terminal = Some(ansicolor::translate(scope, component)),
        ("wrapper", "credentials-binding") => {
            recipe.credentials.extend(credentials_binding::translate(scope, component));
        }
        ("wrapper", "config-file-provider") => {
            recipe.managed_files.extend(config_file_provider::translate(scope, component));
        }
        ("wrapper", "ssh-agent-credentials") => {
            recipe.ssh_agent.extend(ssh_agent_credentials::translate(scope, component));
        }
        // Wrappers come before all builders, wherever they are written (jjb-T1).
        ("wrapper", "inject" | "env-file") => {
            let at = recipe.steps.iter().take_while(|step| matches!(step, Step::Inject(_))).count();
            recipe.steps.insert(at, Step::from(inject::translate(scope, component)));
        }
        ("publisher", "email-ext") => {
            recipe.publishers.extend(email_ext::translate(scope, component).map(Publisher::Mail));
        }
        ("publisher", "email") => {
            recipe.publishers.extend(email::translate(scope, component).map(Publisher::Mail));
        }
        ("publisher", "trigger") => {
            recipe.publishers.push(Publisher::StartsAfter(trigger::translate(scope, component)));
        }
        ("publisher", "trigger-parameterized-builds") => {
            let starts = trigger_parameterized_builds::translate(scope, component);
            recipe.publishers.push(Publisher::StartsAfter(starts));
        }
        ("wrapper", "docker-custom-build-env") => {
            recipe.build_container = docker_custom_build_env::translate(scope, component);
        }
        ("property", "docker-container") => recipe.commit = docker_container::translate(scope, component),
        ("publisher", "docker-stop-container") => docker_stop_container::translate(scope, component),
        ("trigger", "timed") => {
            let times = timed::translate(scope, component, &recipe.job);
            recipe.timers.extend(times);
        }
        ("trigger", "pollscm") => {
            let times = pollscm::translate(scope, component, &recipe.job);
            recipe.timers.extend(times);
        }
        ("scm", "git") => git::translate(scope, component, recipe),
        ("trigger", "dockerhub-notification") => dockerhub_notification::translate(scope, component),
        ("property", "build-discarder") => recipe.retention = build_discarder::translate(scope, component),
        ("parameter", _) => recipe.parameters.extend(parameter::translate(scope, component)),
        _ => unsupported::report(scope, component),
    }
}

/// A builder, wherever it stands: in the job, in a condition, in a post step.
fn step(scope: &Scope<'_>, component: &Component) -> Option<Step> {
    match &*component.name {
        "shell" => shell::translate(scope, component).map(Step::Shell),
        "python" => python::translate(scope, component).map(Step::Shell),
        "trigger-builds" => Some(Step::from(trigger_builds::translate(scope, component))),
        "docker-pull-image" => docker_pull_image::translate(scope, component).map(Step::from),
        "docker-build-publish" => docker_build_publish::translate(scope, component).map(Step::from),
        "build-publish-docker-image" => {
            build_publish_docker_image::translate(scope, component).map(Step::from)
        }
        "inject" => Some(Step::from(inject::translate(scope, component))),
        "conditional-step" => conditional_step::translate(scope, component).map(Step::from),
        _ => {
            unsupported::report(scope, component);
            None
        }
    }
}
