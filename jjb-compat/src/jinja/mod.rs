//! Jinja2 templates (contract section 10), with Python's way of printing.

mod includes;
mod percent;
mod percent_text;
mod print;
mod results;
mod tojson;
mod values;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value as Jinja};
use rustc_hash::FxHashMap;

use crate::format::Params;
use crate::node::Style;
use crate::place::Place;
use crate::problem::{Problem, Result};
use crate::session::Session;
use crate::tags::Home;
use results::Results;

/// Instructions that one rendering may take: an endless loop ends here.
const FUEL: u64 = 5_000_000;

/// Files that one template may pull in by `{% include %}` and the like.
const INCLUDES: usize = 100;

/// The texts that an environment can load, by name.
type Texts = Arc<Mutex<Registry>>;

#[derive(Default)]
struct Registry {
    texts: FxHashMap<String, Arc<str>>,
    /// A file that a template has asked for and that is not here yet.
    wanted: Option<String>,
}

/// Compiled templates, one environment for each list of folders.
#[derive(Default)]
pub(crate) struct Templates {
    homes: Mutex<Vec<Arc<Room>>>,
}

struct Room {
    home: Arc<Home>,
    environment: Environment<'static>,
    texts: Texts,
    /// Names of template texts that did not come from a file.
    names: Mutex<FxHashMap<Arc<str>, Known>>,
    /// Files that templates of this room have pulled in.
    pulled: Mutex<Vec<String>>,
}

/// A template text that was used before.
#[derive(Clone)]
struct Known {
    name: Arc<str>,
    /// What it gave for which values of its variables; `None` when it can see more than these.
    results: Option<Arc<Results>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Templates {
    /// Renders a text with the variables in force.
    pub(crate) fn render(
        &self,
        session: &Session,
        text: &Arc<str>,
        home: &Arc<Home>,
        place: Place,
        params: &Params,
    ) -> Result<Arc<str>> {
        let room = self.room(home, params.style);
        let known = room.known(text);
        let Some(results) = &known.results else {
            let out = room.render(session, &known.name, text, place, params);
            // What was pulled in for an earlier rendering counts for this one too.
            for file in lock(&room.pulled).iter() {
                session.find(home, file);
            }
            return out.map(|out| session.pool.text(out));
        };
        let values = results.values(params);
        let key = results::key(&values);
        if let Some(out) = results.get(key, &values) {
            return Ok(out);
        }
        let out = session.pool.text(room.render(session, &known.name, text, place, params)?);
        results.put(key, values, Arc::clone(&out));
        Ok(out)
    }

    /// The variables that a template uses without defining them, sorted; those of the files that it includes too.
    pub(crate) fn variables(
        &self,
        session: &Session,
        text: &Arc<str>,
        home: &Arc<Home>,
        place: Place,
    ) -> Vec<String> {
        let room = self.room(home, Style::Plain);
        let mut names: Vec<String> = Vec::new();
        let mut texts = vec![Arc::clone(text)];
        let mut seen = 0;
        while let Some(text) = texts.get(seen).cloned() {
            seen += 1;
            if let Ok(template) = room.environment.get_template(&room.known(&text).name) {
                names.extend(template.undeclared_variables(false));
            }
            for name in includes::names(&text) {
                if texts.len() < INCLUDES
                    && let Ok(file) = session.include(home, name, place)
                    && !texts.contains(&file.text)
                {
                    texts.push(file.text);
                }
            }
        }
        names.sort();
        names.dedup();
        names
    }

    fn room(&self, home: &Arc<Home>, style: Style) -> Arc<Room> {
        let mut homes = lock(&self.homes);
        if let Some(room) = homes.iter().find(|room| room.home.folders == home.folders) {
            return Arc::clone(room);
        }
        let room = Arc::new(Room::new(home, style));
        homes.push(Arc::clone(&room));
        room
    }
}

impl Room {
    fn new(home: &Arc<Home>, style: Style) -> Room {
        let texts = Texts::default();
        let mut environment = Environment::new();
        let known = Arc::clone(&texts);
        environment.set_loader(move |name| {
            let mut registry = lock(&known);
            let found = registry.texts.get(name).map(|text| text.to_string());
            if found.is_none() {
                registry.wanted = Some(name.to_string());
            }
            Ok::<_, minijinja::Error>(found)
        });
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        environment.set_formatter(move |out, _state, value| print::write(out, value, style));
        print::add_filters(&mut environment, style);
        percent::add_filter(&mut environment, style);
        tojson::add_filters(&mut environment);
        let (names, pulled) = Default::default();
        Room { home: Arc::clone(home), environment, texts, names, pulled }
    }

