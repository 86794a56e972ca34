//! Key files among those that are read again when the operator asks.

use auth_core::JobHealth;

use super::{Part, health::ReloadHealth};
use crate::key_files::{Place, SharedKeyFiles};

/// One place with keys. It is checked every second by itself ([`SharedKeyFiles::keep_fresh`]); here
/// it is read when the operator asks.
pub(crate) struct AskedKeys {
    files: SharedKeyFiles,
    place: Place,
    health: JobHealth,
    is_asked: bool,
}

impl AskedKeys {
    /// One for each place of `files`.
    pub(crate) fn all(files: &SharedKeyFiles) -> impl Iterator<Item = Self> {
        files.places().into_iter().map(|(place, health)| {
            let files = files.clone();
            Self { files, place, health, is_asked: false }
        })
    }
}

impl Part for AskedKeys {
    fn look(&mut self) {
        // Before it is read: what panics was, too.
        if std::mem::take(&mut self.is_asked) {
            self.files.read_again(self.place);
        }
    }

    fn ask(&mut self) {
        self.is_asked = true;
    }

    fn is_settled(&self) -> bool {
        !self.is_asked
    }

    fn health(&self) -> ReloadHealth {
        ReloadHealth::of_job(self.health.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use auth_core::{Algorithm, TrustedIssuer};
    use bartizan::Issuers;
    use testkit::{ISSUER, ManualClock, NOW, RESOURCE, TestKey};

    use super::*;
    use crate::key_files::{DEFAULT_OUTAGE, KeyFile, KeyFiles};

    #[test]
    fn operator_who_asks_learns_that_a_key_file_cannot_be_used_and_that_it_can_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let key = TestKey::generate(Algorithm::EdDsa);
        let good = key.public_pem().unwrap();
        fs::write(&path, &good).unwrap();
        let trust =
            TrustedIssuer::new(ISSUER.parse().unwrap(), [key.verifying()].into_iter().collect());
        let clock = ManualClock::at(NOW);
        let issuers =
            Issuers::new(RESOURCE.parse().unwrap(), clock.clone(), [trust.into()]).unwrap();
        let file =
            KeyFile { issuer: ISSUER.parse().unwrap(), path: path.clone(), outage: DEFAULT_OUTAGE };
        let pipe = KeyFile { path: "/dev/fd/63".into(), ..file.clone() };
        let files = KeyFiles::new(vec![pipe, file], issuers, clock).shared();
        let mut parts = AskedKeys::all(&files);
        let mut part = parts.next().unwrap();
        assert!(parts.next().is_none(), "what was given at the start is read then alone");
        let mut asked = |is_asked: bool| {
            if is_asked {
                part.ask();
                assert!(!part.is_settled());
            }
            part.look();
            assert!(part.is_settled());
            part.health().failing().map(|failing| failing.what)
        };
        assert_eq!(asked(true), None);
        let said = Some(format!("reading the keys of {ISSUER} fails"));
        fs::write(&path, "no key").unwrap();
        assert_eq!(asked(false), None, "who looks every second has not seen it yet");
        assert_eq!(asked(true), said);
        testkit::make_pipe(&path);
        assert_eq!(asked(true), said);
        fs::remove_file(&path).unwrap();
        fs::write(&path, &good).unwrap();
        assert_eq!(asked(true), None);
    }
}
