//! Reads Rust sources far enough for the rules: which paths a module names, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One lexed word of a source: an identifier, a mark, or a literal.
#[derive(Clone, Debug)]
pub struct Word {
    pub text: String,
    pub line: usize,
    literal: bool,
}

/// A path that a file names, resolved: `crate::pool::label::Label` or `std::fs::read`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub path: Vec<String>,
    pub line: usize,
}

impl Named {
    /// The path in one piece.
    pub fn text(&self) -> String {
        self.path.join("::")
    }
}

/// A source file and what it names outside of its tests.
pub struct File {
    pub name: String,
    /// `["pool", "planner"]`; empty for `lib.rs`, `["main"]` for `main.rs`.
    pub module: Vec<String>,
    pub words: Vec<Word>,
    pub names: Vec<Named>,
}

/// All sources below one folder, files that only tests compile left out.
pub struct Tree {
    pub files: Vec<File>,
    /// Every file with its number of lines, tests included.
    pub lengths: Vec<(String, usize)>,
}

impl Tree {
    /// Reads `folder` below `root`.
    pub fn read(root: &Path, folder: &str) -> Result<Self, String> {
        let mut paths = Vec::new();
        walk(&root.join(folder), &mut paths)?;
        paths.sort();
        let mut texts = Vec::new();
        for path in paths {
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.strip_prefix(root).map_err(|error| error.to_string())?.display().to_string();
            texts.push((name, text));
        }
        Self::from_texts(folder, &texts)
    }

    /// The same from texts in memory, for planted violations.
    pub fn from_texts(folder: &str, texts: &[(String, String)]) -> Result<Self, String> {
        let mut lexed = Vec::new();
        for (name, text) in texts {
            let stream = TokenStream::from_str(text).map_err(|error| format!("{name}: {error}"))?;
            let mut words = Vec::new();
            flatten(stream, &mut words);
            lexed.push((name.clone(), module_of(name, folder), text.lines().count(), words));
        }
        let modules: BTreeSet<Vec<String>> = lexed.iter().map(|(_, module, _, _)| module.clone()).collect();
        let mut tests = BTreeSet::new();
        let mut shipped = Vec::new();
        for (name, module, lines, words) in lexed {
            let whole = ["#", "!", "[", "cfg", "(", "test", ")", "]"];
            if words.len() >= whole.len() && words.iter().zip(whole).all(|(word, mark)| word.text == mark) {
                tests.insert(module.clone());
            }
            let (words, test_modules) = without_tests(&words);
            tests.extend(test_modules.into_iter().map(|child| [module.clone(), vec![child]].concat()));
            shipped.push((name, module, lines, words));
        }
        let lengths = shipped.iter().map(|(name, _, lines, _)| (name.clone(), *lines)).collect();
        let files = shipped
            .into_iter()
            .filter(|(_, module, _, _)| !tests.iter().any(|test| module.starts_with(test)))
            .map(|(name, module, _, words)| {
                let names = Reader::new(&module, &modules).read(&words);
                File { name, module, words, names }
            })
            .collect();
        Ok(Self { files, lengths })
    }
}

fn walk(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            walk(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

/// `src/pool/planner.rs` → `pool::planner`; `src/pool/mod.rs` → `pool`.
fn module_of(name: &str, folder: &str) -> Vec<String> {
    let inner = name.strip_prefix(folder).unwrap_or(name).trim_start_matches('/');
    let mut module: Vec<String> = inner.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

fn flatten(stream: TokenStream, into: &mut Vec<Word>) {
    let mut path_mark = false;
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                into.push(Word { text: open.into(), line, literal: false });
                let last = group.span_close().start().line;
                flatten(group.stream(), into);
                into.push(Word { text: close.into(), line: last, literal: false });
            }
            TokenTree::Ident(ident) => {
                let text = ident.to_string();
                let text = text.strip_prefix("r#").map(str::to_owned).unwrap_or(text);
                into.push(Word { text, line, literal: false });
            }
            TokenTree::Punct(punct) => {
                // Two colons become one word.
                if punct.as_char() == ':' && path_mark {
                    path_mark = false;
                    if let Some(last) = into.last_mut() {
                        last.text = "::".into();
                    }
                    continue;
                }
                path_mark = punct.as_char() == ':' && punct.spacing() == proc_macro2::Spacing::Joint;
                into.push(Word { text: punct.to_string(), line, literal: false });
                continue;
            }
            TokenTree::Literal(literal) => into.push(Word { text: literal.to_string(), line, literal: true }),
        }
        path_mark = false;
    }
}

