//! A reader beside the writer.

use std::fs;

use super::{Folder, write};
use crate::{AuditFileError, Follower, Sink};

/// The numbers of the records that can be read now.
fn read_all(follower: &mut Follower) -> Vec<u64> {
    std::iter::from_fn(|| follower.read().unwrap().map(|(line, _)| line.sequence)).collect()
}

#[test]
fn a_follower_reads_each_record_once_over_files_that_are_renamed() {
    let folder = Folder::new(4096, None);
    let mut follower = Follower::new(folder.files(), 1);
    assert_eq!(read_all(&mut follower), [0; 0], "there is no file yet");
    let mut log = folder.open().unwrap();
    let mut read = Vec::new();
    for number in 1..=100 {
        write(&mut log, [number]);
        if number % 7 == 0 {
            read.extend(read_all(&mut follower));
        }
    }
    read.extend(read_all(&mut follower));
    let last = log.head().sequence();
    assert_eq!(read, (1..=last).collect::<Vec<_>>());
    assert!(folder.files().all_full().unwrap().len() > 3);
    assert_eq!(read_all(&mut follower), [0; 0]);
    // From any record on.
    for next in 1..=last + 1 {
        let mut follower = Follower::new(folder.files(), next);
        assert_eq!(read_all(&mut follower), (next..=last).collect::<Vec<_>>());
    }
    drop(log);
    let mut log = folder.open().unwrap();
    write(&mut log, [101]);
    assert_eq!(read_all(&mut follower), (last + 1..=log.head().sequence()).collect::<Vec<_>>());
}

#[test]
fn a_follower_waits_for_the_end_of_a_line() {
    let folder = Folder::new(u64::MAX, None);
    write(&mut folder.open().unwrap(), 1..=3);
    let whole = fs::read(&folder.config.file).unwrap();
    let mut follower = Follower::new(folder.files(), 1);
    let mut read = Vec::new();
    for end in 0..=whole.len() {
        fs::write(&folder.config.file, &whole[..end]).unwrap();
        let found = read_all(&mut follower);
        let lines = whole[..end].split_inclusive(|byte| *byte == b'\n');
        let lines = lines.filter(|line| line.ends_with(b"\n")).count();
        read.extend(found);
        assert_eq!(read.len(), lines, "{end}");
    }
    assert_eq!(read, [1, 2, 3, 4]);
}

#[test]
fn a_follower_goes_on_behind_records_that_were_removed() {
    let folder = Folder::new(4096, Some(2));
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=5);
    let mut follower = Follower::new(folder.files(), 1);
    let before = read_all(&mut follower);
    assert_eq!(before, [1, 2, 3, 4, 5, 6]);
    write(&mut log, 6..=200);
    let first = folder.files().all_full().unwrap()[0].0;
    let found = read_all(&mut follower);
    // The rest of the file that it had open, and then what is there.
    let there = found.iter().copied().filter(|number| *number >= first).collect::<Vec<_>>();
    assert_eq!(there, (first..=log.head().sequence()).collect::<Vec<_>>());
    assert!(found[0] == 7 && found.is_sorted() && found.len() > there.len());
}

#[test]
fn a_follower_stops_at_what_is_no_record() {
    let folder = Folder::new(u64::MAX, None);
    write(&mut folder.open().unwrap(), 1..=3);
    let text = fs::read_to_string(&folder.config.file).unwrap();
    let files = folder.files();
    fs::write(&folder.config.file, text.replace("\"2\"", "\"9\"")).unwrap();
    let mut follower = Follower::new(files.clone(), 1);
    assert_eq!(follower.read().unwrap().unwrap().0.sequence, 1);
    assert_eq!(follower.read().unwrap().unwrap().0.sequence, 2);
    assert!(matches!(follower.read(), Err(AuditFileError::Changed { .. })));
    fs::write(&folder.config.file, vec![b'x'; 2 << 20]).unwrap();
    let opened = Follower::new(files, 1).read();
    assert!(matches!(opened, Err(AuditFileError::Changed { .. })));
}
