//! Whether a server is in use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::{Owner, quota::Holder};
use tokio::{
    sync::Notify,
    time::{Duration, Instant, sleep_until},
};

/// Who uses one server, since when no one does, and whether it is to end.
#[derive(Debug)]
pub(super) struct Usage {
    owner: Option<Owner>,
    holder: Option<Holder>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    users: usize,
    idle_since: Instant,
    /// It is not used anew.
    is_ending: bool,
    /// The connection has ended by itself.
    is_closed: bool,
}

/// Why a server is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// No one uses it.
    Unused,
    /// It has ended by itself.
    Closed,
}

/// One use. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Used(Arc<Usage>);

impl Usage {
    pub(super) fn new(owner: Option<Owner>) -> Arc<Self> {
        let idle_since = Instant::now();
        let state = State { users: 0, idle_since, is_ending: false, is_closed: false };
        let holder = owner.as_ref().map(Holder::from);
        Arc::new(Self { owner, holder, state: Mutex::new(state), changed: Notify::new() })
    }

    pub(super) const fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// Against whose bound it counts.
    pub(super) const fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// Begins a use; `None` if the server is ending or has ended.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Used> {
        let mut state = self.state();
        if state.is_ending || state.is_closed {
            return None;
        }
        state.users += 1;
        Some(Used(Arc::clone(self)))
    }

    /// Since when no one uses it; `None` if it is in use or is ending.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.users == 0 && !state.is_ending && !state.is_closed).then_some(state.idle_since)
    }

    /// Whether it is to end, or has ended.
    pub(super) fn is_ending(&self) -> bool {
        let state = self.state();
        state.is_closed || (state.is_ending && state.users == 0)
    }

    /// It is not used anew.
    pub(super) fn end(&self) {
        self.state().is_ending = true;
        self.changed.notify_one();
    }

    /// The same, but only if no one uses it; returns whether that is so.
    pub(super) fn end_if_idle(&self) -> bool {
        let mut state = self.state();
        if state.users == 0 {
            state.is_ending = true;
            self.changed.notify_one();
        }
        state.users == 0
    }

    /// The connection has ended.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    /// Waits until it has ended, is to end, or was not used for so long.
    pub(super) async fn over(&self, idle: Duration) -> Over {
        loop {
            let until = {
                let mut state = self.state();
                let until = state.idle_since + idle;
                if state.is_closed {
                    return Over::Closed;
                }
                if state.users == 0 && (state.is_ending || until <= Instant::now()) {
                    state.is_ending = true;
                    return Over::Unused;
                }
                (state.users == 0).then_some(until)
            };
            match until {
                Some(until) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep_until(until) => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Used {
    fn clone(&self) -> Self {
        self.0.state().users += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.users -= 1;
        if state.users == 0 {
            state.idle_since = Instant::now();
            self.0.changed.notify_one();
        }
    }
}
