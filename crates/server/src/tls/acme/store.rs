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

use instant_acme::AccountCredentials;
use listener::Certificate;
use settings::{SecretFileError, secret_file};
use zeroize::Zeroizing;

use super::{error::AcmeError, order::Issued};

/// As many bytes as an account and a certificate with its chain take, and more.
static ROOM: [u8; 32 * 1024] = [0; 32 * 1024];

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

    /// The account at this directory.
    pub(super) fn account(&self, directory: &str) -> Result<Option<AccountCredentials>, AcmeError> {
        let Some(text) = read(&self.account_path(directory))? else { return Ok(None) };
        // What the library says of the text may have a part of it, and that has a key.
        serde_json::from_str(&text).map(Some).map_err(|_| self.unusable_account(directory))
    }

    /// The account at this directory has no key, or one that cannot be used.
    pub(super) fn unusable_account(&self, directory: &str) -> AcmeError {
        AcmeError::Account(self.account_path(directory))
    }

    pub(super) fn keep_account(
        &self,
        directory: &str,
        account: &AccountCredentials,
    ) -> Result<(), AcmeError> {
        let path = self.account_path(directory);
        let text = serde_json::to_string(account).map(Zeroizing::new).map_err(io::Error::other);
        let written = text.and_then(|text| secret_file::write(&path, &text));
        written.map_err(|source| AcmeError::File { path, source })
    }

    /// The certificate that is kept for `name`.
    pub(super) fn certificate(&self, name: &str) -> Result<Option<Certificate>, AcmeError> {
        let path = self.certificate_path();
        let Some(text) = read(&path)? else { return Ok(None) };
        let certificate = Certificate::from_pem(text.as_bytes(), text.as_bytes())
            .map_err(|source| AcmeError::Kept { path, source })?;
        Ok(Some(certificate).filter(|certificate| certificate.is_for(name)))
    }

    /// Keeps a new certificate.
    pub(super) fn keep(&self, issued: &Issued) -> Result<(), AcmeError> {
        let path = self.certificate_path();
        let Issued { chain, key } = issued;
        let text = Zeroizing::new([key.as_str(), chain].concat());
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

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::*;

    fn issued(name: &str) -> Issued {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).unwrap();
        Issued { chain: cert.pem(), key: Zeroizing::new(signing_key.serialize_pem()) }
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
        let account = |id: &str| {
            let json = format!(r#"{{"id":"{id}","key_pkcs8":"AAAA","directory":"{one}"}}"#);
            serde_json::from_str::<AccountCredentials>(&json).unwrap()
        };
        let kept = |directory: &str| {
            let account = store.account(directory).unwrap()?;
            let account = serde_json::to_value(&account).unwrap();
            Some(account["id"].as_str().unwrap().to_owned())
        };
        store.keep_account(one, &account("first")).unwrap();
        assert_eq!(kept(other), None);
        store.keep_account(other, &account("second")).unwrap();
        assert_eq!((kept(one).as_deref(), kept(other).as_deref()), (Some("first"), Some("second")));
    }

    #[test]
    fn files_that_are_broken_are_named_with_what_to_do_and_without_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let (store, directory) = (Store::open(folder.path()).unwrap(), "https://one.example/dir");
        for text in [r#"{"id":"x","key_pkcs8":"hush"#, r#"{"id":"x","key_pkcs8":["hush"]}"#] {
            let path = store.account_path(directory);
            secret_file::write(&path, text).unwrap();
            let fault = store.account(directory).err().unwrap().to_string();
            let named = fault.contains(path.to_str().unwrap()) && fault.contains("remove it");
            assert!(named && !fault.contains("hush"), "{fault}");
        }
        secret_file::write(&store.certificate_path(), "hush").unwrap();
        let fault = store.certificate("mcp.example").unwrap_err().to_string();
        assert!(fault.contains("certificate.pem") && !fault.contains("hush"), "{fault}");
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
