//! Events to raw nodes: anchors, aliases, depth, one document a file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use libyaml_safer::{Event, EventData, Mark, Parser, ScalarStyle};
use rustc_hash::FxHashSet;

use super::{Content, Raw, Scope};
use crate::place::{FileId, Place};
use crate::problem::{Problem, Result};

/// The parser over a text.
type Events<'a> = Parser<&'a mut &'a [u8]>;

struct Composer<'a, 's> {
    events: Events<'a>,
    scope: &'s mut Scope,
    origin: Origin,
    depth_limit: usize,
    /// The length of a text without a last line break.
    open_end: Option<u64>,
    /// Anchors whose node is not complete yet: an alias to one is a circle.
    open: FxHashSet<String>,
}

/// Where the nodes of a text stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// Line and column of this file.
    File(FileId),
    /// All at one place: text that a template has given.
    Fixed(Place),
}

/// Reads the only document of a text; `None` when there is none (rule jjb-J13).
pub(crate) fn compose(
    text: &str,
    origin: Origin,
    scope: &mut Scope,
    depth_limit: usize,
) -> Result<Option<Arc<Raw>>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The scanner needs a line break behind a block scalar; what it then has too much is taken away again.
    let ended;
    let open_end = (!text.ends_with('\n')).then_some(text.len() as u64);
    let text = match open_end {
        Some(_) => {
            ended = format!("{text}\n");
            &ended
        }
        None => text,
    };
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_encoding(libyaml_safer::Encoding::Utf8);
    parser.set_input_string(&mut bytes);
    let mut composer =
        Composer { events: parser, scope, origin, depth_limit, open_end, open: FxHashSet::default() };
    composer.document()
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

