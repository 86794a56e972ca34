//! What `audit verify` says of a log that another program has written in.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use auth_core::{
    Algorithm, KeySet,
    audit::{Chain, Line, Verifier},
};
use testkit::TestKey;

use crate::world::World;

/// A world with a log of ten records and more.
async fn world() -> World {
    let mut world = World::with(&[("AUDIT_CHECKPOINT_RECORDS", "4")]);
    world.start();
    let token = world.token("bob", "User.Read");
    for _ in 0..8 {
        assert_eq!(world.call(Some(&token)).await, 200);
    }
    world.stop();
    drop(world.run(&["audit", "verify"]).expect(0));
    world
}

#[tokio::test]
async fn the_first_record_that_is_not_as_it_was_written_is_named_by_cause() {
    let world = world().await;
    let path = world.path("audit.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = good.lines().collect();
    let with = |lines: &[&str]| lines.iter().flat_map(|line| [*line, "\n"]).collect::<String>();
    let verify = |text: &str, code, texts: &[&str]| {
        fs::write(&path, text).unwrap();
        drop(world.run(&["audit", "verify", "audit.jsonl"]).expect(code).has(texts));
        fs::write(&path, &good).unwrap();
    };
    let changed = good.replacen("permitted", "denied", 1);
    verify(&changed, 8, &["audit.jsonl line 2: record 2 was changed"]);
    let dropped = [&lines[..3], &lines[4..]].concat();
    verify(&with(&dropped), 8, &["audit.jsonl line 4: record 4 is missing"]);
    let swapped = [&lines[..2], &[lines[3], lines[2]], &lines[4..]].concat();
    verify(&with(&swapped), 8, &["audit.jsonl line 3: record 3 is not in its place"]);
    let added = [&lines[..3], &lines[2..]].concat();
    verify(&with(&added), 8, &["audit.jsonl line 4: record 3 was added"]);
    verify(&good[..good.len() - 9], 10, &["is not complete"]);
    // All of it written anew by a person without the key.
    let forged = TestKey::generate(Algorithm::Es256);
    let last = Line::parse(lines.last().unwrap().as_bytes()).unwrap();
    let before = Line::parse(lines[lines.len() - 2].as_bytes()).unwrap().head();
    let checkpoint = Chain::after(before, "a").checkpoint(last.time, &forged.signing()).unwrap();
    let anew = [&lines[..lines.len() - 1], &[checkpoint.as_str()]].concat();
    let sequence = format!("record {} is a checkpoint that proves nothing", last.sequence);
    verify(&with(&anew), 9, &[&sequence, "a key that was not given", "--key NEW --key OLD`"]);
    let moved = Chain::after(before, "a").append(last.time, &last.entry);
    let anew = [&lines[..lines.len() - 1], &[moved.as_str()]].concat();
    verify(&with(&anew), 9, &["over another record"]);
    // Cut off at a checkpoint: noticed by one who knows the end.
    let head = last.head().to_string();
    let cut = with(&lines[..5]);
    verify(&cut, 0, &["ok: audit.jsonl: 5 records"]);
    fs::write(&path, &cut).unwrap();
    let said = world.run(&["audit", "verify", "audit.jsonl", "--head", &head]).expect(10);
    drop(said.has(&["the end of audit.jsonl: record 6 is missing: the log was cut off"]));
    fs::write(&path, &good).unwrap();
    drop(world.run(&["audit", "verify", "audit.jsonl", "--head", &head]).expect(0));
}

#[tokio::test]
async fn what_is_not_as_it_was_written_is_left_out_of_what_is_shown_and_exported() {
    let world = world().await;
    let path = world.path("audit.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let shown = |args: &[&str], code| world.run(&[&["audit"], args].concat()).expect(code);
    let show = ["show", "audit.jsonl", "--output", "plain", "--outcome", "permitted"];
    let export = ["export", "audit.jsonl"];
    let [all, exported] = [&show[..], &export].map(|args| shown(args, 0).out.lines().count());
    assert_eq!(all, 8);
    // The first of the calls, and a line that is no record at all.
    let changed = good.replacen("permitted", "denied", 1).replacen('\n', "\nnothing\n", 1);
    fs::write(&path, changed).unwrap();
    for (args, count) in [(&show[..], all), (&export, exported)] {
        let said = shown(args, 8);
        assert_eq!(said.out.lines().count(), count - 1, "{args:?}");
        drop(said.has(&[
            "audit.jsonl line 2 is not a record as it was written; left out for such a reason: 2",
            "audit verify` names the first record",
        ]));
    }
    // Of a line that is not complete nothing is said: it is being written.
    fs::write(&path, &good[..good.len() - 9]).unwrap();
    assert_eq!(shown(&export, 0).out.lines().count(), exported - 1);
}

#[tokio::test]
async fn each_byte_of_a_file_that_is_changed_is_found_in_its_line() {
    let world = world().await;
    let good = fs::read(world.path("audit.jsonl")).unwrap();
    let keys: KeySet = [TestKey::shared(Algorithm::Es256).verifying()].into_iter().collect();
    let verify = |bytes: &[u8]| {
        let mut verifier = Verifier::new(Some(keys.clone()));
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(whole) => verifier.push(whole, true),
                None => verifier.push(line, false),
            }
        }
        verifier.finish()
    };
    assert!(verify(&good).is_ok() && good.len() > 4000);
    let mut line = 0;
    for at in 0..good.len() {
        for bit in [1, 0x20, 0x80] {
            let mut changed = good.clone();
            changed[at] ^= bit;
            let finding = verify(&changed).expect_err("it was changed");
            assert_eq!(finding.index, line, "{at} {bit}: {finding}");
        }
        line += u64::from(good[at] == b'\n');
    }
}

