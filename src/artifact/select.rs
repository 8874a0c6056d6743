//! Which files of a workspace a publisher means.

use super::name::{NameRefused, checked};
use super::pattern::Pattern;
use crate::keeper::{Entry, EntryKind};

/// What Ant leaves out unless told otherwise: leftovers of editors and files of version control.
const DEFAULT_EXCLUDES: &str = "**/*~,**/#*#,**/.#*,**/%*%,**/._*,**/CVS,**/CVS/**,**/.cvsignore,**/SCCS,**/SCCS/**,\
    **/vssver.scc,**/.svn,**/.svn/**,**/.git,**/.git/**,**/.gitattributes,**/.gitignore,**/.gitmodules,\
    **/.hg,**/.hg/**,**/.hgignore,**/.hgsub,**/.hgsubstate,**/.hgtags,**/.bzr,**/.bzr/**,**/.bzrignore,**/.DS_Store";

/// Patterns of a publisher: what to take and what to leave.
#[derive(Debug, Clone)]
pub struct Selection {
    includes: Vec<Pattern>,
    excludes: Vec<Pattern>,
    case_sensitive: bool,
}

/// Something that is meant and yet not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its path, made readable.
    pub path: String,
    /// Why, for people.
    pub reason: String,
}

/// What was selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected {
    /// The files, in the order of the listing.
    pub files: Vec<Entry>,
    /// What is meant and not taken: links, devices, names that lead elsewhere. To be reported (pools-D71).
    pub refused: Vec<Refused>,
}

impl Selection {
    /// Lists of patterns as a publisher has them, variables already in place.
    pub fn new(includes: &str, excludes: &str, default_excludes: bool, case_sensitive: bool) -> Selection {
        let mut left_out = Pattern::list(excludes);
        if default_excludes {
            left_out.extend(Pattern::list(DEFAULT_EXCLUDES));
        }
        Selection { includes: Pattern::list(includes), excludes: left_out, case_sensitive }
    }

    /// Whether this relative path is meant.
    pub fn takes(&self, path: &str) -> bool {
        let any =
            |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(path, self.case_sensitive));
        any(&self.includes) && !any(&self.excludes)
    }
}

impl Selected {
    /// Looks at one entry of a listing, taken relative to the directory that the patterns are for.
    pub fn look_at(&mut self, selection: &Selection, entry: Entry) {
        let path = String::from_utf8_lossy(&entry.path);
        if entry.kind == EntryKind::Directory || !selection.takes(&path) {
            return;
        }
        let path = path.escape_debug().to_string();
        let reason = match entry.kind {
            EntryKind::Link => "it is a link, and links are not followed".to_owned(),
            EntryKind::Other => "it is neither a file nor a directory".to_owned(),
            EntryKind::File | EntryKind::Directory => match checked(&entry.path) {
                Ok(_) => return self.files.push(entry),
                Err(refused) => NameRefused::to_string(&refused),
            },
        };
        self.refused.push(Refused { path, reason });
    }
}

/// All that `selection` means in `listing`.
pub fn select(selection: &Selection, listing: impl IntoIterator<Item = Entry>) -> Selected {
    let mut selected = Selected::default();
    for entry in listing {
        selected.look_at(selection, entry);
    }
    selected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &[u8], kind: EntryKind) -> Entry {
        Entry { path: path.to_vec(), kind, size: 1, modified_at: 1, mode: 0o644 }
    }

    #[test]
    fn jjb_archive_takes_what_jenkins_takes() {
        let paths =
            ["log/a.txt", "log/a.txt~", "log/.git/config", "log/sub/B.TXT", "log/skip/c.txt", "other"];
        let taken = |selection: &Selection| -> Vec<&str> {
            paths.into_iter().filter(|path| selection.takes(path)).collect()
        };
        let usual = Selection::new("log/**, nothing/*", "**/skip/**", true, true);
        assert_eq!(taken(&usual), ["log/a.txt", "log/sub/B.TXT"]);
        let all = Selection::new("log/", "", false, true);
        assert_eq!(taken(&all), paths[..5]);
        let any_case = Selection::new("LOG/**/*.txt", "", true, false);
        assert_eq!(taken(&any_case), ["log/a.txt", "log/sub/B.TXT", "log/skip/c.txt"]);
        assert!(taken(&Selection::new("", "", true, true)).is_empty());
    }

    #[test]
    fn jjb_23_files_are_matched_as_ant_does() {
        let paths = ["a.b", "src/x.c", "src/deep/y.c", ".git/z.c", "it's/q+.d"];
        for (includes, excludes, want) in [
            ("*.b", "", true),
            ("*.c", "", false),
            ("**/*.c", "", true),
            ("src/", "", true),
            ("src/**", "**/deep/**, src/?.c", false),
            ("src/**/y.c", "", true),
            ("**/z.c", "", false),
            ("it's/q+.d", "", true),
            ("src/x?c", "", true),
            ("a[.]b, axb", "", false),
            ("SRC/", "", false),
        ] {
            let selection = Selection::new(includes, excludes, true, true);
            assert_eq!(paths.iter().any(|path| selection.takes(path)), want, "{includes} without {excludes}");
        }
    }

    #[test]
    fn pools_d71_what_is_not_taken_is_named() {
        let listing = [
            entry(b"log", EntryKind::Directory),
            entry(b"log/good", EntryKind::File),
            entry(b"log/link", EntryKind::Link),
            entry(b"log/socket", EntryKind::Other),
            entry(b"log/\xff", EntryKind::File),
            entry(b"log/../../etc/passwd", EntryKind::File),
            entry(b"elsewhere", EntryKind::Link),
        ];
        let selected = select(&Selection::new("**", "elsewhere", true, true), listing);
        let names: Vec<_> = selected.files.iter().map(|entry| entry.path.as_slice()).collect();
        assert_eq!(names, [b"log/good"]);
        let refused: Vec<_> = selected.refused.iter().map(|refused| refused.path.as_str()).collect();
        assert_eq!(refused, ["log/link", "log/socket", "log/\u{fffd}", "log/../../etc/passwd"]);
    }
}
