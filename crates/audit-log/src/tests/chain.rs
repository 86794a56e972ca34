//! Files that go on after a stop, and whose loss is found.

use std::{fs, path::PathBuf};

use auth_core::{
    Algorithm, KeySet,
    audit::{Entry, Fault, Head, Line, Verifier},
};
use testkit::TestKey;

use super::{Folder, key, time, verify_with, write};
use crate::{AuditConfig, AuditFileError, Files, LogFile, Sink};

#[test]
fn the_chain_goes_on_when_the_log_is_opened_again() {
    let folder = Folder::new(u64::MAX, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=3);
    log.close(time(4)).unwrap();
    drop(log);
    let report = folder.verify().unwrap();
    assert_eq!((report.head.sequence(), report.checkpoints, report.unsigned), (5, 1, 0));
    // Without being closed, as after a kill.
    let mut log = folder.open().unwrap();
    write(&mut log, 5..=6);
    drop(log);
    let mut log = folder.open().unwrap();
    log.close(time(7)).unwrap();
    let report = folder.verify().unwrap();
    assert_eq!((report.first, report.head.sequence(), report.unsigned), (1, 10, 0));
    // Nothing to sign: no further checkpoint.
    log.close(time(8)).unwrap();
    assert_eq!(folder.verify().unwrap().head, report.head);
}

#[test]
fn there_is_a_checkpoint_after_so_many_records() {
    let folder = Folder::new(u64::MAX, None);
    let mut log = folder.open().unwrap();
    // With the record of the start.
    write(&mut log, 1..=9);
    let report = folder.verify().unwrap();
    assert_eq!((report.head.sequence(), report.checkpoints, report.unsigned), (11, 1, 0));
    write(&mut log, 10..=28);
    let report = folder.verify().unwrap();
    assert_eq!((report.checkpoints, report.unsigned), (2, 9));
}

#[test]
fn the_chain_goes_on_over_files_that_are_full() {
    let folder = Folder::new(4096, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=100);
    let full = folder.files().all_full().unwrap();
    assert!(full.len() > 3, "{full:?}");
    for (first, path) in &full {
        // Each ends with a checkpoint.
        let text = fs::read_to_string(path).unwrap();
        let line = |line: Option<&str>| Line::parse(line.unwrap().as_bytes()).unwrap();
        assert_eq!(line(text.lines().next()).sequence, *first);
        assert!(matches!(line(text.lines().last()).entry, Entry::Checkpoint { .. }));
        assert!(text.len() >= 4096);
    }
    drop(log);
    // Taken up again, and with the number of the first record of the file that is written.
    let mut log = folder.open().unwrap();
    write(&mut log, 101..=150);
    log.close(time(200)).unwrap();
    let report = folder.verify().unwrap();
    assert_eq!((report.first, report.unsigned), (1, 0));
    assert!(report.head.sequence() > 150);
    // A file that is missing.
    let full = folder.files().all_full().unwrap();
    let (first, path) = &full[1];
    fs::remove_file(path).unwrap();
    let through = Some(full[2].0 - 1);
    let found = folder.verify().unwrap_err();
    assert_eq!((found.sequence, found.fault), (*first, Fault::Missing { through }));
    // The first one.
    fs::remove_file(&full[0].1).unwrap();
    assert_eq!(folder.verify().unwrap_err().fault, Fault::Missing { through });
}

#[test]
fn each_file_that_is_removed_and_each_end_of_one_that_is_cut_off_is_found() {
    let folder = Folder::new(2048, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=35);
    log.close(time(30)).unwrap();
    let head = folder.verify().unwrap().head;
    let files = folder.files().all().unwrap();
    let is_found = |files: &[PathBuf]| {
        let keys = KeySet::from_iter([key().verifying_key().unwrap()]);
        verify_with(Verifier::new(Some(keys)).expecting(head), files).is_err()
    };
    assert!(files.len() > 3 && !is_found(&files));
    for path in &files {
        let others: Vec<_> = files.iter().filter(|other| *other != path).cloned().collect();
        assert!(is_found(&others), "{path:?} is removed");
        let whole = fs::read(path).unwrap();
        let ends = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let ends: Vec<_> = ends.map(|(at, _)| at + 1).filter(|end| *end < whole.len()).collect();
        for end in [0].into_iter().chain(ends) {
            fs::write(path, &whole[..end]).unwrap();
            assert!(is_found(&files), "{path:?} is cut off at {end}");
        }
        fs::write(path, whole).unwrap();
    }
    // Two of them in each other's place.
    let mut swapped = files.clone();
    swapped.swap(1, 2);
    assert!(is_found(&swapped) && !is_found(&files));
}