#[tokio::test]
async fn the_database_knows_of_a_log_that_was_cut_off_or_removed() {
    let mut world = world().await;
    let path = world.path("audit.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = good.split_inclusive('\n').collect();
    let last = Line::parse(lines.last().unwrap().trim_end().as_bytes()).unwrap().sequence;
    let known = format!("record {last} is there, which the database knows");
    drop(world.run(&["audit", "verify"]).expect(0).has(&[&known]));
    // At a checkpoint, and all of it: neither is seen in the files.
    for (text, missing, ok) in [
        (lines[..5].concat(), 6, "ok: audit.jsonl: 5 records, 1 to 5, 1 checkpoint"),
        (String::new(), 1, "ok: audit.jsonl: no records\nnote: if there were records"),
    ] {
        fs::write(&path, &text).unwrap();
        drop(world.run(&["audit", "verify", "audit.jsonl"]).expect(0).has(&[ok]));
        let missing = format!("record {missing} is missing: the log was cut off");
        drop(world.run(&["audit", "verify"]).expect(10).has(&[&missing]));
    }
    fs::remove_file(&path).unwrap();
    drop(world.run(&["audit", "verify"]).expect(10).has(&["the log was cut off"]));
    // It is not continued, and the database still knows.
    let said = world.run(&["--bind", "127.0.0.1:0"]).expect(10);
    drop(said.has(&[&format!("the database knows its record {last}"), "name another file"]));
    drop(world.run(&["audit", "verify"]).expect(10));
    fs::write(&path, &good).unwrap();
    world.start();
    world.stop();
    drop(world.run(&["audit", "verify"]).expect(0).has(&["which the database knows"]));
    // Another file is another log.
    fs::remove_file(&path).unwrap();
    let other = [("AUDIT_FILE", "other.jsonl")];
    drop(world.run_with(&other, &["audit", "verify"]).expect(2).has(&["no audit log at"]));
}

#[tokio::test]
async fn a_server_whose_log_was_changed_at_its_end_says_how_it_starts_again() {
    let mut world = world().await;
    let path = world.path("audit.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let begin = good.trim_end().rfind("\"node\":\"").unwrap();
    fs::write(&path, format!("{}{}", &good[..begin], good[begin..].replacen('"', "'", 1))).unwrap();
    let said = world.run(&["run"]).expect(8);
    drop(said.has(&["name another file in AUDIT_FILE to begin a new log", "server audit verify`"]));
    // To move the files away does not help: the database knows them.
    fs::rename(&path, world.path("away.jsonl")).unwrap();
    let said = world.run(&["run"]).expect(10);
    drop(said.has(&["name another file in AUDIT_FILE to begin a new log"]));
    world.set("AUDIT_FILE", "other.jsonl");
    world.start();
    world.stop();
    drop(world.run(&["audit", "verify"]).expect(0));
}

#[test]
fn the_database_knows_of_a_log_of_commands_that_was_cut_off() {
    let world = World::new();
    drop(world.run(&["users", "disable", "bob"]).expect(0));
    let path = world.path("audit-commands.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = good.split_inclusive('\n').collect();
    drop(world.run(&["audit", "verify"]).expect(0).has(&["which the database knows"]));
    // What the last command has written; all of it; and the file itself.
    for text in [lines[..3].concat(), String::new()] {
        fs::write(&path, &text).unwrap();
        drop(world.run(&["audit", "verify"]).expect(10).has(&["the log was cut off"]));
        let said = world.run(&["users", "enable", "bob"]).expect(10);
        drop(said.has(&["audit-commands.jsonl was cut off or replaced"]));
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "nothing is written");
    }
    fs::remove_file(&path).unwrap();
    drop(world.run(&["users", "enable", "bob"]).expect(10));
    // Nothing was changed.
    drop(world.run(&["users", "show", "bob"]).expect(0).has(&["disabled"]));
    fs::write(&path, good).unwrap();
    drop(world.run(&["users", "enable", "bob"]).expect(0));
    drop(world.run(&["audit", "verify"]).expect(0));
}

#[tokio::test]
async fn a_log_is_checked_with_a_public_key_alone() {
    let world = world().await;
    let none = &[("AUDIT_FILE", ""), ("AUDIT_KEY_FILE", "")][..];
    let run = |args: &[&str]| world.run_with(none, &[&["audit", "verify"], args].concat());
    drop(run(&["audit.jsonl", "--key", "public.pem"]).expect(0).has(&["ok: audit.jsonl"]));
    drop(run(&["audit.jsonl"]).expect(2).has(&["which key signed the log?"]));
    drop(run(&["audit.jsonl", "--hashes-only"]).expect(0).has(&["signatures were not checked"]));
    drop(run(&[]).expect(2).has(&["which audit log?"]));
    drop(run(&["none.jsonl", "--key", "public.pem"]).expect(7).has(&["none.jsonl"]));
    drop(run(&["audit.jsonl", "--key", "none.pem"]).expect(2).has(&["none.pem"]));
    let other = TestKey::generate(Algorithm::Es256);
    fs::write(world.path("other.pem"), other.public_pem().unwrap()).unwrap();
    drop(run(&["audit.jsonl", "--key", "other.pem"]).expect(9).has(&["a key that was not given"]));
    let both = ["audit.jsonl", "--key", "other.pem", "--key", "public.pem"];
    let json = run(&[&both[..], &["--output", "json"]].concat()).expect(0).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["unsigned"], 0);
    assert_eq!(json[0]["signatures_checked"], true);
}

#[tokio::test]
async fn a_clock_that_is_set_back_is_reported_and_no_fault() {
    let world = world().await;
    let path = world.path("audit.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let last = Line::parse(good.lines().last().unwrap().as_bytes()).unwrap();
    // As a server would write with its clock set back by a day.
    let earlier = SystemTime::UNIX_EPOCH + Duration::from_millis(last.time.as_millis());
    let earlier = earlier - Duration::from_hours(24);
    let earlier = earlier.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let earlier = auth_core::audit::Timestamp::since_epoch(earlier);
    let key = TestKey::shared(Algorithm::Es256).signing();
    let line = Chain::after(last.head(), "a").checkpoint(earlier, &key).unwrap();
    fs::write(&path, format!("{good}{line}\n")).unwrap();
    let said = world.run(&["audit", "verify", "audit.jsonl"]).expect(0);
    let text = format!("the clock was set back before record {}", last.sequence + 1);
    drop(said.has(&[&text]));
}
