//! A clock that the test sets.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Clock, NumericDate};

/// A [`Clock`] whose time the test decides.
#[derive(Debug)]
pub struct ManualClock(Mutex<NumericDate>);

impl ManualClock {
    /// A clock that says `secs` seconds since the epoch.
    #[must_use]
    pub fn at(secs: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(date(secs))))
    }

    /// Moves on by `duration` (whole seconds of it).
    pub fn advance(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.plus(duration);
    }

    /// Moves to `secs` seconds since the epoch, forwards or back.
    pub fn set(&self, secs: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date(secs);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> NumericDate {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn date(secs: i64) -> NumericDate {
    NumericDate::from_secs(secs).expect("a date from 1970 to 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_told() {
        let clock = ManualClock::at(crate::NOW);
        assert_eq!(clock.now().as_secs(), crate::NOW);
        clock.advance(Duration::from_secs(61));
        assert_eq!(clock.now().as_secs(), crate::NOW + 61);
        clock.set(5);
        assert_eq!(clock.now().as_secs(), 5);
    }
}
