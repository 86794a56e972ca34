//! How much callers may send and hold at once.

use std::time::Duration;

use auth_core::quota::Bounds;

/// The longest body without a token, in bytes.
const MAX_ANONYMOUS_BODY: usize = 64 * 1024;

/// How much callers may send and hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes: 4 MiB. One without a token has at most 64 KiB in any case.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive: 30 s.
    pub body_timeout: Duration,
    /// How many bytes of bodies are held at once, beyond the first 16 KiB of each: 256 MiB. One
    /// caller has an eighth of it, all without a token together have a 32nd, and each has enough
    /// for one body. What is beyond is refused with 503.
    pub body_memory: usize,
    /// How many streams (`GET`, and `subscriptions/listen`) one caller may have open at once: 16.
    /// What is beyond is refused with 429.
    pub streams_per_caller: usize,
    /// How many streams all callers may have open together: 512. All without a token have a quarter
    /// of these together.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 4 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            body_memory: 256 * 1024 * 1024,
            streams_per_caller: 16,
            streams: 512,
        }
    }
}

impl Limits {
    /// The longest body of a caller with a token, or without.
    pub(crate) fn max_body(&self, is_anonymous: bool) -> usize {
        let bound = if is_anonymous { MAX_ANONYMOUS_BODY } else { usize::MAX };
        self.max_body_bytes.min(bound)
    }

    /// The budget of all bodies.
    pub(crate) fn body_bounds(&self) -> Bounds {
        // A buffer may be twice as large as what is in it.
        let one = self.max_body_bytes.saturating_mul(2);
        Bounds {
            total: self.body_memory.max(one),
            each: (self.body_memory / 8).max(one),
            anonymous: (self.body_memory / 32).max(one.min(2 * MAX_ANONYMOUS_BODY)),
        }
    }

    /// The budget of all streams.
    pub(crate) const fn stream_bounds(&self) -> Bounds {
        Bounds { total: self.streams, each: self.streams_per_caller, anonymous: self.streams / 4 }
    }
}
