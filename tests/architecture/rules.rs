//! The rules, each a function from what was read to findings.

use std::fmt;
use std::path::Path;

use crate::source::{File, Tree};
use crate::table::{self, Floor, Restriction, Room, Rooms};

/// One line of the report: where, what, and the rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    pub what: String,
    pub rule: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} ({})", self.file, self.line, self.what, self.rule)
    }
}

fn finding(file: &File, line: usize, what: String, rule: &str) -> Finding {
    Finding { file: file.name.clone(), line, what, rule: rule.to_owned() }
}

/// The room that a module or an item lies in: the longest row of the table that fits.
fn room_of(path: &[String]) -> Option<&'static Room> {
    table::ROOMS
        .iter()
        .filter(|room| {
            let row: Vec<&str> = room.path.split("::").collect();
            path.len() >= row.len() && path.iter().zip(&row).all(|(part, row)| part == row)
        })
        .max_by_key(|room| room.path.len())
}

/// Imports point down; an adapter sees core and itself; nobody sees a sibling face or adapter.
pub fn imports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let Some(from) = room_of(&file.module) else { continue };
        let (floors, reason) = table::allowed(from.floor);
        for named in &file.names {
            let [first, target @ ..] = named.path.as_slice() else { continue };
            if first != "crate" || target.is_empty() {
                continue;
            }
            let Some(to) = room_of(target) else { continue };
            // A module may name its own rooms (`mod wire; pub use wire::…`), but core never its adapters.
            let own = std::ptr::eq(from, to) || (inside(to, from) && to.floor != Floor::Adapter);
            // An adapter's own children, and a transport's wire, are covered by the floors.
            if own || (floors.contains(&to.floor) && !sibling(from, to)) {
                continue;
            }
            let what = format!(
                "`{}` ({:?}: {}) imports `{}` of `{}` ({:?}: {})",
                from.path,
                from.floor,
                from.reason,
                target.join("::"),
                to.path,
                to.floor,
                to.reason
            );
            findings.push(finding(file, named.line, what, reason));
        }
    }
    findings
}

/// Whether `inner` lies below `outer`.
fn inside(inner: &Room, outer: &Room) -> bool {
    inner.path.strip_prefix(outer.path).is_some_and(|rest| rest.starts_with("::"))
}

/// Two wires of different protocols, or `sys` and `model`, may see each other; pure code brings nothing along. Wire
/// stays off the doors of `sys` all the same.
fn sibling(from: &Room, to: &Room) -> bool {
    match (from.floor, to.floor) {
        (Floor::Wire, Floor::Ground) => to.path != "model",
        (Floor::Node, Floor::Wire) => to.path != "keeper::wire",
        (Floor::Ground, Floor::Ground) => from.path == "model",
        _ => false,
    }
}

/// A room without a row: nobody decided on which floor it stands.
pub fn unknown_rooms(tree: &Tree) -> Vec<Finding> {
    tree.files
        .iter()
        .filter(|file| !file.module.is_empty() && room_of(&file.module).is_none())
        .map(|file| {
            let what = format!("`{}` is not in the table", file.module.join("::"));
            finding(file, 1, what, "add it to tests/architecture/table.rs with its floor and a reason")
        })
        .collect()
}

/// Paths that only some rooms may name.
pub fn touches(tree: &Tree, restrictions: &[Restriction]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for restriction in restrictions {
            if !holds(&restriction.rooms, &file.module) {
                continue;
            }
            for named in &file.names {
                let text = named.text();
                let hit = restriction.paths.iter().any(|path| below(&text, path));
                if hit {
                    let module =
                        if file.module.is_empty() { "lib".to_owned() } else { file.module.join("::") };
                    let what = format!("`{module}` names `{text}`");
                    findings.push(finding(file, named.line, what, restriction.reason));
                }
            }
        }
    }
    findings
}

fn holds(rooms: &Rooms, module: &[String]) -> bool {
    let module = module.join("::");
    match rooms {
        Rooms::Only(rooms) => !rooms.iter().any(|room| below(&module, room)),
        Rooms::Never(rooms) => rooms.iter().any(|room| below(&module, room)),
    }
}

fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `keeper::node` imports std, rustix, `keeper::wire`. Only `use` and paths that start with a crate are looked at;
/// `Vec::new` and the like are no imports.
pub fn node_imports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.module.starts_with(&["keeper".into(), "node".into()])) {
        for named in &file.names {
            let text = named.text();
            let foreign = named.path[0].starts_with(|first: char| first.is_lowercase())
                && named.path.len() > 1
                && !PRIMITIVES.contains(&named.path[0].as_str());
            if foreign && !table::NODE_IMPORTS.iter().any(|allowed| below(&text, allowed)) {
                let what = format!("the keeper's own program names `{text}`");
                findings.push(finding(
                    file,
                    named.line,
                    what,
                    "keeper::node imports only std, rustix and keeper::wire",
                ));
            }
        }
    }
    findings
}

const PRIMITIVES: &[&str] = &[
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    "bool", "char", "str",
];

/// No type of the model is serialised: faces and stores have forms of their own.
pub fn serialised_model(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| below(&file.module.join("::"), "model")) {
        for word in &file.words {
            if ["serde", "Serialize", "Deserialize"].contains(&word.text.as_str()) {
                let what = format!("the model names `{}`", word.text);
                findings.push(finding(file, word.line, what, "no serialised type in model"));
            }
        }
    }
    findings
}

/// Printing outside the command line.
pub fn printing(tree: &Tree, free: &[&str]) -> Vec<Finding> {
    const MACROS: &[&str] = &["println", "eprintln", "print", "eprint", "dbg"];
    let mut findings = Vec::new();
    for file in &tree.files {
        if free.iter().any(|room| below(&file.module.join("::"), room)) {
            continue;
        }
        for pair in file.words.windows(2) {
            if MACROS.contains(&pair[0].text.as_str()) && pair[1].text == "!" {
                let what = format!("`{}!`", pair[0].text);
                findings.push(finding(file, pair[0].line, what, "only cli and main print"));
            }
        }
    }
    findings
}

/// A file over this many lines holds more than one idea.
const LINES_AT_MOST: usize = 800;

/// Files that want to be split by idea.
pub fn long_files(tree: &Tree) -> Vec<Finding> {
    tree.lengths
        .iter()
        .filter(|(_, lines)| *lines > LINES_AT_MOST)
        .map(|(name, lines)| Finding {
            file: name.clone(),
            line: LINES_AT_MOST + 1,
            what: format!("{lines} lines"),
            rule: format!("no file has more than {LINES_AT_MOST}; split it by idea"),
        })
        .collect()
}

/// Names that say nothing about what is inside.
pub fn empty_names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, _) in &tree.lengths {
        let stem_or_folder = name.trim_end_matches(".rs").split('/');
        for part in stem_or_folder {
            if part.split('_').any(|word| table::EMPTY_NAMES.contains(&word)) {
                findings.push(Finding {
                    file: name.clone(),
                    line: 1,
                    what: format!("the name `{part}`"),
                    rule: "name a file after its idea".to_owned(),
                });
            }
        }
    }
    findings
}

/// What lies at the top of the repository beside what the design lists.
pub fn top_level(root: &Path, allowed: &[&str]) -> Vec<Finding> {
    let entries = std::fs::read_dir(root).expect("the repository can be listed");
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()))
        .map(|name| Finding {
            file: name,
            line: 1,
            what: "lies at the top level".to_owned(),
            rule: "the top level stays as the design says".to_owned(),
        })
        .collect()
}
