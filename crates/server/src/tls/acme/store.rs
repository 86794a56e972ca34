//! What is kept of an account and of a certificate.
//!
//! | file | holds |
//! |---|---|
//! | `account-….json` | the account: its URL and its private key |
//! | `certificate.pem` | the certificate with its chain, and its private key |
//!
//! A certificate and its key are one file, so that they always belong together. A certificate of
//! another name is not used: `MCP_RESOURCE` may have changed.

use std::{
    io,
    path::{Path, PathBuf},
};

use listener::Certificate;
use settings::{SecretFileError, secret_file};
use zeroize::Zeroizing;

use super::{error::AcmeError, order::Issued};

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Store(PathBuf);

impl Store {
    /// Makes the folder if there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, AcmeError> {
        let fault = |source| AcmeError::File { path: folder.into(), source };
        secret_file::make_folder(folder).map_err(fault)?;
        Ok(Self(folder.to_owned()))
    }

    /// The account at this directory, as the library wrote it.
    pub(super) fn account(&self, directory: &str) -> Result<Option<Zeroizing<String>>, AcmeError> {
        read(&self.account_path(directory))
    }

    pub(super) fn keep_account(&self, directory: &str, account: &str) -> Result<(), AcmeError> {
        write(&self.account_path(directory), account)
    }

    /// The certificate that is kept for `name`.
    pub(super) fn certificate(&self, name: &str) -> Result<Option<Certificate>, AcmeError> {
        let Some(text) = read(&self.certificate_path())? else { return Ok(None) };
        let certificate = Certificate::from_pem(text.as_bytes(), text.as_bytes())?;
        Ok(Some(certificate).filter(|certificate| certificate.is_for(name)))
    }

    /// Keeps a new certificate, once it is found to be good for `name`.
    pub(super) fn keep(&self, issued: &Issued, name: &str) -> Result<Certificate, AcmeError> {
        let Issued { chain, key } = issued;
        let certificate = Certificate::from_pem(chain.as_bytes(), key.as_bytes())?;
        if !certificate.is_for(name) {
            let source = io::Error::other("the authority issued it for another name");
            return Err(AcmeError::File { path: self.certificate_path(), source });
        }
        let text = Zeroizing::new(format!("{key}{chain}"));
        write(&self.certificate_path(), &text)?;
        Ok(certificate)
    }

    fn certificate_path(&self) -> PathBuf {
        self.0.join("certificate.pem")
    }

    /// An account is known to one authority alone.
    fn account_path(&self, directory: &str) -> PathBuf {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, directory.as_bytes());
        let name = digest.as_ref().first_chunk().copied().map(u64::from_be_bytes);
        self.0.join(format!("account-{:016x}.json", name.unwrap_or_default()))
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, AcmeError> {
    match secret_file::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(SecretFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(SecretFileError::Io { path, source }) => Err(AcmeError::File { path, source }),
        Err(other) => {
            let source = io::Error::other(other.to_string());
            Err(AcmeError::File { path: path.into(), source })
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), AcmeError> {
    secret_file::write(path, text).map_err(|source| AcmeError::File { path: path.into(), source })
}
