//! The files of the certificate, read again while the server runs.

use std::sync::Arc;

use auth_core::Clock;
use listener::Tls;

use super::{
    error::TlsFileError,
    expiry::{Age, Expiry, age, date},
    files::{Loaded, TextError, TlsFiles, TlsTexts},
};
use crate::reload::{Applied, ReloadError, Source};

/// The certificate in force, and the files that it is from.
pub(crate) struct CertificateFiles {
    files: TlsFiles,
    in_force: Loaded,
    tls: Tls,
    expiry: Expiry,
    clock: Arc<dyn Clock>,
}

impl CertificateFiles {
    /// Puts what was `loaded` of `files` in force.
    pub(crate) fn new(
        files: TlsFiles,
        loaded: Loaded,
        expiry: Expiry,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Tls), TlsFileError> {
        let tls = Tls::without_certificate();
        put_in_force(&files, &loaded, &tls, &expiry)?;
        let own = Self { files, in_force: loaded, tls: tls.clone(), expiry, clock };
        Ok((own, tls))
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

fn put_in_force(
    files: &TlsFiles,
    loaded: &Loaded,
    tls: &Tls,
    expiry: &Expiry,
) -> Result<(), TlsFileError> {
    tls.replace(&loaded.certificate, loaded.clients.as_ref()).map_err(|source| {
        let path = files.clients.as_ref().unwrap_or(&files.certificate).clone();
        TlsFileError::Invalid { path, source }
    })?;
    expiry.set(loaded.certificate.validity());
    Ok(())
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
        put_in_force(&self.files, &loaded, &self.tls, &self.expiry)?;
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
        let clock = ManualClock::at(now);
        let loaded = made.files.load().unwrap();
        CertificateFiles::new(made.files.clone(), loaded, Expiry::default(), clock).unwrap().0
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
}