    /// A text that can be loaded, and what it gave before.
    fn known(&self, text: &Arc<str>) -> Known {
        let mut names = lock(&self.names);
        if let Some(known) = names.get(text) {
            return known.clone();
        }
        let name: Arc<str> = format!("<template {}>", names.len()).into();
        let written = percent_text::rewritten(text).map_or_else(|| Arc::clone(text), Arc::from);
        lock(&self.texts).texts.insert(name.to_string(), written);
        let results = match self.environment.get_template(&name) {
            Ok(template) if !results::sees_more(text) => {
                Some(Arc::new(Results::new(template.undeclared_variables(false).into_iter().collect())))
            }
            _ => None,
        };
        let known = Known { name, results };
        names.insert(Arc::clone(text), known.clone());
        known
    }

    fn render(
        &self,
        session: &Session,
        name: &str,
        text: &str,
        place: Place,
        params: &Params,
    ) -> Result<String> {
        let context = values::context(params);
        for _ in 0..INCLUDES {
            let mut out = Bounded { bytes: Vec::new(), room: params.text_limit };
            let rendered = self
                .environment
                .get_template(name)
                .and_then(|template| template.render_captured_to(context.clone(), &mut out).map(drop));
            let error = match rendered {
                Ok(()) => {
                    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    return Ok(String::from_utf8(out.bytes).unwrap_or_else(|error| lossy(error.as_bytes())));
                }
                Err(_) if out.bytes.len() > out.room => {
                    let message =
                        format!("the template gives a text of more than {} bytes", params.text_limit);
                    return Problem::error("too-large", place, message).fail();
                }
                Err(error) => error,
            };
            // The lock must be free again before a file is put in.
            let wanted = lock(&self.texts).wanted.take();
            match wanted {
                Some(file) if session.find(&self.home, &file).is_some() => {
                    let included = session.include(&self.home, &file, place)?;
                    let text = percent_text::rewritten(&included.text).map_or(included.text, Arc::from);
                    lock(&self.texts).texts.insert(file.clone(), text);
                    lock(&self.pulled).push(file);
                }
                _ => return fault(&error, text, place).fail(),
            }
        }
        Problem::error("template-error", place, format!("the template includes more than {INCLUDES} files"))
            .fail()
    }
}

/// What a template gives, up to the limit of a text.
struct Bounded {
    bytes: Vec<u8>,
    room: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > self.room {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn fault(error: &minijinja::Error, text: &str, place: Place) -> Problem {
    let first: String = text.trim().lines().next().unwrap_or("").chars().take(60).collect();
    let line = error.line().map(|line| format!(", line {line} of the template")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let problem = Problem::error(
        "template-error",
        place,
        format!("the template cannot be rendered: {}{detail}", error.kind()),
    )
    .because(format!("in the template that begins with: {first}{line}"));
    match error.kind() {
        ErrorKind::UndefinedError => {
            problem.cure("define the variable, or test it with 'is defined' or the filter 'default'")
        }
        ErrorKind::TemplateNotFound => {
            problem.cure("put the file beside the YAML file or into the include path")
        }
        _ => problem,
    }
}

/// For the conversions: a value that a template sees.
pub(crate) type JinjaValue = Jinja;
