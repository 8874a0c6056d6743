//! Zuul's words on the wire: pure functions between bytes and our model. Nothing further in sees JSON.

mod answer;
mod argument;
mod function;
mod passing;

pub use answer::{Ended, Started, WorkerFacts};
pub use argument::{
    ArgumentError, BuildTarget, Description, parse_description, parse_parameters, parse_target,
};
pub use function::{Function, build_function, build_label_function, set_description_function, stop_function};
pub use passing::{Passed, is_build_of_zuul, pass_to_zuul};
