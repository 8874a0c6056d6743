//! Reads Jenkins Job Builder YAML as Jenkins Job Builder does, and says what it cannot.
