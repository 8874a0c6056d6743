//! Every limit of the Gearman port in one place, each with its reason and with what happens when it is reached (design A14).

/// What peers may cost. The defaults are meant for one team's Zuul with hundreds of jobs and thousands of executors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest body of a packet, in bytes. Checked on the header, before anything is allocated. Past it: the connection is
    /// closed (zuul-B-5). Real payloads are small; the largest known are lists of running jobs of a few mebibytes.
    pub frame_bytes: usize,
    /// Longest line of the text protocol, in bytes. Past it: the connection is closed.
    pub line_bytes: usize,
    /// Open connections. Past it: a new one is closed at once, with one log line a second.
    pub connections: usize,
    /// Names that one connection may have registered. A Jenkins executor has one or a few for each job. Past it: the name is
    /// not registered and the refusal is counted; an `ERROR` would send the Jenkins plugin into a reconnect loop.
    pub names_per_connection: usize,
    /// Function names known in all: they are sticky, and kept on disk. Past it: a new name is not registered (counted), and a
    /// submit to a new name is answered with `ERROR TOO_MANY_NAMES`.
    pub names: usize,
    /// Longest function name and longest unique, in bytes. Past it: `ERROR ARGUMENT_TOO_LARGE` to a submit, else ignored and
    /// counted. gearmand and gear took names of 600.
    pub name_bytes: usize,
    /// Longest client id; the rest is cut off (gearmand cuts at 128).
    pub client_id_bytes: usize,
    /// Jobs queued and running in all. Past it: `ERROR QUEUE_FULL` to a submit.
    pub jobs: usize,
    /// Bytes of all queued jobs together. Past it: `ERROR QUEUE_FULL` to a submit.
    pub queued_bytes: usize,
    /// Bytes that wait for one reader which does not read, beyond the packet being sent. Past it: the connection is closed.
    pub unsent_bytes: usize,
    /// Bytes that wait for all readers together. Past it: the connection with the most is closed.
    pub unsent_bytes_all: usize,
    /// Unread answers at which a connection is not read from any more, until it has taken them: a peer that only asks cannot
    /// grow our memory.
    pub pause_reading_bytes: usize,
    /// Bytes of packets that have not arrived whole, and of those that wait for their turn, from all peers together. Past it:
    /// a connection that sends more of a long one is closed.
    pub partial_bytes_all: usize,
    /// Events that wait for the rest of the process. Past it: no more local jobs are handed out; they stay queued.
    pub waiting_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 64 << 20,
            line_bytes: 8 << 10,
            connections: 20_000,
            names_per_connection: 20_000,
            names: 200_000,
            name_bytes: 4_096,
            client_id_bytes: 256,
            jobs: 4_000_000,
            queued_bytes: 2 << 30,
            unsent_bytes: 64 << 20,
            unsent_bytes_all: 1 << 30,
            pause_reading_bytes: 1 << 20,
            partial_bytes_all: 256 << 20,
            waiting_events: 4_096,
        }
    }
}
