//! How an old server is used.

use std::time::Duration;

/// How an old server is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownOptions {
    /// Whether callers of several owners use this connection.
    pub is_shared: bool,
    /// Whether the transport says which call a question belongs to (HTTP does, stdio does not).
    pub names_calls: bool,
    /// How long a call waits for another one of its owner that can be asked.
    pub patience: Duration,
}

impl Default for DownOptions {
    fn default() -> Self {
        Self { is_shared: false, names_calls: false, patience: Duration::from_mins(2) }
    }
}
