//! The files of a certificate: the chain, the key, and the authorities of clients.
//!
//! 1. All of them are read and checked before any of it is used.
//! 2. The key is for its owner alone, as every file with a secret.
//! 3. A pipe is not read: that would wait for its writer. Nor is one that was given at the start.

use std::{
    io,
    path::{Path, PathBuf},
};

use auth_core::NumericDate;
use listener::{Certificate, CertificateError, ClientAuthorities};
use settings::{
    Environment, SecretFileError, Variable,
    regular_file::{self, is_given_at_start},
    secret_file,
};
use zeroize::Zeroizing;

use crate::{
    error::{TlsFileError, UnreadableFileError},
    expiry::Expiry,
    names::{Host, for_others},
};

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those of the authorities between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities by which certificates of clients are verified, if clients may have some.
    pub clients: Option<PathBuf>,
}

/// What is in the files, not checked yet.
#[derive(PartialEq, Eq)]
pub struct TlsTexts {
    certificate: Vec<u8>,
    key: Zeroizing<String>,
    clients: Option<Vec<u8>>,
}

/// Why the texts of the files are not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextError {
    /// One of them cannot be read.
    Unreadable(UnreadableFileError),
    /// Other users can read the key.
    Permissions(settings::InsecurePermissionsError),
}

/// What the files hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The certificate with its key.
    pub certificate: Certificate,
    /// The authorities of clients.
    pub clients: Option<ClientAuthorities>,
}

impl Loaded {
    /// Why clients that call `host` will refuse the certificate, now or soon.
    #[must_use]
    pub fn warnings(&self, host: &Host, now: NumericDate) -> Vec<String> {
        let names = (!self.certificate.is_for(&host.name)).then(|| for_others(host));
        let expiry = Expiry::default();
        expiry.set(self.certificate.validity());
        names.into_iter().chain(expiry.warning(now)).collect()
    }
}

impl From<TextError> for TlsFileError {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Unreadable(error) => error.into(),
            TextError::Permissions(error) => error.into(),
        }
    }
}

/// One of two settings, which need each other.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{set} is set and {missing} is not: set both")]
pub struct HalfConfiguredError {
    /// The one that is set, and where.
    set: String,
    /// The other one.
    missing: &'static str,
}

impl TlsFiles {
    /// The files that `TLS_CERTIFICATE_FILE` and `TLS_KEY_FILE` name, without authorities of
    /// clients; `None` if neither is set.
    ///
    /// # Errors
    ///
    /// [`HalfConfiguredError`] if one of the two is set.
    pub fn configured(environment: &Environment) -> Result<Option<Self>, HalfConfiguredError> {
        let path = |variable: Variable| environment.get(variable).map(PathBuf::from);
        let (certificate, key) = (Variable::TlsCertificateFile, Variable::TlsKeyFile);
        let (set, missing) = match (path(certificate), path(key)) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => {
                return Ok(Some(Self { certificate, key, clients: None }));
            }
            (Some(_), None) => (certificate, key),
            (None, Some(_)) => (key, certificate),
        };
        Err(HalfConfiguredError { set: environment.label(set), missing: missing.name() })
    }

    /// Reads and checks them.
    ///
    /// # Errors
    ///
    /// [`TlsFileError`] if one cannot be read or used, or if they do not belong together.
    pub fn load(&self) -> Result<Loaded, TlsFileError> {
        self.check(&self.texts()?)
    }

    /// Reads them.
    ///
    /// # Errors
    ///
    /// [`TextError`] if one cannot be read.
    pub fn texts(&self) -> Result<TlsTexts, TextError> {
        let certificate = text(&self.certificate)?;
        check_kind(&self.key).map_err(|error| unreadable(&self.key, &error))?;
        let key = secret_file::read(&self.key).map_err(|error| match error {
            SecretFileError::InsecurePermissions(error) => TextError::Permissions(error),
            SecretFileError::Io { source, .. } => unreadable(&self.key, &source),
            other => unreadable(&self.key, &io::Error::other(other.to_string())),
        })?;
        let clients = self.clients.as_deref().map(text).transpose()?;
        Ok(TlsTexts { certificate, key, clients })
    }

    /// Checks what was read, as a whole.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn check(&self, texts: &TlsTexts) -> Result<Loaded, TlsFileError> {
        let TlsTexts { certificate, key, clients } = texts;
        let certificate = Certificate::from_pem(certificate, key.as_bytes());
        let certificate = certificate.map_err(|source| {
            let of_key = matches!(source, CertificateError::NoKey | CertificateError::Key(_));
            let path = if of_key { &self.key } else { &self.certificate };
            TlsFileError::Invalid { path: path.clone(), source }
        })?;
        let of_clients = self.clients.as_deref().zip(clients.as_deref());
        let clients = of_clients.map(|(path, text)| authorities(path, text)).transpose()?;
        Ok(Loaded { certificate, clients })
    }
}

