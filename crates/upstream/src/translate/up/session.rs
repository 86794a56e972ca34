//! What a session listens to, and who reads it.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use tokio::sync::{mpsc, watch};

use crate::{
    port::{Event, Unsolicited},
    wire::Message,
};

/// The most messages that the reader of a session has not read yet. Further ones are dropped.
const MAX_UNREAD: usize = 64;
/// The longest of them, in bytes. They say that something has changed, and what.
const MAX_BYTES: usize = 64 << 10;

/// The subscriptions of one session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) has_started: AtomicBool,
    readers: Mutex<Vec<mpsc::Sender<Event>>>,
    pub(super) wanted: watch::Sender<Wanted>,
    pub(super) agreed: watch::Sender<Agreed>,
}

/// What the client wants to hear of besides lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) version: u64,
    pub(super) uris: BTreeSet<String>,
}

/// What the server said yes to.
#[derive(Debug, Clone, Default)]
pub(super) struct Agreed {
    /// Of which [`Wanted`].
    pub(super) version: u64,
    pub(super) uris: Vec<String>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            has_started: AtomicBool::new(false),
            readers: Mutex::default(),
            wanted: watch::Sender::default(),
            agreed: watch::Sender::default(),
        }
    }
}

impl Session {
    /// Receives what the stream brings.
    pub(super) fn subscribe(&self) -> Unsolicited {
        let (sender, receiver) = mpsc::channel(MAX_UNREAD);
        let mut readers = self.readers();
        readers.retain(|reader| !reader.is_closed());
        readers.push(sender);
        receiver
    }

    /// Gives all readers a notification. One that does not read loses it.
    pub(super) fn publish(&self, note: &Message) {
        if note.bytes().len() > MAX_BYTES {
            return;
        }
        for reader in self.readers().iter() {
            let _ = reader.try_send(Event::Notification(note.clone()));
        }
    }

    fn readers(&self) -> MutexGuard<'_, Vec<mpsc::Sender<Event>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
