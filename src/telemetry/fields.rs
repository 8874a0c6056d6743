//! The names of fields in log lines and spans: one name a thing, the same everywhere.
//!
//! `tracing` wants the names written out in its macros (`info!(build.id = %id, …)`), so these constants are the list to
//! look up and to test against, not something to pass in.

/// A build's id.
pub const BUILD_ID: &str = "build.id";
/// A build's number.
pub const BUILD_NUMBER: &str = "build.number";
/// What Zuul calls the build.
pub const ZUUL_UUID: &str = "zuul.uuid";
/// The handle of an assignment.
pub const GEARMAN_HANDLE: &str = "gearman.handle";
/// The job's full name.
pub const JOB_NAME: &str = "job.name";
/// A node's id.
pub const NODE_ID: &str = "node.id";
/// A label.
pub const NODE_LABEL: &str = "node.label";
/// A lease's id.
pub const LEASE_ID: &str = "lease.id";
/// A provider's name.
pub const PROVIDER_NAME: &str = "provider.name";
/// The address of the other side of a connection.
pub const PEER_ADDRESS: &str = "peer.address";

/// Every agreed name.
pub const ALL: [&str; 10] = [
    BUILD_ID,
    BUILD_NUMBER,
    ZUUL_UUID,
    GEARMAN_HANDLE,
    JOB_NAME,
    NODE_ID,
    NODE_LABEL,
    LEASE_ID,
    PROVIDER_NAME,
    PEER_ADDRESS,
];
