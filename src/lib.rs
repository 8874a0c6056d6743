//! Causeway: leave Jenkins and Nodepool one job at a time.
