//! What the translation of one job goes with: its files, the site's settings, and the findings so far.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jjb_compat::{Component, Files, Place, Value};
use rustc_hash::FxHashMap;

use crate::catalog::config::CatalogConfig;
use crate::catalog::finding::{Finding, Weight};
use crate::catalog::recipe::{self, ShellStep, Step};
use crate::model::{Frame, Position, Problem};

/// Scripts by the address of their text and where they were written. The text is held with what was made of it, so that no
/// other can have its address.
type Scripts = FxHashMap<(usize, Place), (Arc<str>, Arc<ShellStep>)>;

/// Scripts of one reading: many jobs call the same macros.
#[derive(Debug, Default)]
pub(in crate::catalog) struct Shared {
    scripts: Mutex<Scripts>,
}

impl Shared {
    fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Scope<'a> {
    shared: &'a Shared,
    files: &'a Files,
    pub(super) config: &'a CatalogConfig,
    findings: RefCell<Vec<Finding>>,
    /// How often a checkout is tried again (`retry-count` of the job).
    pub(super) retries: Cell<u32>,
    checkouts: RefCell<Vec<Step>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(files: &'a Files, config: &'a CatalogConfig, shared: &'a Shared) -> Scope<'a> {
        Scope {
            shared,
            files,
            config,
            findings: RefCell::default(),
            retries: Cell::default(),
            checkouts: RefCell::default(),
        }
    }

    /// Adds steps that come before all others.
    pub(super) fn add_checkout(&self, steps: impl IntoIterator<Item = Step>) {
        self.checkouts.borrow_mut().extend(steps);
    }

    /// The steps that come before all others.
    pub(super) fn take_checkouts(&self) -> Vec<Step> {
        self.checkouts.take()
    }

    /// A script that another job of the reading has too, or what `make` makes of it.
    pub(super) fn script(
        &self,
        component: &Component,
        make: impl FnOnce() -> Option<ShellStep>,
    ) -> Option<Arc<ShellStep>> {
        let Value::Str(text) = &component.arguments.value else {
            return make().map(Arc::new);
        };
        let key = (text.as_ptr().addr(), component.place);
        if let Some((_, known)) = self.shared.scripts().get(&key) {
            return Some(Arc::clone(known));
        }
        let made = Arc::new(make()?);
        self.shared.scripts().insert(key, (Arc::clone(text), Arc::clone(&made)));
        Some(made)
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
        self.push(&Finding { weight, component: format!("{} {}", component.kind, component.name), problem });
    }

    /// Adds a finding about the job's own keys.
    pub(super) fn find_job(&self, weight: Weight, place: Place, problem: Problem) {
        let problem = Problem { position: position(self.files, place), ..problem };
        self.push(&Finding { weight, component: "job".to_owned(), problem });
    }

    /// Adds a finding about a component that was translated from this place.
    pub(super) fn find_at(&self, weight: Weight, component: &str, place: &recipe::Place, problem: Problem) {
        let position = Position { file: place.file.clone(), line: place.line, column: 0 };
        self.push(&Finding { weight, component: component.to_owned(), problem: problem.at(position) });
    }

    /// Adds a finding that may have been made for another job.
    pub(super) fn push(&self, finding: &Finding) {
        let mut findings = self.findings.borrow_mut();
        // A macro that is called twenty times says the same thing twenty times.
        if !findings.contains(finding) {
            findings.push(finding.clone());
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
