//! The bounds of the requests to one server.

use std::time::Duration;

/// The bounds of the requests to one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// From the look-up of the name to the end of the TLS handshake.
    pub connect: Duration,
    /// From the request to the head of its answer. A server that answers with JSON sends the head
    /// when its tool has run.
    pub head: Duration,
    /// How long a server of 2024-11-05 may take to name its endpoint.
    pub endpoint: Duration,
    /// How long an answer that is no stream may send nothing once it has begun.
    pub stalled: Duration,
    /// How long a stream may send nothing, pings and comments included.
    pub idle_stream: Duration,
    /// How long a connection is kept for another request. Less than what servers allow (5 s is
    /// common), so that no request meets the end of its connection.
    pub idle_connection: Duration,
    /// How many connections without a request are kept.
    pub idle_connections: usize,
    /// The length of an answer that is no stream, in bytes.
    pub answer_bytes: usize,
    /// The length of one message on a stream that a link reads, in bytes.
    pub message_bytes: usize,
}

impl Default for HttpLimits {
    /// 5 s to connect, 5 min to the head, 10 s to an endpoint, 30 s and 1 h without a byte,
    /// connections kept for 4 s and 256 of them, answers and messages of 16 MiB.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            head: Duration::from_mins(5),
            endpoint: Duration::from_secs(10),
            stalled: Duration::from_secs(30),
            idle_stream: Duration::from_hours(1),
            idle_connection: Duration::from_secs(4),
            idle_connections: 256,
            answer_bytes: 16 * 1024 * 1024,
            message_bytes: 16 * 1024 * 1024,
        }
    }
}
