//! House rules as tests: who may import whom.
