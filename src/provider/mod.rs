//! Drivers: what makes nodes, each behind `pool::provider::Provider`. Only `app` names them (design section 3).

pub mod fake;
