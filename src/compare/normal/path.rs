//! Places of files: the same file lies elsewhere on each side.

use super::number;

const TEMPORARY: &str = "\u{241a}tmp";
const FOLDER: &str = "\u{241a}dir";

/// The placeholder, if the word is a path or an address with one.
pub(super) fn shortened(word: &str, exact: bool) -> Option<String> {
    if let Some((scheme, rest)) = word.split_once("://") {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = number::identity(host).unwrap_or_else(|| {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            name.to_owned()
        });
        return match scheme {
            "file" => shortened(&format!("/{path}"), exact),
            _ => Some(format!("{scheme}://{host}/{}", number::without(path, exact))),
        };
    }
    let rest = ["/", "~/", "./"].iter().find_map(|start| word.strip_prefix(start))?;
    if rest.is_empty() {
        return Some(FOLDER.to_owned());
    }
    // `/a/b.py:12:4`: what follows the name is a place in the file.
    let (path, place) = rest.split_once(':').map_or((rest, None), |(path, place)| (path, Some(place)));
    let mut parts = path.trim_end_matches('/').split('/');
    let last = parts.next_back().unwrap_or_default();
    let in_tmp = word.starts_with("/tmp/") || word.starts_with("/var/tmp/") || word.starts_with("/run/");
    let random = |part: &str| part.starts_with("tmp") || part.bytes().any(|byte| byte.is_ascii_digit());
    let shown = match in_tmp && (random(last) || parts.clone().any(random)) {
        true if random(last) => TEMPORARY.to_owned(),
        _ => format!("{FOLDER}/{}", number::without(last, exact)),
    };
    Some(match place {
        Some(place) => format!("{shown}:{}", number::without(place, exact)),
        None => shown,
    })
}
