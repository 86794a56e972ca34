//! An observer whose records must exist: an audit log.

use std::{fmt, future::Future, pin::Pin};

use super::Observer;

/// An observer that must be able to take every decision: no request goes on to the protected server
/// for whose decision there is no room.
///
/// The guard takes room before it decides, at once where it can. It gives it back when the decision
/// was reported ([`Observer::observe`]).
pub trait Recorder: Observer {
    /// Room for one decision, if that is known at once; `None` if it has to be waited for.
    ///
    /// # Errors
    ///
    /// [`NoRoomError`] if there is none and waiting is of no use.
    fn try_reserve(&self) -> Option<Result<Room, NoRoomError>> {
        None
    }

    /// Room for one decision. Waits for it, within a bound.
    ///
    /// # Errors
    ///
    /// [`NoRoomError`] if there is none: the request is answered with 503.
    fn reserve(&self) -> Pin<Box<dyn Future<Output = Result<Room, NoRoomError>> + Send + '_>>;
}

/// Room for one decision, until it is dropped.
#[must_use]
pub struct Room(#[expect(dead_code, reason = "what it does when it is dropped")] Box<dyn Send>);

/// There is no room for a decision, and so none is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decision could not be recorded: the audit log cannot be written")]
pub struct NoRoomError;

impl Room {
    /// Room that is given back when `held` is dropped.
    pub fn new(held: impl Send + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Room(..)")
    }
}