/// Leaves out items marked `#[cfg(test)]`, and names the modules that such a mark declares.
fn without_tests(words: &[Word]) -> (Vec<Word>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut modules = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let marked = words.len() >= at + MARK.len()
            && words[at..at + MARK.len()]
                .iter()
                .zip(MARK)
                .all(|(word, mark)| word.text == mark && !word.literal);
        if !marked {
            kept.push(words[at].clone());
            at += 1;
            continue;
        }
        at += MARK.len();
        let start = at;
        let end = item_end(words, at);
        let mut item = words[start..end].iter().map(|word| word.text.as_str());
        if item.any(|word| word == "mod")
            && let Some(name) = item.next()
        {
            modules.push(name.to_owned());
        }
        at = end;
    }
    (kept, modules)
}

/// The end of the item that starts at `at`: after its `;`, its closing brace, or, for a field or an argument, its comma.
fn item_end(words: &[Word], mut at: usize) -> usize {
    const ITEMS: [&str; 10] =
        ["fn", "impl", "mod", "struct", "enum", "use", "const", "static", "trait", "type"];
    let item = words[at..]
        .iter()
        .take_while(|word| word.text != "{" && word.text != ",")
        .any(|word| ITEMS.contains(&word.text.as_str()));
    let mut depth = 0_usize;
    while let Some(word) = words.get(at) {
        if !word.literal {
            match word.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => {
                    if depth == 0 {
                        return at;
                    }
                    depth -= 1;
                    if depth == 0 && word.text == "}" {
                        return at + 1;
                    }
                }
                ";" if depth == 0 => return at + 1,
                "," if depth == 0 && !item => return at + 1,
                _ => {}
            }
        }
        at += 1;
    }
    at
}

/// Finds the paths in a file's words and resolves them.
struct Reader<'a> {
    module: &'a [String],
    modules: &'a BTreeSet<Vec<String>>,
    /// Names that a `use` brought in, with what they stand for.
    aliases: BTreeMap<String, Vec<String>>,
    names: Vec<Named>,
}

impl<'a> Reader<'a> {
    fn new(module: &'a [String], modules: &'a BTreeSet<Vec<String>>) -> Self {
        Self { module, modules, aliases: BTreeMap::new(), names: Vec::new() }
    }

    fn read(mut self, words: &[Word]) -> Vec<Named> {
        // Imports first: a path in the text may stand before the `use` that explains it.
        self.pass(words, true);
        self.pass(words, false);
        self.names
    }