/// The authorities of clients in the text of the file at `path`.
pub(crate) fn authorities(path: &Path, text: &[u8]) -> Result<ClientAuthorities, TlsFileError> {
    let found = ClientAuthorities::from_pem(text);
    found.map_err(|source| TlsFileError::Invalid { path: path.into(), source })
}

pub(crate) fn text(path: &Path) -> Result<Vec<u8>, TextError> {
    let read = || {
        check_kind(path)?;
        regular_file::read(path, MAX_BYTES)
    };
    read().map_err(|error| unreadable(path, &error))
}

fn check_kind(path: &Path) -> io::Result<()> {
    // One that was given at the start could not be read again.
    if is_given_at_start(path) { Err(io::Error::other("this is no file")) } else { Ok(()) }
}

fn unreadable(path: &Path, error: &io::Error) -> TextError {
    TextError::Unreadable(UnreadableFileError { path: path.into(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::made::Made;

    #[test]
    fn what_is_wrong_is_said_of_the_file_that_it_is_wrong_with() {
        let made = Made::new();
        assert!(made.files.load().unwrap().certificate.is_for("localhost"));
        let fault = |files: &TlsFiles| files.load().unwrap_err().to_string();
        let missing = TlsFiles { key: made.path("none"), ..made.files.clone() };
        assert!(fault(&missing).contains("/none: No such file"), "{}", fault(&missing));
        let folder = TlsFiles { certificate: made.path(""), ..made.files.clone() };
        assert!(fault(&folder).ends_with(": this is no file"));
        let swapped = TlsFiles { key: made.files.certificate.clone(), ..made.files.clone() };
        Made::set_mode(&swapped.key, 0o600);
        assert!(fault(&swapped).contains("cert.pem: there is no private key"));
        let clients = TlsFiles { clients: Some(made.path("ca.pem")), ..made.files.clone() };
        fs::write(made.path("ca.pem"), "nothing").unwrap();
        assert!(fault(&clients).contains("ca.pem: there is no certificate"));
        fs::copy(&made.files.certificate, made.path("ca.pem")).unwrap();
        assert!(clients.load().unwrap().clients.is_some());
        fs::write(&made.files.certificate, vec![b' '; 1024 * 1024 + 1]).unwrap();
        assert!(fault(&made.files).ends_with("cert.pem: this file is too long"));
    }

    #[test]
    fn one_of_the_two_settings_names_the_other() {
        let configured = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            TlsFiles::configured(&Environment::from_pairs(pairs))
        };
        assert_eq!(configured(&[]), Ok(None));
        let both = [("TLS_CERTIFICATE_FILE", "c.pem"), ("TLS_KEY_FILE", "k.pem")];
        let files = configured(&both).unwrap().unwrap();
        assert_eq!((files.certificate, files.key), ("c.pem".into(), "k.pem".into()));
        for (one, other) in [(0, "TLS_KEY_FILE"), (1, "TLS_CERTIFICATE_FILE")] {
            let fault = configured(&both[one..=one]).unwrap_err().to_string();
            assert!(fault.ends_with(&format!("{other} is not: set both")), "{fault}");
        }
    }

    #[test]
    fn a_key_that_other_users_can_read_is_refused() {
        let made = Made::new();
        Made::set_mode(&made.files.key, 0o640);
        let fault = made.files.load().unwrap_err();
        assert_eq!(fault.reason(), "other users can read its key");
        assert!(fault.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (made, other) = (Made::new(), Made::new());
        let files = TlsFiles { key: other.files.key.clone(), ..made.files.clone() };
        let fault = files.load().unwrap_err();
        assert_eq!(fault.reason(), "its key is that of another certificate");
        assert!(fault.to_string().contains("cert.pem: the private key is not that of"));
    }
}
