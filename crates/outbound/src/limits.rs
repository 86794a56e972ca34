//! Bounds of one request.

use std::time::Duration;

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte that is sent to the last that is received. For a stream: until its head.
    pub time: Duration,
    /// The names and values of all header lines of a response, in bytes. A head of more than 100
    /// lines, or of more than some 400 KiB, is not even read to its end.
    pub head: usize,
    /// The body of a response that is read whole, in bytes.
    pub body: usize,
}

impl Limits {
    /// The same with another time.
    #[must_use]
    pub const fn time(self, time: Duration) -> Self {
        Self { time, ..self }
    }

    /// The same with another bound for a body.
    #[must_use]
    pub const fn body(self, body: usize) -> Self {
        Self { body, ..self }
    }
}

impl Default for Limits {
    /// 5 seconds, a head of 16 KiB, a body of 256 KiB.
    fn default() -> Self {
        Self { time: Duration::from_secs(5), head: 16 * 1024, body: 256 * 1024 }
    }
}
