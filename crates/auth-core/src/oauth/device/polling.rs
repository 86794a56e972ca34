//! What a device gets that asks for its token (RFC 8628 §3.4, §3.5).
//!
//! ```text
//! Pending ──user approves──► Approved ──next poll──► tokens, and the code is used
//!    └─────user denies─────► Denied
//! ```
//!
//! 1. A poll sooner than the interval after the last one is `slow_down`, and the interval grows by
//!    5 s for good (RFC 8628 §3.5). It grows to one minute at most, so that a device always gets
//!    its token.
//! 2. The answer that the user gave is not held back by the interval.
//! 3. A code has an end, whatever its state. It is exchanged once.
//!
//! The store changes `Approved` to `Used` by comparing and setting.

use std::time::Duration;

use crate::{
    NumericDate,
    oauth::{ErrorCode, OAuthError},
};

/// How long a device waits between two polls at first, and by how much it slows down (RFC 8628
/// §3.5).
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The longest interval.
const MAX_INTERVAL: Duration = Duration::from_mins(1);

/// What the user has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// Nothing yet.
    Pending,
    /// The client may have tokens.
    Approved,
    /// The client may not.
    Denied,
    /// Tokens were issued.
    Used,
}

/// What is stored of a device code's polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    interval: Duration,
    polled_at: Option<NumericDate>,
}

/// What follows from a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum PollDecision {
    /// Set the state to [`DeviceState::Used`] and issue tokens, in this order.
    Issue,
    /// Store the polling, and answer with this error.
    Wait(Polling, OAuthError),
    /// Change nothing, and answer with this error.
    Refuse(OAuthError),
}

impl Default for Polling {
    fn default() -> Self {
        Self { interval: POLL_INTERVAL, polled_at: None }
    }
}

impl Polling {
    /// What was stored.
    #[must_use]
    pub const fn restore(interval: Duration, polled_at: Option<NumericDate>) -> Self {
        Self { interval, polled_at }
    }

    /// How long the device has to wait between two polls.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// When the device polled last.
    #[must_use]
    pub const fn polled_at(&self) -> Option<NumericDate> {
        self.polled_at
    }

    /// Judges a poll, by the client of the code, at the time `now`.
    pub fn poll(
        &self,
        state: DeviceState,
        expires_at: NumericDate,
        now: NumericDate,
    ) -> PollDecision {
        let refuse = |code, description| PollDecision::Refuse(OAuthError::new(code, description));
        if state == DeviceState::Used {
            return refuse(ErrorCode::InvalidGrant, "the device code was used: start again");
        }
        if now >= expires_at {
            return refuse(ErrorCode::ExpiredToken, "the code has expired: start again");
        }
        match state {
            DeviceState::Approved => PollDecision::Issue,
            DeviceState::Denied => refuse(ErrorCode::AccessDenied, "the user declined"),
            DeviceState::Pending | DeviceState::Used => self.wait(now),
        }
    }

    fn wait(&self, now: NumericDate) -> PollDecision {
        let polled_at = Some(now);
        match self.polled_at {
            Some(last) if now.since(last) < self.interval => {
                let interval = self.interval.saturating_add(POLL_INTERVAL).min(MAX_INTERVAL);
                let description = format!("wait {} s between two requests", interval.as_secs());
                let error = OAuthError::new(ErrorCode::SlowDown, description);
                PollDecision::Wait(Self { interval, polled_at }, error)
            }
            _ => {
                let code = ErrorCode::AuthorizationPending;
                let error = OAuthError::new(code, "the user has not decided yet");
                PollDecision::Wait(Self { polled_at, ..*self }, error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(1_800_000_000 + secs).unwrap()
    }

    fn wait(polling: Polling, secs: i64) -> (Polling, ErrorCode) {
        match polling.poll(DeviceState::Pending, at(600), at(secs)) {
            PollDecision::Wait(polling, error) => (polling, error.code()),
            other => panic!("{other:?}"),
        }
    }

    fn refused(state: DeviceState, secs: i64) -> ErrorCode {
        match Polling::default().poll(state, at(600), at(secs)) {
            PollDecision::Refuse(error) => error.code(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_device_that_keeps_to_the_interval_waits() {
        let (mut polling, mut code) = wait(Polling::default(), 0);
        for secs in [5, 10, 30] {
            assert_eq!(
                (code, polling.interval()),
                (ErrorCode::AuthorizationPending, POLL_INTERVAL)
            );
            (polling, code) = wait(polling, secs);
            assert_eq!(polling.polled_at(), Some(at(secs)));
        }
    }

    #[test]
    fn a_device_that_asks_too_often_slows_down_for_good() {
        let (polling, _) = wait(Polling::default(), 0);
        let (polling, code) = wait(polling, 4);
        assert_eq!((code, polling.interval().as_secs()), (ErrorCode::SlowDown, 10));
        let (polling, code) = wait(polling, 13);
        assert_eq!((code, polling.interval().as_secs()), (ErrorCode::SlowDown, 15));
        let (polling, code) = wait(polling, 28);
        assert_eq!((code, polling.interval().as_secs()), (ErrorCode::AuthorizationPending, 15));
        let flood = (0..100).fold(polling, |polling, _| wait(polling, 28).0);
        assert_eq!(flood.interval(), MAX_INTERVAL);
    }

    #[test]
    fn the_users_answer_is_not_held_back() {
        let (polling, _) = wait(Polling::default(), 0);
        let decision = polling.poll(DeviceState::Approved, at(600), at(0));
        assert_eq!(decision, PollDecision::Issue);
        let denied = polling.poll(DeviceState::Denied, at(600), at(0));
        assert!(matches!(denied, PollDecision::Refuse(_)));
        assert_eq!(refused(DeviceState::Denied, 0), ErrorCode::AccessDenied);
    }

    #[test]
    fn a_code_has_an_end_and_is_used_once() {
        let last = Polling::default().poll(DeviceState::Approved, at(600), at(599));
        assert_eq!(last, PollDecision::Issue);
        for state in [DeviceState::Pending, DeviceState::Approved, DeviceState::Denied] {
            assert_eq!(refused(state, 600), ErrorCode::ExpiredToken);
        }
        assert_eq!(refused(DeviceState::Used, 0), ErrorCode::InvalidGrant);
        assert_eq!(refused(DeviceState::Used, 601), ErrorCode::InvalidGrant);
    }
}
