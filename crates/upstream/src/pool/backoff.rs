//! When a server that failed is started again.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::Key;

/// For how many servers it is remembered that they failed, at most. Beyond, the failure that is
/// over first is forgotten.
const MAX_REMEMBERED: usize = 4_096;

/// How long it takes until a server that failed is started again. The first restart is immediate,
/// each further one takes twice as long, less up to a half at random, so that servers that failed
/// together are not started together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The delay of the second restart. Default: 1 second.
    pub first: Duration,
    /// The longest delay. Default: 60 seconds.
    pub longest: Duration,
    /// A server that ran for so long has not failed repeatedly. Default: 60 seconds.
    pub healthy: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_mins(1),
            healthy: Duration::from_mins(1),
        }
    }
}

impl Backoff {
    /// The delay after so many failures in a row. `random` decides how much less it is.
    fn delay(self, failures: u32, random: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(2) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let delay = self.first.saturating_mul(factor).min(self.longest);
        let half = delay / 2;
        half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }
}

/// Which servers have failed.
#[derive(Debug, Default)]
pub(super) struct History(HashMap<Key, Failures>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    not_before: Instant,
}

impl History {
    /// When the server of `key` may be started.
    pub(super) fn not_before(&self, key: &Key) -> Option<Instant> {
        self.0.get(key).map(|failures| failures.not_before)
    }

    /// The server of `key` has failed, after it had run for `ran`.
    pub(super) fn failed(&mut self, key: &Key, ran: Duration, backoff: Backoff, random: u32) {
        let now = Instant::now();
        let before = self.0.get(key).filter(|_| ran < backoff.healthy).map_or(0, |it| it.count);
        let count = before.saturating_add(1);
        let not_before = now + backoff.delay(count, random);
        self.0.insert(key.clone(), Failures { count, not_before });
        if self.0.len() > MAX_REMEMBERED {
            self.0.retain(|_, it| it.not_before + backoff.healthy > now);
        }
        if self.0.len() > MAX_REMEMBERED {
            let first = self.0.iter().min_by_key(|(_, it)| it.not_before);
            if let Some(first) = first.map(|(key, _)| key.clone()) {
                self.0.remove(&first);
            }
        }
    }

    /// The server of `key` was ended by us.
    pub(super) fn succeeded(&mut self, key: &Key, ran: Duration, backoff: Backoff) {
        if ran >= backoff.healthy {
            self.0.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Owner;

    use super::*;
    use crate::pool::Instances;

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(1),
        longest: Duration::from_mins(1),
        healthy: Duration::from_mins(1),
    };

    fn key(session: &str) -> Key {
        Key::new(Instances::PerSession, &Owner::Anonymous, Some(session))
    }

    #[test]
    fn each_delay_is_twice_the_one_before_up_to_the_longest() {
        assert_eq!(BACKOFF, Backoff::default());
        let seconds = |failures| BACKOFF.delay(failures, u32::MAX).as_secs();
        assert_eq!((0..=5).map(seconds).collect::<Vec<_>>(), [0, 0, 1, 2, 4, 8]);
        assert_eq!([8, 9, 40, u32::MAX].map(seconds), [60, 60, 60, 60]);
        assert_eq!(BACKOFF.delay(4, 0), Duration::from_secs(2), "less up to a half");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_ran_for_long_has_not_failed_repeatedly() {
        let mut history = History::default();
        let now = Instant::now();
        let mut failed = |ran| {
            history.failed(&key("1"), Duration::from_secs(ran), BACKOFF, u32::MAX);
            (history.not_before(&key("1")).unwrap() - now).as_secs()
        };
        assert_eq!([failed(0), failed(0), failed(59), failed(60), failed(1)], [0, 1, 2, 0, 1]);
        assert!(history.not_before(&key("2")).is_none(), "of another one nothing is known");
        history.succeeded(&key("1"), Duration::from_secs(59), BACKOFF);
        assert!(history.not_before(&key("1")).is_some());
        history.succeeded(&key("1"), Duration::from_mins(1), BACKOFF);
        assert!(history.not_before(&key("1")).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let mut history = History::default();
        for number in 0..=MAX_REMEMBERED {
            history.failed(&key(&number.to_string()), Duration::ZERO, BACKOFF, 0);
        }
        assert_eq!(history.0.len(), MAX_REMEMBERED);
        tokio::time::advance(BACKOFF.healthy * 2).await;
        history.failed(&key("one more"), Duration::ZERO, BACKOFF, 0);
        assert_eq!(history.0.len(), 1);
    }
}
