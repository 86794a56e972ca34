//! Certificates for tests.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::files::TlsFiles;

/// A certificate for `localhost` and its key, in a folder of their own.
pub(crate) struct Made {
    folder: tempfile::TempDir,
    pub(crate) files: TlsFiles,
}

impl Made {
    /// 2026-01-01.
    pub(crate) const NOW: i64 = 1_767_225_600;

    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let files = TlsFiles { certificate: path("cert.pem"), key: path("key.pem"), clients: None };
        let made = Self { folder, files };
        made.renew(Self::NOW - 24 * 3600, Self::NOW + 90 * 24 * 3600);
        made
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes another certificate, valid from when until when.
    pub(crate) fn renew(&self, begins: i64, ends: i64) {
        self.write("localhost", begins, ends);
    }

    /// Writes another certificate that is valid, for another name.
    pub(crate) fn renew_for(&self, name: &str) {
        self.write(name, Self::NOW - 24 * 3600, Self::NOW + 90 * 24 * 3600);
    }

    fn write(&self, name: &str, begins: i64, ends: i64) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        let at = |secs: i64| {
            date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(secs).unwrap())
        };
        (params.not_before, params.not_after) = (at(begins), at(ends));
        fs::write(&self.files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&self.files.key, key.serialize_pem()).unwrap();
        Self::set_mode(&self.files.key, 0o600);
    }

    pub(crate) fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}
