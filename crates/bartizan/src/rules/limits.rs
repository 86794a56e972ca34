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
    /// How many calls one caller may have under way at once: any number, and so none is counted.
    /// Each request that is to be answered is a call until its answer has ended, but for
    /// `subscriptions/listen`. What is beyond is refused with 429.
    pub calls_per_caller: usize,
    /// How many calls all callers may have under way together: any number. All without a token
    /// have a quarter of these together. What is beyond is refused with 503.
    pub calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 4 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            body_memory: 256 * 1024 * 1024,
            streams_per_caller: 16,
            streams: 512,
            calls_per_caller: usize::MAX,
            calls: usize::MAX,
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

    /// The budget of all calls; `None` if there is no bound.
    pub(crate) const fn call_bounds(&self) -> Option<Bounds> {
        let Self { calls: total, calls_per_caller: each, .. } = *self;
        if total == usize::MAX && each == usize::MAX {
            return None;
        }
        Some(Bounds { total, each, anonymous: total.div_ceil(4) })
    }

    /// The budget of all streams.
    pub(crate) const fn stream_bounds(&self) -> Bounds {
        Bounds { total: self.streams, each: self.streams_per_caller, anonymous: self.streams / 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_without_a_token_have_a_quarter_of_the_calls_together() {
        let limits = Limits { calls_per_caller: 3, calls: 10, ..Limits::default() };
        let Bounds { total, each, anonymous } = limits.call_bounds().unwrap();
        assert_eq!((total, each, anonymous), (10, 3, 3));
        assert!(Limits::default().call_bounds().is_none());
        let one_bound = Limits { calls: 10, ..Limits::default() };
        assert!(one_bound.call_bounds().is_some());
    }
}