    fn pass(&mut self, words: &[Word], imports: bool) {
        // The inline modules around the current word, each with the depth at which it ends.
        let mut inside: Vec<(String, usize)> = Vec::new();
        let mut depth = 0_usize;
        let mut at = 0;
        while at < words.len() {
            let word = &words[at];
            if word.literal {
                at += 1;
                continue;
            }
            match word.text.as_str() {
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    if inside.last().is_some_and(|(_, end)| *end == depth) {
                        inside.pop();
                    }
                }
                "mod" if words.get(at + 2).is_some_and(|next| next.text == "{") => {
                    inside.push((words[at + 1].text.clone(), depth));
                    at += 1;
                }
                // `impl Trait + use<'a>` is no import.
                "use" if words.get(at + 1).is_some_and(|next| next.text != "<") => {
                    let here = self.here(&inside);
                    let mut end = at + 1;
                    if imports {
                        self.use_tree(words, &mut end, Vec::new(), &here);
                    } else {
                        end = item_end(words, at);
                    }
                    at = end;
                    continue;
                }
                _ if !imports && starts_path(words, at) => {
                    let here = self.here(&inside);
                    at = self.inline(words, at, &here);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    fn here(&self, inside: &[(String, usize)]) -> Vec<String> {
        let mut here = if self.module == ["main"] { Vec::new() } else { self.module.to_vec() };
        here.extend(inside.iter().map(|(name, _)| name.clone()));
        here
    }

    /// One tree of a `use`: `a::{b, c::d as e}`.
    fn use_tree(&mut self, words: &[Word], at: &mut usize, mut path: Vec<String>, here: &[String]) {
        let mut line = 0;
        while let Some(word) = words.get(*at) {
            match word.text.as_str() {
                "::" => *at += 1,
                "{" => {
                    *at += 1;
                    while words.get(*at).is_some_and(|word| word.text != "}") {
                        self.use_tree(words, at, path.clone(), here);
                        if words.get(*at).is_some_and(|word| word.text == ",") {
                            *at += 1;
                        }
                    }
                    *at += 1;
                    return;
                }
                "," | ";" | "}" => break,
                "*" => {
                    line = word.line;
                    *at += 1;
                }
                "as" => {
                    let alias = words.get(*at + 1).map(|word| word.text.clone()).unwrap_or_default();
                    self.note(path, line, here, Some(alias));
                    *at += 2;
                    return;
                }
                _ => {
                    line = word.line;
                    path.push(word.text.clone());
                    *at += 1;
                }
            }
        }
        self.note(path, line, here, None);
    }

    fn note(&mut self, mut path: Vec<String>, line: usize, here: &[String], alias: Option<String>) {
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let Some(name) = alias.or_else(|| path.last().cloned()) else { return };
        let path = self.resolve(path, here);
        self.aliases.insert(name, path.clone());
        self.names.push(Named { path, line });
    }

    /// A path in the text, such as `crate::pool::Label::new` or `fs::read` after `use std::fs`.
    fn inline(&mut self, words: &[Word], mut at: usize, here: &[String]) -> usize {
        let line = words[at].line;
        let mut path = vec![words[at].text.clone()];
        at += 1;
        while words.get(at).is_some_and(|word| word.text == "::") {
            match words.get(at + 1) {
                Some(word) if !word.literal && is_identifier(&word.text) => path.push(word.text.clone()),
                _ => break,
            }
            at += 2;
        }
        let path = self.resolve(path, here);
        self.names.push(Named { path, line });
        at
    }

    fn resolve(&self, path: Vec<String>, here: &[String]) -> Vec<String> {
        let mut base = here.to_vec();
        let mut rest = path.as_slice();
        let ours = match rest.first().map(String::as_str) {
            Some("crate") => {
                base.clear();
                rest = &rest[1..];
                true
            }
            // The program names the library by its name.
            Some("causeway") if self.module == ["main"] => {
                base.clear();
                rest = &rest[1..];
                true
            }
            Some("self") => {
                rest = &rest[1..];
                true
            }
            Some("super") => true,
            _ => false,
        };
        while rest.first().is_some_and(|first| first == "super") {
            base.pop();
            rest = &rest[1..];
        }
        if ours {
            return [vec!["crate".to_owned()], base, rest.to_vec()].concat();
        }
        let Some(first) = rest.first() else { return path };
        if let Some(known) = self.aliases.get(first) {
            return [known.clone(), rest[1..].to_vec()].concat();
        }
        let child = [base.clone(), vec![first.clone()]].concat();
        if self.modules.contains(&child) {
            return [vec!["crate".to_owned()], base, rest.to_vec()].concat();
        }
        path
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Tools that attributes name: `#[expect(clippy::…)]` is no import.
const TOOLS: [&str; 3] = ["clippy", "rustdoc", "rustfmt"];

/// Whether a path of at least two parts starts here, and is not the middle of another.
fn starts_path(words: &[Word], at: usize) -> bool {
    is_identifier(&words[at].text)
        && !TOOLS.contains(&words[at].text.as_str())
        && words.get(at + 1).is_some_and(|next| next.text == "::" && !next.literal)
        && (at == 0 || words[at - 1].text != "::")
}