#[test]
fn a_file_that_was_just_renamed_is_taken_up_in_the_next_one() {
    let folder = Folder::new(4096, None);
    let mut log = folder.open().unwrap();
    let mut number = 0;
    while folder.files().all_full().unwrap().is_empty() {
        number += 1;
        write(&mut log, [number]);
    }
    drop(log);
    // As if the process had stopped before it made the next file.
    assert_eq!(fs::read(&folder.config.file).unwrap(), b"");
    fs::remove_file(&folder.config.file).unwrap();
    let mut log = folder.open().unwrap();
    log.close(time(0)).unwrap();
    let report = folder.verify().unwrap();
    assert_eq!((report.first, report.unsigned), (1, 0));
}

#[test]
fn old_files_are_removed_and_the_log_says_so() {
    let folder = Folder::new(4096, Some(2));
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=200);
    log.close(time(300)).unwrap();
    let full = folder.files().all_full().unwrap();
    assert_eq!(full.len(), 2);
    let report = folder.verify().unwrap();
    assert_eq!(report.first, full[0].0);
    assert!(report.first > 1);
    // One more is missing than it says.
    fs::remove_file(&full[0].1).unwrap();
    let through = Some(full[1].0 - 1);
    let found = folder.verify().unwrap_err();
    assert_eq!((found.sequence, found.fault), (1, Fault::Missing { through }));
}

#[test]
fn a_record_that_was_not_written_to_its_end_is_removed() {
    let whole = {
        let folder = Folder::new(u64::MAX, None);
        write(&mut folder.open().unwrap(), 1..=3);
        fs::read(&folder.config.file).unwrap()
    };
    let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let (before, last) = (lines[..3].concat(), lines[3]);
    for length in [1, last.len() / 2, last.len() - 1] {
        let folder = Folder::new(u64::MAX, None);
        fs::write(&folder.config.file, [&before, &last[..length]].concat()).unwrap();
        assert_eq!(folder.verify().unwrap_err().fault, Fault::Incomplete);
        let log = folder.open().unwrap();
        let removed_bytes = length as u64;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        assert_eq!(folder.last().entry, Entry::Start { version, removed_bytes });
        assert_eq!(folder.verify().unwrap().head.sequence(), 4);
        drop(log);
    }
    // The very first record.
    let folder = Folder::new(u64::MAX, None);
    fs::write(&folder.config.file, &lines[0][..10]).unwrap();
    drop(folder.open().unwrap());
    assert_eq!(folder.verify().unwrap().head.sequence(), 1);
}

#[test]
fn a_log_whose_end_was_changed_is_not_opened() {
    let folder = Folder::new(u64::MAX, None);
    write(&mut folder.open().unwrap(), 1..=3);
    let text = fs::read_to_string(&folder.config.file).unwrap();
    fs::write(&folder.config.file, text.replace("\"3\"", "\"4\"")).unwrap();
    assert!(matches!(folder.open(), Err(AuditFileError::Damaged { .. })));
    fs::write(&folder.config.file, "no record\n").unwrap();
    assert!(matches!(folder.open(), Err(AuditFileError::Damaged { .. })));
}

