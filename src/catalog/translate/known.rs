//! Translations of components that come again: most jobs of a tree are made of the same calls of the same macros.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use jjb_compat::{Component, Files, Parts};
use rustc_hash::FxHashMap;

use super::scope::{Scope, Shared};
use crate::catalog::config::CatalogConfig;
use crate::catalog::finding::Finding;
use crate::catalog::recipe::{CredentialBinding, ParameterDeclaration, Publisher, Recipe, Step};

/// What one component gives to a recipe, and what there is to say about it.
#[derive(Debug)]
struct Part {
    parameters: Vec<ParameterDeclaration>,
    credentials: Vec<CredentialBinding>,
    steps: Vec<Step>,
    publishers: Vec<Publisher>,
    findings: Vec<Finding>,
}

/// Parts by the address of what a component is. That is held with what was made of it, so that no other can have its address.
type Known = FxHashMap<usize, (Arc<Parts>, Rc<Part>)>;

/// How much of a job is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All that a build needs.
    Whole,
    /// What there is to say about a job, its steps and its publishers: what it declares and what it is given is left out.
    Outline,
}

/// A translator of one thread: what it has translated before it knows.
#[derive(Debug)]
pub struct Translator<'s> {
    pub(super) config: &'s CatalogConfig,
    pub(super) shared: &'s Shared,
    extent: Extent,
    known: RefCell<Known>,
}

impl<'s> Translator<'s> {
    /// A translator that knows nothing yet.
    pub fn new(config: &'s CatalogConfig, shared: &'s Shared, extent: Extent) -> Translator<'s> {
        Translator { config, shared, extent, known: RefCell::default() }
    }

    /// How much of a job is translated.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Puts a component into a recipe as `place` does it.
    pub(super) fn add(
        &self,
        scope: &Scope<'_>,
        files: &Files,
        component: &Component,
        recipe: &mut Recipe,
        place: fn(&Scope<'_>, &Component, &mut Recipe),
    ) {
        if !only_adds(component) {
            place(scope, component, recipe);
            return;
        }
        let key = Arc::as_ptr(component.parts()).addr();
        let known = self.known.borrow().get(&key).map(|(_, part)| Rc::clone(part));
        let part = known.unwrap_or_else(|| {
            let part = Rc::new(self.part(files, component, place));
            self.known.borrow_mut().insert(key, (Arc::clone(component.parts()), Rc::clone(&part)));
            part
        });
        recipe.steps.extend_from_slice(&part.steps);
        recipe.publishers.extend_from_slice(&part.publishers);
        if self.extent == Extent::Whole {
            recipe.parameters.extend_from_slice(&part.parameters);
            recipe.credentials.extend_from_slice(&part.credentials);
        }
        part.findings.iter().for_each(|finding| scope.push(finding));
    }

    fn part(
        &self,
        files: &Files,
        component: &Component,
        place: fn(&Scope<'_>, &Component, &mut Recipe),
    ) -> Part {
        let scope = Scope::new(files, self.config, self.shared);
        let mut alone = Recipe::default();
        place(&scope, component, &mut alone);
        let Recipe { parameters, credentials, steps, mut publishers, .. } = alone;
        if self.extent == Extent::Outline {
            // The others start nothing.
            publishers.retain(|publisher| matches!(publisher, Publisher::PostBuildScript(_)));
        }
        Part { parameters, credentials, steps, publishers, findings: scope.finish() }
    }
}

/// Whether all that a component does is to add to those lists of a recipe, whatever job it stands in.
fn only_adds(component: &Component) -> bool {
    matches!(
        (component.kind, &*component.name),
        ("builder" | "publisher" | "parameter", _) | ("wrapper", "credentials-binding" | "timestamps")
    )
}
