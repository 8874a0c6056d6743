//! What the translation of one job goes with: its files, the site's settings, and the findings so far.

use std::cell::RefCell;

use jjb_compat::{Component, Files, Place};

use crate::catalog::config::CatalogConfig;
use crate::catalog::finding::{Finding, Weight};
use crate::catalog::recipe;
use crate::model::{Frame, Position, Problem};

pub(super) struct Scope<'a> {
    files: &'a Files,
    pub(super) config: &'a CatalogConfig,
    findings: RefCell<Vec<Finding>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(files: &'a Files, config: &'a CatalogConfig) -> Scope<'a> {
        Scope { files, config, findings: RefCell::default() }
    }

    /// Adds a finding about a component, at a place in it.
    pub(super) fn find(&self, weight: Weight, component: &Component, place: Place, problem: Problem) {
        // What a zuul trigger adds stands in no file; then the component's own place is as good as it gets.
        let place = if place.is_somewhere() { place } else { component.place };
        let chain = component.macros.iter().rev().map(|call| Frame {
            what: format!("in the macro '{}'", call.name),
            position: position(self.files, call.called),
        });
        let problem = Problem { position: position(self.files, place), chain: chain.collect(), ..problem };
        self.push(weight, format!("{} {}", component.kind, component.name), problem);
    }

    /// Adds a finding about the job's own keys.
    pub(super) fn find_job(&self, weight: Weight, place: Place, problem: Problem) {
        let problem = Problem { position: position(self.files, place), ..problem };
        self.push(weight, "job".to_owned(), problem);
    }

    fn push(&self, weight: Weight, component: String, problem: Problem) {
        let finding = Finding { weight, component, problem };
        let mut findings = self.findings.borrow_mut();
        // A macro that is called twenty times says the same thing twenty times.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }

    /// A place in the recipe's form.
    pub(super) fn place(&self, place: Place) -> recipe::Place {
        let position = position(self.files, place).unwrap_or_default();
        recipe::Place { file: position.file, line: position.line }
    }

    pub(super) fn finish(self) -> Vec<Finding> {
        self.findings.into_inner()
    }
}

/// A place in our form; `None` for what stands in no file.
pub(in crate::catalog) fn position(files: &Files, place: Place) -> Option<Position> {
    let path = files.path(place.file)?;
    Some(Position { file: path.display().to_string(), line: place.line, column: place.column })
}
