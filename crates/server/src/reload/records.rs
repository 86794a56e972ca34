//! Records of what is put in force while the server runs, and of its stop.
//!
//! What is put in force is not held up by a log that cannot be written: else a full disk would keep
//! a policy in force that lets an attacker in. The log of the server then has an error.

use audit_log::AuditLog;
use audit_setup::OpenAudit;
use auth_core::audit::Change;

/// Who asks by a signal, or at the admin listener. Neither says who that is.
pub(crate) const OPERATOR: &str = "an operator";
/// What has put something in force without being asked.
pub(crate) const FILES: &str = "a change of the files";

/// Where such changes are recorded, if anywhere.
#[derive(Clone, Default)]
pub(crate) struct ChangeRecords(Option<AuditLog>);

impl ChangeRecords {
    /// In the log of the server, if it has one.
    pub(crate) fn of(audit: Option<&OpenAudit>) -> Self {
        Self(audit.map(|audit| audit.log().clone()))
    }

    /// Records that the files with this label were read again, and are in force.
    pub(crate) fn reloaded(&self, by: &str, label: String, detail: Option<String>) {
        self.record(by, "reload", Some(label), detail);
    }

    /// Records that the server stops; `how` that was asked.
    pub(crate) fn drained(&self, how: &str) {
        self.record(OPERATOR, "drain", None, Some(how.to_owned()));
    }

    fn record(&self, by: &str, command: &str, object: Option<String>, detail: Option<String>) {
        let Some(log) = &self.0 else { return };
        if let Some(failure) = log.failing() {
            let object = object.as_deref().unwrap_or("the server");
            tracing::error!(
                "{command} of {object} is done, but has no record yet, as {}: see that it can be \
                 written before the server stops",
                failure.what
            );
        }
        let (by, command) = (by.to_owned(), command.to_owned());
        log.record_change(|| Change { by, command, object, issuer: None, detail });
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::Arc};

    use audit_log::AuditConfig;
    use auth_core::{
        Algorithm, Clock,
        audit::{Entry, Line},
    };
    use testkit::{ManualClock, NOW, TestKey};

    use super::*;
    use crate::reload::{Applied, Part, ReloadError, Source, Watched};

    /// A file with a number; an odd one is refused.
    struct Number<'a>(&'a Path);

    impl Source for Number<'static> {
        type Content = u64;

        fn label(&self) -> String {
            "number".into()
        }

        fn read(&mut self, _: bool) -> u64 {
            fs::read_to_string(self.0).unwrap().parse().unwrap()
        }

        fn apply(&mut self, number: &u64) -> Result<Applied, ReloadError> {
            match number {
                0 => Ok(Applied::Same),
                number if number % 2 == 1 => Err(ReloadError::NotAccepted),
                _ => Ok(Applied::Changed),
            }
        }

        fn detail(&self) -> Option<String> {
            fs::read_to_string(self.0).ok()
        }
    }

    #[test]
    fn what_is_put_in_force_is_recorded_with_its_cause_and_what_is_refused_is_not() {
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
        let log = AuditLog::open(&config, None, &clock).unwrap();
        let path: &'static Path = folder.path().join("number").leak();
        let mut watched = Watched::new(Number(path), Arc::clone(&clock));
        watched.record_in(&ChangeRecords(Some(log.clone())));
        let mut look_twice = |number: &str, is_asked: bool| {
            fs::write(path, number).unwrap();
            if is_asked {
                watched.ask();
            }
            watched.look();
            watched.look();
            watched.health().failing().is_none()
        };
        assert!(look_twice("0", false));
        assert!(look_twice("2", false));
        assert!(!look_twice("3", true));
        assert!(look_twice("4", true));
        assert!(look_twice("0", true));
        log.close();
        // It is in force also where nothing can be recorded.
        assert!(log.failing().is_some());
        assert!(look_twice("6", true));
        let text = fs::read_to_string(&config.file).unwrap();
        let lines = text.lines().map(|line| Line::parse(line.as_bytes()).unwrap().entry);
        let found: Vec<_> = lines
            .filter_map(|entry| match entry {
                Entry::Change(it) => Some((it.by, it.command, it.object, it.detail)),
                _ => None,
            })
            .collect();
        let reload = |by: &str, detail: &str| {
            (by.to_owned(), "reload".to_owned(), Some("number".to_owned()), Some(detail.to_owned()))
        };
        assert_eq!(found, [reload(FILES, "2"), reload(OPERATOR, "4")]);
    }
}
