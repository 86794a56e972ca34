//! The files of the certificate, read again while the server runs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use auth_core::Clock;
use listener::Tls;

use super::{
    error::TlsFileError,
    expiry::{Age, Expiry, age, date},
    files::{Loaded, TextError, TlsFiles, TlsTexts},
};
use crate::{
    admin::readiness::Failing,
    reload::{Applied, ReloadError, Source},
};

/// The certificate in force, and the files that it is from.
pub(crate) struct CertificateFiles {
    files: TlsFiles,
    in_force: Loaded,
    tls: Tls,
    expiry: Expiry,
    clock: Arc<dyn Clock>,
    /// The name by which clients call.
    host: String,
    is_for_others: Arc<AtomicBool>,
}

impl CertificateFiles {
    /// Puts what was `loaded` of `files` in force, for clients that call `host`.
    pub(crate) fn new(
        files: TlsFiles,
        loaded: Loaded,
        host: &str,
        expiry: Expiry,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Tls), TlsFileError> {
        let tls = Tls::without_certificate();
        let own = Self {
            files,
            in_force: loaded,
            tls: tls.clone(),
            expiry,
            clock,
            host: host.to_owned(),
            is_for_others: Arc::default(),
        };
        own.put_in_force(&own.in_force)?;
        Ok((own, tls))
    }

    /// What `/readyz` says of the names of the certificate in force.
    pub(crate) fn names(&self) -> impl Fn() -> Option<Failing> + Send + Sync + use<> {
        let is_for_others = Arc::clone(&self.is_for_others);
        let what = format!("the TLS certificate is for other names than {}", self.host);
        move || {
            let failing = Failing { what: what.clone(), since: None, affects_callers: false };
            is_for_others.load(Relaxed).then_some(failing)
        }
    }

    fn put_in_force(&self, loaded: &Loaded) -> Result<(), TlsFileError> {
        self.tls.replace(&loaded.certificate, loaded.clients.as_ref()).map_err(|source| {
            TlsFileError::Invalid { path: self.files.certificate.clone(), source }
        })?;
        self.expiry.set(loaded.certificate.validity());
        let is_for_others = !self.is_for_host(loaded);
        self.is_for_others.store(is_for_others, Relaxed);
        if is_for_others {
            let host = &self.host;
            tracing::warn!(
                host,
                "Clients will refuse this server: its certificate is for other names"
            );
        }
        Ok(())
    }

    fn is_for_host(&self, loaded: &Loaded) -> bool {
        loaded.certificate.is_for(&self.host)
    }

    /// Refuses a certificate for other names, unless that in force is for others, too.
    fn check_names(&self, loaded: &Loaded) -> Result<(), TlsFileError> {
        if self.is_for_host(&self.in_force) && !self.is_for_host(loaded) {
            let (path, host) = (self.files.certificate.clone(), self.host.clone());
            return Err(TlsFileError::OtherName { path, host });
        }
        Ok(())
    }

    /// Refuses a certificate that no client accepts, unless that in force is no better.
    fn check_dates(&self, loaded: &Loaded) -> Result<(), TlsFileError> {
        let now = self.clock.now();
        let of = |loaded: &Loaded| age(loaded.certificate.validity(), now);
        let is_better = matches!(of(&self.in_force), Age::Valid | Age::EndsSoon);
        let (path, validity) = (self.files.certificate.clone(), loaded.certificate.validity());
        match of(loaded) {
            Age::Ended if is_better => {
                Err(TlsFileError::Ended { path, ended: date(validity.not_after) })
            }
            Age::Early if is_better => {
                Err(TlsFileError::Early { path, begins: date(validity.not_before) })
            }
            _ => Ok(()),
        }
    }
}

impl Source for CertificateFiles {
    type Content = Result<TlsTexts, TextError>;

    fn label(&self) -> String {
        "TLS certificate".into()
    }

    fn read(&mut self, _: bool) -> Self::Content {
        self.files.texts()
    }

