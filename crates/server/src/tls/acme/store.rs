//! What is kept of an account and of a certificate.
//!
//! | file | holds |
//! |---|---|
//! | `account-….json` | the account: its URL and its private key |
//! | `certificate.pem` | the certificate with its chain, and its private key |
//!
//! A certificate and its key are one file, so that they always belong together. A certificate of
//! another name is not used: `MCP_RESOURCE` may have changed. Before anything is asked of an
//! authority, it is known that there is room for what it answers.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use listener::Certificate;
use settings::{SecretFileError, secret_file};
use zeroize::Zeroizing;

use super::{error::AcmeError, order::Issued};

/// As many bytes as an account and a certificate with its chain take, and more.
const ROOM: [u8; 32 * 1024] = [0; 32 * 1024];

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Store(PathBuf);

impl Store {
    /// The folder, to be read. There may be none.
    pub(super) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Makes the folder if there is none, and finds out whether it can be written.
    pub(super) fn open(folder: &Path) -> Result<Self, AcmeError> {
        let probe = || {
            secret_file::make_folder(folder)?;
            let mut draft = secret_file::draft(folder)?;
            draft.write_all(&ROOM)?;
            draft.as_file().sync_all()
        };
        probe().map_err(|source| AcmeError::Folder { path: folder.into(), source })?;
        Ok(Self::at(folder))
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

    /// Keeps a new certificate.
    pub(super) fn keep(&self, issued: &Issued) -> Result<(), AcmeError> {
        let path = self.certificate_path();
        let Issued { chain, key } = issued;
        let text = Zeroizing::new(format!("{key}{chain}"));
        secret_file::write(&path, &text).map_err(|source| AcmeError::NotKept { path, source })
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

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn issued(name: &str) -> Issued {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).unwrap();
        Issued { chain: cert.pem(), key: signing_key.serialize_pem() }
    }

    #[test]
    fn a_certificate_is_kept_with_its_key_and_used_for_its_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert!(store.certificate("mcp.example").unwrap().is_none());
        store.keep(&issued("mcp.example")).unwrap();
        assert!(store.certificate("mcp.example").unwrap().unwrap().is_for("mcp.example"));
        assert!(store.certificate("other.example").unwrap().is_none());
        // Nothing is left of what was tried.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_an_authority_issues_for_another_name_or_with_another_key_is_refused() {
        let (own, other) = (issued("mcp.example"), issued("other.example"));
        assert!(own.certificate("mcp.example").is_ok());
        let fault = own.certificate("other.example").unwrap_err();
        assert!(matches!(fault, AcmeError::OtherName(_)), "{fault}");
        let mixed = Issued { chain: own.chain, key: other.key };
        assert!(matches!(mixed.certificate("mcp.example"), Err(AcmeError::Certificate(_))));
    }

    #[test]
    fn each_directory_has_its_own_account() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (one, other) = ("https://one.example/dir", "https://other.example/dir");
        store.keep_account(one, "first").unwrap();
        assert!(store.account(other).unwrap().is_none());
        store.keep_account(other, "second").unwrap();
        assert_eq!(store.account(one).unwrap().unwrap().as_str(), "first");
        assert_eq!(store.account(other).unwrap().unwrap().as_str(), "second");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_found_before_an_authority_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for path in [folder.path().join("file"), "/proc/self".into()] {
            let fault = Store::open(&path).unwrap_err();
            assert!(matches!(fault, AcmeError::Folder { .. }), "{fault}");
            assert!(fault.to_string().contains("TLS_ACME_FOLDER"), "{fault}");
        }
    }
}
