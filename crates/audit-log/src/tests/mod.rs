//! Files that go on after a stop, room that is taken and given back, writes that fail, and a reader
//! beside the writer.

mod chain;
mod disk;
mod faults;
mod follower;
mod queue;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use auth_core::{
    Algorithm, KeySet, SigningKey,
    audit::{Change, Entry, Finding, Head, Line, Report, Timestamp, Verifier},
};
use tempfile::TempDir;
use testkit::TestKey;

use crate::{AuditConfig, AuditFileError, Files, LogFile, Sink};

pub(super) fn key() -> SigningKey {
    TestKey::shared(Algorithm::Es256).signing()
}

pub(super) fn time(number: u64) -> Timestamp {
    Timestamp::since_epoch(Duration::from_secs(1_800_000_000 + number))
}

pub(super) fn change(number: u64) -> Entry {
    let object = Some(number.to_string());
    let (by, command) = ("a@b".to_owned(), "users disable".to_owned());
    Entry::Change(Box::new(Change { by, command, object, issuer: None, detail: None }))
}

/// A folder with a log.
pub(super) struct Folder {
    folder: TempDir,
    pub(super) config: AuditConfig,
}

impl Folder {
    pub(super) fn new(max_bytes: u64, max_full_files: Option<usize>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = AuditConfig {
            file: folder.path().join("audit.jsonl"),
            key: key(),
            node: "a".into(),
            max_bytes,
            max_full_files,
            checkpoint_records: 10,
            is_copied: false,
        };
        Self { folder, config }
    }

    pub(super) fn files(&self) -> Files {
        Files::at(&self.config.file)
    }

    pub(super) fn open(&self) -> Result<LogFile, AuditFileError> {
        self.open_knowing(None)
    }

    /// The same with a record that is known to have been in it.
    pub(super) fn open_knowing(&self, kept: Option<Head>) -> Result<LogFile, AuditFileError> {
        LogFile::open(&self.config, self.files(), kept, time(0))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn verify(&self) -> Result<Report, Finding> {
        verify(&self.files().all().unwrap())
    }

    pub(super) fn last(&self) -> Line {
        let text = fs::read_to_string(&self.config.file).unwrap();
        Line::parse(text.lines().last().unwrap().as_bytes()).unwrap()
    }
}

pub(super) fn verify(files: &[PathBuf]) -> Result<Report, Finding> {
    let keys = KeySet::from_iter([key().verifying_key().unwrap()]);
    verify_with(Verifier::new(Some(keys)), files)
}

pub(super) fn verify_with(mut verifier: Verifier, files: &[PathBuf]) -> Result<Report, Finding> {
    for path in files {
        for line in fs::read(path).unwrap().split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(whole) => verifier.push(whole, true),
                None => verifier.push(line, false),
            }
        }
    }
    verifier.finish()
}

pub(super) fn write(log: &mut LogFile, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        log.append(time(number), &change(number));
        log.write().unwrap();
    }
}
