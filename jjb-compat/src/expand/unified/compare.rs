//! Which elements differ between two readings.

use super::roots::{Bundle, Defaults, MACROS, Macro, Reference, Root, Roots, Table};
use crate::node::{Node, identical, identical_maps};

impl Roots {
    /// Names every element that one of the two has and the other has not, or has otherwise.
    pub(crate) fn compare(&self, other: &Roots, differs: &mut dyn FnMut(&str, &Node)) {
        compare("defaults", &self.defaults, &other.defaults, differs);
        compare("job", &self.jobs, &other.jobs, differs);
        compare("job-template", &self.job_templates, &other.job_templates, differs);
        compare("job-group", &self.job_groups, &other.job_groups, differs);
        compare("view", &self.views, &other.views, differs);
        compare("view-template", &self.view_templates, &other.view_templates, differs);
        compare("view-group", &self.view_groups, &other.view_groups, differs);
        compare("project", &self.projects, &other.projects, differs);
        let empty = Table::default();
        for (kind, _) in MACROS {
            let (own, others) = (self.macros.get(kind), other.macros.get(kind));
            compare(kind, own.unwrap_or(&empty), others.unwrap_or(&empty), differs);
        }
    }
}

fn compare<T: Same>(kind: &str, a: &Table<T>, b: &Table<T>, differs: &mut dyn FnMut(&str, &Node)) {
    for (name, item) in a {
        if !b.get(name).is_some_and(|other| item.same(other)) {
            differs(kind, name);
        }
    }
    b.keys().filter(|name| !a.contains_key(*name)).for_each(|name| differs(kind, name));
}

/// Equal in every respect, places included.
trait Same {
    fn same(&self, other: &Self) -> bool;
}

impl Same for Root {
    fn same(&self, other: &Root) -> bool {
        self.place == other.place
            && identical(&self.name, &other.name)
            && identical(&self.defaults, &other.defaults)
            && identical_maps(&self.contents, &other.contents)
            && identical_maps(&self.params, &other.params)
            && match (&self.id, &other.id) {
                (Some(a), Some(b)) => identical(a, b),
                (a, b) => a.is_none() && b.is_none(),
            }
    }
}

impl Same for Defaults {
    fn same(&self, other: &Defaults) -> bool {
        identical_maps(&self.contents, &other.contents) && identical_maps(&self.params, &other.params)
    }
}

impl Same for Reference {
    fn same(&self, other: &Reference) -> bool {
        self.place == other.place
            && identical(&self.name, &other.name)
            && identical_maps(&self.params, &other.params)
    }
}

impl Same for Bundle {
    fn same(&self, other: &Bundle) -> bool {
        let lists =
            |a: &[Reference], b: &[Reference]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b));
        self.place == other.place
            && identical(&self.name, &other.name)
            && identical_maps(&self.params, &other.params)
            && lists(&self.jobs, &other.jobs)
            && lists(&self.views, &other.views)
            && match (&self.defaults, &other.defaults) {
                (Some(a), Some(b)) => identical(a, b),
                (a, b) => a.is_none() && b.is_none(),
            }
    }
}

impl Same for Macro {
    fn same(&self, other: &Macro) -> bool {
        self.place == other.place
            && identical(&self.defaults, &other.defaults)
            && identical(&self.elements, &other.elements)
            && identical_maps(&self.params, &other.params)
    }
}
