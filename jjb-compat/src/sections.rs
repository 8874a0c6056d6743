//! Which element of a file a value stands in: the template, project, macro or set of defaults that a person would edit.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::node::{Node, Style};
use crate::place::{FileId, Place};

/// An element as it was written: its kind (`job-template`, `defaults`, …), its name, and where it begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// The kind, as the file has it.
    pub kind: Arc<str>,
    /// The name; none for an element that has no text as its name.
    pub name: Option<Arc<str>>,
    /// Where the element begins.
    pub place: Place,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} {name}", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}

/// All elements of the files of a reading.
#[derive(Clone, Default, Debug)]
pub struct Sections {
    files: FxHashMap<FileId, Vec<Section>>,
}

impl Sections {
    /// The element that a place lies in; none for text of a file that is included as a part of elements, and for text that
    /// stands in no file.
    pub fn at(&self, place: Place) -> Option<&Section> {
        let sections = self.files.get(&place.file)?;
        let behind = sections.partition_point(|section| section.place <= place);
        sections.get(behind.checked_sub(1)?)
    }

    /// Adds the elements of a document.
    pub(crate) fn add(&mut self, root: &Node) {
        let items = root.as_seq().unwrap_or_default();
        for item in items {
            let Some((kind, body)) = item.as_map().and_then(|map| map.first()) else { continue };
            let name = body.get("name").filter(|name| name.as_str().is_some());
            self.files.entry(item.place.file).or_default().push(Section {
                kind: kind.text(Style::Plain).into(),
                name: name.map(|name| name.text(Style::Plain).into()),
                place: item.place,
            });
        }
    }

    /// Brings the elements of each file into their order, which an alias or an included list can disturb.
    pub(crate) fn sort(&mut self) {
        for sections in self.files.values_mut() {
            sections.sort_by_key(|section| section.place);
            sections.dedup();
        }
    }
}
