//! What anyone can cause as often as they like, and is logged once a minute.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How often a line is logged.
const PERIOD: Duration = Duration::from_mins(1);

/// When the last line was logged, and how many there would have been since.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Option<(Instant, u64)>>);

impl Seldom {
    /// Whether a line is due: then how many were left out before it.
    pub(super) fn due(&self) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &mut *last {
            Some((at, left_out)) if now.duration_since(*at) < PERIOD => {
                *left_out += 1;
                None
            }
            other => Some(other.replace((now, 0)).map_or(0, |(_, left_out)| left_out)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_is_due_once_a_minute_and_says_how_many_were_left_out() {
        let seldom = Seldom::default();
        assert_eq!(seldom.due(), Some(0));
        assert_eq!((seldom.due(), seldom.due()), (None, None));
        tokio::time::advance(PERIOD).await;
        assert_eq!(seldom.due(), Some(2));
        assert_eq!(seldom.due(), None);
        tokio::time::advance(PERIOD).await;
        assert_eq!(seldom.due(), Some(1));
    }
}
