//! Records of what users, clients and identity providers change at the authorization server in this
//! process.

use audit_log::AuditLog;
use auth_core::audit;
use issuer::{Change, ChangeObserver, ChangedBy};

/// Records changes in a log.
#[derive(Debug)]
pub struct SignInRecords(pub AuditLog);

impl ChangeObserver for SignInRecords {
    fn can_record(&self) -> bool {
        self.0.failing().is_none()
    }

    fn observe(&self, change: &Change<'_>) {
        self.0.record_change(|| record(change));
    }
}

fn record(change: &Change<'_>) -> audit::Change {
    let by = match change.by {
        ChangedBy::User(user) => format!("user {}", user.subject.as_str()),
        ChangedBy::Client(client) => format!("client {}", client.as_str()),
        ChangedBy::Provider(provider) => format!("provider {provider}"),
        _ => "anyone".to_owned(),
    };
    let issuer = match change.by {
        ChangedBy::User(user) => Some(user.issuer.as_str().to_owned()),
        _ => None,
    };
    audit::Change {
        by,
        command: change.kind.name().to_owned(),
        object: change.object.map(str::to_owned),
        issuer,
        detail: change.detail.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use audit_log::AuditConfig;
    use auth_core::{Algorithm, Clock};
    use testkit::{ManualClock, NOW, TestKey};

    use super::*;

    #[test]
    fn nothing_can_be_recorded_in_a_log_that_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let config = AuditConfig {
            file: folder.path().join("audit.jsonl"),
            key: TestKey::shared(Algorithm::Es256).signing(),
            node: "a".into(),
            max_bytes: u64::MAX,
            max_full_files: None,
            checkpoint_records: 10,
            is_copied: false,
        };
        let clock: Arc<dyn Clock> = ManualClock::at(NOW);
        let records = SignInRecords(AuditLog::open(&config, None, &clock).unwrap());
        assert!(records.can_record());
        records.0.close();
        assert!(!records.can_record());
    }
}
