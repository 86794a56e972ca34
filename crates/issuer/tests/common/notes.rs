//! An observer that writes changes down, and can be full.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use issuer::{AuthorizationServer, Change, ChangeObserver, ChangedBy};

/// Writes changes down.
#[derive(Default)]
pub(crate) struct Notes {
    is_full: AtomicBool,
    changes: Mutex<Vec<String>>,
}

impl ChangeObserver for Notes {
    fn can_record(&self) -> bool {
        !self.is_full.load(Ordering::Relaxed)
    }

    fn observe(&self, change: &Change<'_>) {
        let by = match change.by {
            ChangedBy::User(user) => format!("user {}", user.subject.as_str()),
            ChangedBy::Client(client) => format!("client {client}"),
            ChangedBy::Provider(provider) => format!("provider {provider}"),
            _ => "anyone".into(),
        };
        let object = change.object.unwrap_or("-");
        let detail = change.detail.unwrap_or("-");
        let line = format!("{by}: {} | {object} | {detail}", change.kind.name());
        self.changes.lock().unwrap().push(line);
    }
}

impl Notes {
    /// Of the changes at this server.
    pub(crate) fn of(server: &AuthorizationServer) -> Arc<Self> {
        let notes = Arc::<Self>::default();
        server.observe_with(Arc::clone(&notes) as _);
        notes
    }

    /// What was told since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.changes.lock().unwrap())
    }

    /// Whether nothing can be recorded.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }
}
