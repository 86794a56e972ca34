//! Bounds of one front.

use std::time::Duration;

/// How much callers hold at most, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrontLimits {
    /// Calls in flight of one user (issuer and subject), through all their clients, listens
    /// included.
    pub calls_each: usize,
    /// Calls in flight of all users.
    pub calls_total: usize,
    /// Sessions of one user, through all their clients. One more ends the one that was not used for
    /// longest.
    pub sessions_each: usize,
    /// Sessions of all users.
    pub sessions_total: usize,
    /// After this long without a request or a stream a session ends, and a call of a session
    /// without a client that reads its stream is cancelled.
    pub session_idle: Duration,
    /// Bytes of one stream that are kept for replay, and that may wait to be read.
    pub replay_bytes: usize,
    /// Streams of one session that are kept for replay after their end.
    pub replay_streams: usize,
    /// After this long without an answer a response becomes a stream, in a session. Without one it
    /// does so when a comment is due, since an error has a status of its own there.
    pub stream_after: Duration,
    /// How often a stream on which nothing happens has a comment.
    pub keep_alive: Duration,
    /// After this long the stream of a call is closed, for the client to come back to it
    /// (2025-11-25, polling). `None` keeps it open.
    pub poll_after: Option<Duration>,
}

impl Default for FrontLimits {
    fn default() -> Self {
        Self {
            calls_each: 256,
            calls_total: 8192,
            sessions_each: 32,
            sessions_total: 4096,
            session_idle: Duration::from_mins(30),
            replay_bytes: 1 << 20,
            replay_streams: 8,
            stream_after: Duration::from_secs(1),
            keep_alive: Duration::from_secs(15),
            poll_after: None,
        }
    }
}
