//! Records of what users and clients change at the authorization server in this process.

use audit_log::AuditLog;
use auth_core::audit;
use issuer::{Change, ChangeObserver, ChangedBy};

/// The longest text that is recorded of a change, in bytes: a client chooses some of them.
const MAX_BYTES: usize = 512;

/// Records changes in the log of the server.
pub(crate) struct SignInRecords(pub(crate) AuditLog);

impl ChangeObserver for SignInRecords {
    fn can_record(&self) -> bool {
        self.0.failing().is_none()
    }

    fn observe(&self, change: &Change<'_>) {
        let is_by_stranger = matches!(change.by, ChangedBy::Anyone);
        self.0.record_change(is_by_stranger, || record(change));
    }
}

fn record(change: &Change<'_>) -> audit::Change {
    let by = match change.by {
        ChangedBy::User(user) => format!("user {}", user.subject.as_str()),
        ChangedBy::Client(client) => format!("client {}", client.as_str()),
        _ => "anyone".to_owned(),
    };
    audit::Change {
        by: bounded(&by),
        command: change.kind.name().to_owned(),
        object: change.object.map(bounded),
        detail: change.detail.map(bounded),
    }
}

fn bounded(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_clients_are_bounded() {
        assert_eq!(bounded("short"), "short");
        assert_eq!(bounded(&"é".repeat(MAX_BYTES)).len(), MAX_BYTES);
        assert_eq!(bounded(&format!("a{}", "é".repeat(MAX_BYTES))).len(), MAX_BYTES - 1);
    }
}
