//! From elements to jobs and views.

pub(crate) mod classic;
pub(crate) mod deep;
pub(crate) mod elements;
mod finish;
pub(crate) mod unified;
pub(crate) mod zuul;
mod zuul_parameters;

pub(crate) use deep::Deep;
pub(crate) use elements::{Element, Elements};
pub(crate) use finish::{Expand, Expanded, Made, Named, Unit, wanted, without_duplicates};
