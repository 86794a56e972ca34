//! The session with a server of 2025-11-25 or before: its id, the version that was agreed on, and
//! what opened it (MCP 2025-11-25, transports, session management).
//!
//! A server may end a session at any time. Then the bridge opens another one with the same bytes
//! with which the program opened the first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue};
use tokio::task::AbortHandle;

use super::headers::{SESSION, VERSION};

/// What the requests of a session have in their headers.
#[derive(Debug, Clone, Default)]
pub(super) struct Session {
    /// The id, if the server gave one.
    pub(super) id: Option<HeaderValue>,
    version: Option<HeaderValue>,
    /// The number of the session within this run.
    pub(super) serial: u64,
}

impl Session {
    /// Adds its headers.
    pub(super) fn describe(&self, headers: &mut HeaderMap) {
        if let Some(id) = &self.id {
            headers.insert(SESSION, id.clone());
        }
        if let Some(version) = &self.version {
            headers.insert(VERSION, version.clone());
        }
    }

    /// The version that was agreed on.
    pub(super) fn version(&self) -> Option<&HeaderValue> {
        self.version.as_ref()
    }
}

/// The session now.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    now: Session,
    /// The program's `initialize` and `notifications/initialized`.
    opening: Option<Vec<u8>>,
    opened: Option<Vec<u8>>,
    /// The reader of the stream that belongs to no request.
    stream: Option<AbortHandle>,
}

impl Sessions {
    /// The session now.
    pub(super) fn now(&self) -> Session {
        self.state().now.clone()
    }

    /// The server answered `initialize` with these headers. Returns the session before.
    pub(super) fn begin(&self, headers: &HeaderMap) -> Session {
        let mut state = self.state();
        let mut id = headers.get(SESSION).cloned();
        if let Some(id) = &mut id {
            id.set_sensitive(true);
        }
        let serial = state.now.serial + 1;
        std::mem::replace(&mut state.now, Session { id, version: None, serial })
    }

    /// The version was agreed on.
    pub(super) fn agree(&self, version: HeaderValue) {
        self.state().now.version = Some(version);
    }

    /// Notes the program's `initialize`.
    pub(super) fn note_opening(&self, line: &[u8]) {
        let mut state = self.state();
        state.opening = Some(line.to_vec());
        state.opened = None;
    }

    /// Notes the program's `notifications/initialized`.
    pub(super) fn note_opened(&self, line: &[u8]) {
        self.state().opened = Some(line.to_vec());
    }

    /// What opened the session, and what followed.
    pub(super) fn opening(&self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let state = self.state();
        Some((state.opening.clone()?, state.opened.clone()))
    }

    /// Replaces the reader of the stream, and ends the one before.
    pub(super) fn stream(&self, reader: Option<AbortHandle>) {
        if let Some(before) = std::mem::replace(&mut self.state().stream, reader) {
            before.abort();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
