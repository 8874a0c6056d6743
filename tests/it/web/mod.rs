//! Pages and API, asked over HTTP in this process: a real face over a store in memory.

mod api;
mod console;
mod face;
mod pages;
mod refusals;
