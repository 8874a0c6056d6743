//! Causeway: leave Jenkins and Nodepool one job at a time.

pub mod app;
pub mod artifact;
pub mod build;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod console;
pub mod drain;
pub mod execute;
pub mod gearman;
pub mod keeper;
pub mod model;
pub mod pool;
pub mod provider;
pub mod store;
pub mod sys;
pub mod telemetry;
pub mod web;
pub mod zuul;
