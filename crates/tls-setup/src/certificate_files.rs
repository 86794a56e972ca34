//! The files of the certificate, read again while the program runs.

use std::{fmt, sync::Arc};

use auth_core::Clock;

use crate::{
    error::TlsFileError,
    expiry::{Age, age, date},
    files::{Loaded, TextError, TlsFiles, TlsTexts},
    in_force::InForce,
    names::{Host, Names},
};

/// The certificate in force, and the files that it is from.
pub struct CertificateFiles {
    files: TlsFiles,
    loaded: Loaded,
    in_force: InForce,
    names: Names,
    clock: Arc<dyn Clock>,
}

impl CertificateFiles {
    /// Puts what was `loaded` of `files` in force, for clients that call `host`.
    ///
    /// # Errors
    ///
    /// [`TlsFileError`] if TLS cannot be set up with it.
    pub fn new(
        files: TlsFiles,
        loaded: Loaded,
        host: Host,
        in_force: InForce,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsFileError> {
        let own = Self { files, loaded, in_force, names: Names::new(host), clock };
        own.put(&own.loaded)?;
        Ok(own)
    }

    /// Whether the certificate in force is for the host.
    #[must_use]
    pub fn names(&self) -> Names {
        self.names.clone()
    }

    /// Reads the files.
    ///
    /// # Errors
    ///
    /// [`TextError`] if one cannot be read.
    pub fn read(&self) -> Result<TlsTexts, TextError> {
        self.files.texts()
    }

    /// Checks what was read, and puts it in force. `true` if it differs from what was.
    ///
    /// # Errors
    ///
    /// [`TlsFileError`] if it cannot be used; or if it has ended, is not valid yet or is for other
    /// names, and that in force is better. Then what was in force stays so.
    pub fn apply(&mut self, content: &Result<TlsTexts, TextError>) -> Result<bool, TlsFileError> {
        let texts = content.as_ref().map_err(|error| TlsFileError::from(error.clone()))?;
        let loaded = self.files.check(texts)?;
        if loaded == self.loaded {
            return Ok(false);
        }
        self.check_dates(&loaded)?;
        self.check_names(&loaded)?;
        self.put(&loaded)?;
        self.loaded = loaded;
        Ok(true)
    }

    fn put(&self, loaded: &Loaded) -> Result<(), TlsFileError> {
        let put = self.in_force.put(&loaded.certificate, loaded.clients.as_ref());
        put.map_err(|source| {
            let path = self.files.certificate.clone();
            TlsFileError::Invalid { path, source }
        })?;
        self.names.put(&loaded.certificate);
        Ok(())
    }

    /// Refuses a certificate for other names, unless that in force is for others, too.
    fn check_names(&self, loaded: &Loaded) -> Result<(), TlsFileError> {
        let is_for_host = |loaded: &Loaded| self.names.are_of(&loaded.certificate);
        if is_for_host(&self.loaded) && !is_for_host(loaded) {
            let (path, Host { name, setting }) =
                (self.files.certificate.clone(), self.names.host().clone());
            return Err(TlsFileError::OtherName { path, host: name, setting });
        }
        Ok(())
    }

    /// Refuses a certificate that no client accepts, unless that in force is no better.
    fn check_dates(&self, loaded: &Loaded) -> Result<(), TlsFileError> {
        let now = self.clock.now();
        let of = |loaded: &Loaded| age(loaded.certificate.validity(), now);
        let is_better = matches!(of(&self.loaded), Age::Valid | Age::EndsSoon);
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

impl fmt::Debug for CertificateFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CertificateFiles").field(&self.files).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use testkit::ManualClock;

    use super::*;
    use crate::made::Made;

    const DAY: i64 = 24 * 3600;

    fn start(made: &Made, now: i64) -> CertificateFiles {
        start_at(made, now, "localhost")
    }

    fn start_at(made: &Made, now: i64, host: &str) -> CertificateFiles {
        let (files, loaded) = (made.files.clone(), made.files.load().unwrap());
        let clock = ManualClock::at(now);
        let host = Host { name: host.to_owned(), setting: "MCP_RESOURCE" };
        CertificateFiles::new(files, loaded, host, InForce::default(), clock).unwrap()
    }

    fn look(files: &mut CertificateFiles) -> Result<bool, &'static str> {
        let content = files.read();
        files.apply(&content).map_err(|error| error.reason())
    }

    #[test]
    fn a_new_certificate_is_in_force_and_a_bad_one_is_not() {
        let made = Made::new();
        let mut files = start(&made, Made::NOW);
        assert_eq!(look(&mut files), Ok(false));
        let before = files.loaded.certificate.clone();
        let key = fs::read_to_string(&made.files.key).unwrap();
        made.renew(Made::NOW - DAY, Made::NOW + 90 * DAY);
        assert_eq!(look(&mut files), Ok(true));
        assert!(files.loaded.certificate != before);
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
        assert_eq!(look(&mut files), Ok(true));
        let (age, _) = files.in_force.expiry().age(files.clock.now()).unwrap();
        assert_eq!(age, Age::Ended);
        // One that is too early may be replaced by another.
        made.renew(Made::NOW + DAY, Made::NOW + 90 * DAY);
        let mut files = start(&made, Made::NOW);
        made.renew(Made::NOW + 2 * DAY, Made::NOW + 90 * DAY);
        assert_eq!(look(&mut files), Ok(true));
    }

    #[test]
    fn a_certificate_for_another_name_replaces_none_that_is_for_the_host() {
        let made = Made::new();
        let mut files = start(&made, Made::NOW);
        let said = files.names();
        made.renew_for("other.example");
        assert_eq!(look(&mut files), Err("it is for another name"));
        assert_eq!(said.warning(), None);
        made.renew(Made::NOW - DAY, Made::NOW + 90 * DAY);
        assert_eq!(look(&mut files), Ok(true));
        // Where the one in force is for another name as well, each is as good, until one is not.
        let mut files = start_at(&made, Made::NOW, "mcp.example");
        let said = files.names();
        let what = said.warning().unwrap();
        assert_eq!(what, "the TLS certificate is for other names than mcp.example");
        made.renew_for("other.example");
        assert_eq!(look(&mut files), Ok(true));
        assert!(said.warning().is_some());
        made.renew_for("mcp.example");
        assert_eq!(look(&mut files), Ok(true));
        assert_eq!(said.warning(), None);
    }
}
