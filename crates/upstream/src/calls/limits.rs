//! Bounds of one connection.

use std::time::Duration;

/// How much one connection holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Calls in flight, listens included. Further ones are answered with an error.
    pub in_flight: usize,
    /// Bytes of one call's events that its caller has not read yet, beyond the first event. A call
    /// with more is cancelled and answered with an error. Each event counts with its text and 256
    /// bytes.
    pub queued_bytes: usize,
    /// Questions of the server's that are not answered yet. Further ones are refused.
    pub asks: usize,
    /// Messages outside of calls that a receiver has not read yet. Further ones are dropped.
    pub unsolicited: usize,
    /// How long a server may say nothing about a call: no answer, no progress, no question and
    /// nothing else that belongs to it. Then the call is cancelled and answered with an error.
    /// Exempt are a subscription, and a call whose client has a question to answer. Where the
    /// transport says which call a message belongs to (streamable HTTP), it has bounds of its own
    /// ([`HttpLimits`](crate::http::HttpLimits)).
    pub silence: Duration,
    /// Lines in a row that are no message, after which the connection is ended.
    pub faults: usize,
    /// Whether the server may ask clients for their folders (`roots/list`). Some servers use these
    /// in the place of the folders of their own configuration: a remote caller could name any.
    pub roots: bool,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            in_flight: 256,
            queued_bytes: 4 << 20,
            asks: 64,
            unsolicited: 256,
            silence: Duration::from_mins(5),
            faults: 100,
            roots: true,
        }
    }
}
