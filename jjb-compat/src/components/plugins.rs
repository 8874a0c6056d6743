//! Releases of Jenkins plugins, where a component's form depends on them.

use crate::options::Options;

/// The first three numbers of a plugin's release, if it is known.
pub(super) fn version(options: &Options, plugin: &str) -> Option<[u32; 3]> {
    let (_, text) = options.plugins.iter().find(|(name, _)| name == plugin)?;
    let mut out = [0; 3];
    for (slot, part) in out.iter_mut().zip(text.split('.')) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        *slot = digits.parse().unwrap_or(0);
    }
    Some(out)
}