impl Composer<'_, '_> {
    fn document(&mut self) -> Result<Option<Arc<Raw>>> {
        let mut root = None;
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamStart { .. } | EventData::DocumentEnd { .. } => {}
                EventData::DocumentStart { .. } if root.is_some() => {
                    return Problem::error(
                        "second-document",
                        self.place(event.start_mark),
                        "a second document begins here",
                    )
                    .because("a file of job definitions holds at most one document")
                    .cure("move the second part to a file of its own, or remove the line '---'")
                    .fail();
                }
                EventData::DocumentStart { .. } => {
                    let first = self.next()?;
                    root = Some(self.node(first, 0, false)?);
                }
                EventData::StreamEnd => return Ok(root),
                _ => return self.broken(event.start_mark),
            }
        }
    }

    fn node(&mut self, event: Event, depth: usize, inside: bool) -> Result<Arc<Raw>> {
        let place = self.place(event.start_mark);
        if depth > self.depth_limit {
            return Problem::error(
                "too-deep",
                place,
                format!("lists and mappings nest deeper than {}", self.depth_limit),
            )
            .cure("flatten the structure")
            .fail();
        }
        match event.data {
            EventData::Alias { anchor } => self.alias(&anchor, place),
            EventData::Scalar { anchor, tag, mut value, plain_implicit, style, .. } => {
                if self.open_end.is_some_and(|end| event.end_mark.index > end)
                    && is_block(style)
                    && value.ends_with('\n')
                {
                    value.pop();
                }
                let shared = inside || anchor.is_some();
                let content = Content::Scalar { text: value.into(), plain: plain_implicit };
                self.finish(anchor, tag, content, shared, place)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                self.open(&anchor, place)?;
                let shared = inside || anchor.is_some();
                let mut items = Vec::new();
                loop {
                    let event = self.next()?;
                    if event.data == EventData::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, depth + 1, shared)?);
                }
                self.finish(anchor, tag, Content::Seq(items), shared, place)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                self.open(&anchor, place)?;
                let shared = inside || anchor.is_some();
                let mut entries = Vec::new();
                loop {
                    let event = self.next()?;
                    if event.data == EventData::MappingEnd {
                        break;
                    }
                    let key = self.node(event, depth + 1, shared)?;
                    let event = self.next()?;
                    entries.push((key, self.node(event, depth + 1, shared)?));
                }
                self.finish(anchor, tag, Content::Map(entries), shared, place)
            }
            _ => self.broken(event.start_mark),
        }
    }

    fn alias(&self, anchor: &str, place: Place) -> Result<Arc<Raw>> {
        if let Some(raw) = self.scope.anchors.get(anchor) {
            return Ok(Arc::clone(raw));
        }
        if self.open.contains(anchor) {
            return Problem::error(
                "recursive-alias",
                place,
                format!("the alias '*{anchor}' stands inside its own anchor"),
            )
            .because("such a structure has no end")
            .cure("let the alias name another anchor")
            .fail();
        }
        Problem::error(
            "undefined-alias",
            place,
            format!("the alias '*{anchor}' has no anchor '&{anchor}' before it"),
        )
        .because("anchors live in one file and the files that it includes")
        .cure("define the anchor earlier in this file, or read with retained anchors")
        .fail()
    }

    /// An anchor begins: refuse a name that is taken (rule jjb-J25).
    fn open(&mut self, anchor: &Option<String>, place: Place) -> Result<()> {
        let Some(anchor) = anchor else { return Ok(()) };
        let taken = self.scope.anchors.get(anchor).map(|raw| raw.place);
        if taken.is_none() && self.open.insert(anchor.clone()) {
            return Ok(());
        }
        let problem =
            Problem::error("duplicate-anchor", place, format!("the anchor '&{anchor}' is defined twice"))
                .because("an anchor name may be defined once in a file and the files that it includes")
                .cure("give one of the two another name");
        match taken {
            Some(first) => problem.within("first defined here", first).fail(),
            None => problem.fail(),
        }
    }

    fn finish(
        &mut self,
        anchor: Option<String>,
        tag: Option<String>,
        content: Content,
        shared: bool,
        place: Place,
    ) -> Result<Arc<Raw>> {
        if matches!(content, Content::Scalar { .. }) {
            self.open(&anchor, place)?;
        }
        let id = self.scope.next_id;
        self.scope.next_id += 1;
        let raw = Arc::new(Raw {
            id,
            shared,
            tag: tag.filter(|tag| tag != "!").map(String::into_boxed_str),
            content,
            place,
        });
        if let Some(anchor) = anchor {
            self.open.remove(&anchor);
            self.scope.anchors.insert(anchor, Arc::clone(&raw));
        }
        Ok(raw)
    }

    fn next(&mut self) -> Result<Event> {
        // The parser gives up on a tag that ends in a comma (`[!!str, x]`) by a panic.
        let parsed = catch_unwind(AssertUnwindSafe(|| self.events.parse()));
        let Ok(parsed) = parsed else {
            return Problem::error("unknown-tag", self.somewhere(), "a tag in this file ends in a comma")
                .because("YAML 1.1 takes the comma as part of the tag, and there is no such tag")
                .cure("put a blank, or a value in quotes, between the tag and the comma")
                .fail();
        };
        match parsed {
            Ok(event) => Ok(event),
            Err(error) => {
                let place = error.problem_mark().map_or_else(|| self.somewhere(), |mark| self.place(mark));
                let mut problem = Problem::error(
                    "yaml-syntax",
                    place,
                    format!("this is not valid YAML: {}", error.problem()),
                );
                if let Some(context) = error.context() {
                    problem = problem.because(match error.context_mark() {
                        Some(mark) => format!("{context} that began on line {}", mark.line + 1),
                        None => context.to_string(),
                    });
                }
                problem
                    .cure("check indentation (blanks, never tabs), colons and quotes around this place")
                    .fail()
            }
        }
    }

    fn broken<T>(&self, mark: Mark) -> Result<T> {
        Problem::error("yaml-syntax", self.place(mark), "this is not valid YAML").fail()
    }

    fn somewhere(&self) -> Place {
        match self.origin {
            Origin::File(file) => Place::whole(file),
            Origin::Fixed(place) => place,
        }
    }

    fn place(&self, mark: Mark) -> Place {
        match self.origin {
            Origin::File(file) => Place { file, line: mark.line as u32 + 1, column: mark.column as u32 + 1 },
            Origin::Fixed(place) => place,
        }
    }
}
