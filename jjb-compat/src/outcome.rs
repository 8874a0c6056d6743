//! What a reading gives: jobs, views, problems.

use std::ops::Deref;
use std::sync::Arc;

use crate::node::Node;
use crate::place::{Files, Place};
use crate::problem::Problem;
use crate::sections::Sections;

/// Everything that came out of a tree.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Jobs in Job Builder's order (rule jjb-J112).
    pub jobs: Vec<Job>,
    /// Views in Job Builder's order.
    pub views: Vec<View>,
    /// All problems, in the order of the files.
    pub problems: Vec<Problem>,
    /// The files that were read.
    pub files: Files,
    /// Which element of a file a place lies in.
    pub sections: Sections,
    /// Elements by kind (`job-template`, `builder`, …) with their number, as read, sorted by kind.
    pub elements: Vec<(String, usize)>,
}

impl Outcome {
    /// True when a problem is an error.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }

    /// The job of a full name.
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| &*job.name == name)
    }
}

/// A job after expansion. What it is, its [`Expansion`], can be read as if it were its own; it is cheap to copy.
#[derive(Clone, Debug)]
pub struct Job {
    expansion: Arc<Expansion>,
}

/// What a job is.
#[derive(Debug)]
pub struct Expansion {
    /// The full name, with its folder (rule jjb-J110).
    pub name: Arc<str>,
    /// The job's keys after expansion; component lists still hold macro calls.
    pub definition: Node,
    /// What the component lists stand for, macros replaced, in the order in which Job Builder visits them:
    /// properties, parameters, notifications, scm, triggers, reporters, builders, publishers, wrappers.
    pub components: Arc<[Component]>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Deref for Job {
    type Target = Expansion;

    fn deref(&self) -> &Expansion {
        &self.expansion
    }
}

impl Job {
    pub(crate) fn new(expansion: Expansion) -> Job {
        Job { expansion: Arc::new(expansion) }
    }

    /// True when this is the very same expansion as the other, not only an equal one. Quick.
    pub fn is_same_as(&self, other: &Job) -> bool {
        Arc::ptr_eq(&self.expansion, &other.expansion)
    }
}

/// A view after expansion.
#[derive(Clone, Debug)]
pub struct View {
    /// The full name.
    pub name: Arc<str>,
    /// The view's keys after expansion.
    pub definition: Node,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a job or view was written.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The element itself: the job, or the template.
    pub place: Place,
    /// The template's name (or id), for a job made from one.
    pub template: Option<Arc<str>>,
    /// The project that used the template, with the place of its element.
    pub project: Option<(Arc<str>, Place)>,
    /// The job group through which it was used.
    pub group: Option<(Arc<str>, Place)>,
}

/// One built-in component of a job, for example one `shell` step, where it stands. What it is, its [`Parts`], can be read as
/// if it were its own, and is shared by all jobs that have the same call at the same place of the tree.
#[derive(Clone, Debug)]
pub struct Component {
    /// The list that it stands in. For a component of a job: the definition's key (`builders`). For a child: the way through
    /// the parent's arguments to the list, for example `steps` or `builders[0].build-steps`.
    pub path: Arc<str>,
    /// Its place in that list, from 0. All components that one macro call gives share the number of the call.
    pub index: usize,
    parts: Arc<Parts>,
}

/// What a component is, wherever it stands.
#[derive(Debug)]
pub struct Parts {
    /// Its type: `builder`, `publisher`, `wrapper`, `parameter`, `property`, `trigger`, `scm`, `reporter`, `notification`, …
    pub kind: &'static str,
    /// Upstream's name, for example `shell`.
    pub name: Arc<str>,
    /// Its arguments after expansion. For a component that holds others these still show its steps as written;
    /// [`Parts::children`] is the expanded form.
    pub arguments: Node,
    /// The macros that it came through, outermost first.
    pub macros: Arc<[MacroCall]>,
    /// Components inside it (rule jjb-J83), in the order of Job Builder.
    pub children: Arc<[Component]>,
    /// Where it was written; for a component out of a macro, the line in the macro.
    pub place: Place,
}

impl Deref for Component {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Component {
    /// A component that stands nowhere yet.
    pub(crate) fn new(parts: Parts) -> Component {
        Component { path: Arc::default(), index: 0, parts: Arc::new(parts) }
    }

    /// What it is. Components of other jobs that came from the same call at the same place of the tree share this.
    pub fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    /// The same component at a place in a list.
    pub(crate) fn at(&self, path: &Arc<str>, index: usize) -> Component {
        Component { path: Arc::clone(path), index, parts: Arc::clone(&self.parts) }
    }
}

/// One call of a macro.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MacroCall {
    /// The macro's name.
    pub name: Arc<str>,
    /// Where it was called.
    pub called: Place,
    /// Where it is defined.
    pub defined: Place,
}

impl Parts {
    /// The children of one list, for example `builders[0].build-steps`.
    pub fn children_at<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Component> {
        self.children.iter().filter(move |child| &*child.path == path)
    }
}