#[test]
fn a_log_without_a_record_that_is_known_is_not_opened() {
    let folder = Folder::new(4096, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=20);
    let early = log.head();
    write(&mut log, 21..=60);
    let last = log.head();
    drop(log);
    for kept in [early, last] {
        drop(folder.open_knowing(Some(kept)).unwrap());
    }
    let assert_cut_off = |kept: Head| {
        let Err(AuditFileError::CutOff { sequence, .. }) = folder.open_knowing(Some(kept)) else {
            panic!("{kept} is not there")
        };
        assert_eq!(sequence, kept.sequence());
    };
    // Another with the number of one that is there, at the end or before it.
    assert_cut_off(Head::new(early.sequence(), last.hash()));
    let end = folder.verify().unwrap().head;
    assert_cut_off(Head::new(end.sequence(), early.hash()));
    // Cut off behind a record that is as it was written.
    for path in folder.files().all().unwrap().iter().skip(1) {
        fs::remove_file(path).unwrap();
    }
    assert_cut_off(last);
    assert_cut_off(end);
    // Removed altogether.
    for path in folder.files().all().unwrap() {
        fs::remove_file(path).unwrap();
    }
    assert_cut_off(Head::new(1, early.hash()));
}

#[test]
fn a_known_record_that_was_removed_with_old_files_is_no_cut() {
    let folder = Folder::new(4096, Some(2));
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=5);
    let early = log.head();
    write(&mut log, 6..=200);
    log.close(time(300)).unwrap();
    drop(log);
    let first = folder.files().all_full().unwrap()[0].0;
    assert!(early.sequence() < first);
    drop(folder.open_knowing(Some(early)).unwrap());
    // That it was removed must be signed, by the key of this log.
    let mut other = Folder::new(4096, Some(2));
    other.config.key = TestKey::generate(Algorithm::Es256).signing();
    let mut log = other.open().unwrap();
    write(&mut log, 1..=200);
    log.close(time(300)).unwrap();
    drop(log);
    drop(other.open_knowing(Some(early)).unwrap());
    other.config.key = key();
    let opened = other.open_knowing(Some(early));
    assert!(matches!(opened, Err(AuditFileError::CutOff { .. })));
    // Files before the first one that the log says stays: that is more than was removed.
    let full = folder.files().all_full().unwrap();
    fs::remove_file(&full[0].1).unwrap();
    let opened = folder.open_knowing(Some(early));
    assert!(matches!(opened, Err(AuditFileError::CutOff { .. })));
    // A log that has not removed it, and begins anew.
    let folder = Folder::new(u64::MAX, None);
    write(&mut folder.open().unwrap(), 101..=120);
    let opened = folder.open_knowing(Some(early));
    assert!(matches!(opened, Err(AuditFileError::CutOff { .. })));
}

#[test]
fn a_log_has_one_writer() {
    let folder = Folder::new(u64::MAX, None);
    let log = folder.open().unwrap();
    assert!(matches!(folder.open(), Err(AuditFileError::InUse { .. })));
    // Commands have a log of their own.
    LogFile::open(&folder.config, folder.files().of_commands(), None, time(0)).unwrap();
    drop(log);
    folder.open().unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_log() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(4096, None);
    write(&mut folder.open().unwrap(), 1..=50);
    for path in folder.files().all().unwrap() {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
}

#[test]
fn after_a_file_was_moved_away_another_is_begun_and_with_its_name_nothing_is_missing() {
    let folder = Folder::new(u64::MAX, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=3);
    let away = folder.path().join("away");
    fs::rename(&folder.config.file, &away).unwrap();
    write(&mut log, 4..=6);
    // The record of the start is the first one.
    assert_eq!(fs::read_to_string(&away).unwrap().lines().count(), 4);
    folder.verify().unwrap_err();
    fs::rename(&away, folder.files().full(1)).unwrap();
    log.close(time(7)).unwrap();
    let report = folder.verify().unwrap();
    assert_eq!((report.first, report.head.sequence()), (1, 8));
    drop(log);
    write(&mut folder.open().unwrap(), 8..=9);
    assert_eq!(folder.verify().unwrap().head.sequence(), 11);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::new(u64::MAX, None);
    let file = folder.path().join("missing/audit.jsonl");
    let config = AuditConfig { file: file.clone(), ..folder.config.clone() };
    let fault = LogFile::open(&config, Files::at(&file), None, time(0)).unwrap_err();
    let AuditFileError::NoFolder { folder } = fault else { panic!("{fault}") };
    assert_eq!(Some(folder.as_path()), file.parent());
}
