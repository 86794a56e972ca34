//! Keys that are rotated, however many rotate them at once and however a rotation ends.

use std::{
    collections::HashSet,
    fs,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::support::Folder;

/// How many rounds are run; `ROTATION_ROUNDS` says another number.
const ROUNDS: usize = 25;

fn rounds() -> usize {
    #[expect(clippy::disallowed_methods, reason = "how long a test runs is said from outside")]
    let said = std::env::var("ROTATION_ROUNDS").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(ROUNDS)
}

fn start(folder: &Folder) -> Child {
    let mut command = folder.command(&["rotate", "keys", "--cache", "1s"], &[]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn json(folder: &Folder, name: &str) -> Option<Value> {
    let text = fs::read_to_string(folder.path(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The names of the keys in a document, in their order.
fn kids(document: &Value) -> Vec<String> {
    let keys = document["keys"].as_array().unwrap();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Every key that signs, now or later, is published, and has its file. Gives the names of those
/// keys.
fn assert_whole(folder: &Folder) -> Vec<String> {
    let Some(dates) = &json(folder, "keys/rotation.json") else { return Vec::new() };
    let published: HashSet<_> =
        kids(&json(folder, "keys/jwks.json").unwrap()).into_iter().collect();
    for key in dates["keys"].as_array().unwrap() {
        assert!(published.contains(key["kid"].as_str().unwrap()), "{dates}: {published:?}");
        assert!(folder.path("keys").join(key["file"].as_str().unwrap()).exists(), "{dates}");
    }
    let (header, _) = &folder.run(&["--key", "keys", "--ttl", "1m"]).parts();
    assert!(published.contains(header["kid"].as_str().unwrap()), "it signs with {header}");
    kids(dates)
}

#[test]
fn six_rotations_at_once_leave_a_folder_whose_keys_are_published() {
    let rounds = rounds();
    for round in 0..rounds {
        let folder = Folder::ready();
        if round % 2 == 1 {
            assert_eq!(folder.run(&["rotate", "keys", "--cache", "1s"]).code, 0);
        }
        let before: HashSet<_> = assert_whole(&folder).into_iter().collect();
        let running: Vec<_> = (0..6).map(|_| start(&folder)).collect();
        let mut named = HashSet::new();
        for rotation in running {
            let output = rotation.wait_with_output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let wrong = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success() && wrong.is_empty(), "{round}: {said}{wrong}");
            if let Some((_, kid)) = said.split_once("Done: the new key is ") {
                let kid = kid.trim_end().trim_end_matches('.').to_owned();
                assert!(named.insert(kid), "{round}: two rotations name one key");
            }
        }
        // Each new key was named by the rotation that made it, and no other was.
        let after: HashSet<_> = assert_whole(&folder).into_iter().collect();
        let made: HashSet<_> = after.difference(&before).cloned().collect();
        assert_eq!(made, named, "{round}");
        assert!(!made.is_empty());
    }
}

#[test]
fn a_rotation_that_is_killed_leaves_a_folder_that_works_and_the_next_one_goes_on() {
    for round in 0..rounds() {
        let folder = Folder::ready();
        if round % 2 == 1 {
            assert_eq!(folder.run(&["rotate", "keys", "--cache", "1s"]).code, 0);
        }
        // From before it does anything to after its end.
        let mut rotation = start(&folder);
        thread::sleep(Duration::from_micros(500) * u32::try_from(round % 40).unwrap());
        rotation.kill().unwrap();
        rotation.wait().unwrap();
        assert_whole(&folder);
        let next = folder.run(&["rotate", "keys", "--cache", "1s"]);
        assert_eq!(next.code, 0, "{next:?}");
        assert!(!assert_whole(&folder).is_empty());
        let files = fs::read_dir(folder.path("keys")).unwrap();
        let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(names.filter(|name| name.starts_with(".draft")).count(), 0);
    }
}

#[test]
fn two_keys_of_one_second_are_told_apart() {
    let folder = Folder::ready();
    let mut said = Vec::new();
    // In a new folder the first signs at once, so that the second is made without waiting for it.
    for _ in 0..2 {
        let run = folder.run(&["rotate", "keys", "--cache", "1s"]);
        assert_eq!(run.code, 0, "{run:?}");
        said.push(run.out);
    }
    let kids = kids(&json(&folder, "keys/rotation.json").unwrap());
    assert_eq!(kids.len(), 2);
    for (kid, said) in kids.iter().zip(said) {
        assert!(said.ends_with(&format!("Done: the new key is {kid}.\n")), "{said}");
    }
}

#[test]
fn a_rotation_waits_for_the_one_before_and_a_dry_run_for_nobody() {
    let folder = Folder::ready();
    assert_eq!(folder.run(&["rotate", "keys"]).code, 0);
    let lock = fs::File::options().write(true).open(folder.path("keys/rotation.lock")).unwrap();
    lock.lock().unwrap();
    let mut waiting = start(&folder);
    assert_eq!(folder.run(&["rotate", "keys", "--dry-run"]).code, 0);
    assert_eq!(waiting.try_wait().unwrap(), None);
    drop(lock);
    assert!(waiting.wait().unwrap().success());
}

#[test]
fn a_dry_run_makes_nothing() {
    let folder = Folder::ready();
    assert_eq!(folder.run(&["rotate", "keys", "--dry-run"]).code, 0);
    assert!(!folder.path("keys").exists());
}
