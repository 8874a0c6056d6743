//! The unified dialect: parameters and contents apart, parameters expanded by each other (contract section 8).

mod axes;
mod compare;
pub(crate) mod deep;
mod generate;
mod keys;
mod params;
mod required;
mod roots;

use crate::format::Params;
use crate::node::{Map, Style};
use crate::session::Session;

pub(crate) use deep::{Deep, Mode};
pub(crate) use roots::{Macro, Roots};

/// How mappings print in this dialect.
pub(crate) const STYLE: Style = Style::Plain;

/// Variables for a formatting.
pub(crate) fn params<'p>(session: &'p Session, map: &'p Map, allow_empty: bool) -> Params<'p> {
    let text_limit = session.options.limits.text_bytes;
    Params { map, over: None, allow_empty, style: STYLE, text_limit, undefined: false, pool: session.pool }
}