    fn apply(&mut self, content: &Self::Content) -> Result<Applied, ReloadError> {
        let texts = content.as_ref().map_err(|error| TlsFileError::from(error.clone()))?;
        let loaded = self.files.check(texts)?;
        if loaded == self.in_force {
            return Ok(Applied::Same);
        }
        self.check_dates(&loaded)?;
        self.check_names(&loaded)?;
        self.put_in_force(&loaded)?;
        self.in_force = loaded;
        Ok(Applied::Changed)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use testkit::ManualClock;

    use super::*;
    use crate::tls::made::Made;

    const DAY: i64 = 24 * 3600;

    fn start(made: &Made, now: i64) -> CertificateFiles {
        start_at(made, now, "localhost")
    }

    fn start_at(made: &Made, now: i64, host: &str) -> CertificateFiles {
        let (files, loaded) = (made.files.clone(), made.files.load().unwrap());
        let clock = ManualClock::at(now);
        CertificateFiles::new(files, loaded, host, Expiry::default(), clock).unwrap().0
    }

    fn look(files: &mut CertificateFiles) -> Result<Applied, &'static str> {
        let content = files.read(true);
        files.apply(&content).map_err(|error| error.reason())
    }

    #[test]
    fn a_new_certificate_is_in_force_and_a_bad_one_is_not() {
        let made = Made::new();
        let mut files = start(&made, Made::NOW);
        assert_eq!(look(&mut files), Ok(Applied::Same));
        let before = files.in_force.certificate.clone();
        let key = fs::read_to_string(&made.files.key).unwrap();
        made.renew(Made::NOW - DAY, Made::NOW + 90 * DAY);
        assert_eq!(look(&mut files), Ok(Applied::Changed));
        assert!(files.in_force.certificate != before);
        fs::write(&made.files.key, key).unwrap();
        assert_eq!(look(&mut files), Err("its key is that of another certificate"));
        fs::remove_file(&made.files.key).unwrap();
        assert_eq!(look(&mut files), Err("it cannot be read"));
        fs::write(&made.files.certificate, "").unwrap();
        assert!(look(&mut files).is_err());
    }

    #[test]
    fn a_certificate_that_no_client_accepts_replaces_none_that_is_valid() {
        let made = Made::new();
        let mut files = start(&made, Made::NOW);
        made.renew(Made::NOW - 90 * DAY, Made::NOW - DAY);
        assert_eq!(look(&mut files), Err("it has ended"));
        made.renew(Made::NOW + DAY, Made::NOW + 90 * DAY);
        assert_eq!(look(&mut files), Err("it is not valid yet"));
        // Once the old one has ended, any is as good.
        let mut files = start(&made, Made::NOW);
        made.renew(Made::NOW - 90 * DAY, Made::NOW - DAY);
        assert_eq!(look(&mut files), Ok(Applied::Changed));
        let (age, _) = files.expiry.age(files.clock.now()).unwrap();
        assert_eq!(age, Age::Ended);
    }

    #[test]
    fn a_certificate_for_another_name_replaces_none_that_is_for_the_host() {
        let made = Made::new();
        let mut files = start(&made, Made::NOW);
        let said = files.names();
        made.renew_for("other.example");
        assert_eq!(look(&mut files), Err("it is for another name"));
        assert_eq!(said(), None);
        made.renew(Made::NOW - DAY, Made::NOW + 90 * DAY);
        assert_eq!(look(&mut files), Ok(Applied::Changed));
        // Where the one in force is for another name as well, each is as good, until one is not.
        let mut files = start_at(&made, Made::NOW, "mcp.example");
        let said = files.names();
        let what = said().unwrap().what;
        assert_eq!(what, "the TLS certificate is for other names than mcp.example");
        made.renew_for("other.example");
        assert_eq!(look(&mut files), Ok(Applied::Changed));
        assert!(said().is_some());
        made.renew_for("mcp.example");
        assert_eq!(look(&mut files), Ok(Applied::Changed));
        assert_eq!(said(), None);
    }
}
