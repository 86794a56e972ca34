//! The audit log: what is written verifies, and the first record that is not as it was written is
//! named.

use std::time::Duration;

use auth_core::{
    Action, Algorithm, KeySet,
    audit::{
        Chain, CheckpointError, Decision, Entry, Fault, Finding, Head, Line, LineError, Outcome,
        Report, Timestamp, Verifier, What,
    },
};
use serde_json::json;
use testkit::TestKey;

const NODE: &str = "node-a";

fn key() -> &'static TestKey {
    TestKey::shared(Algorithm::Es256)
}

fn keys() -> KeySet {
    KeySet::from_iter([key().verifying()])
}

fn time(number: u64) -> Timestamp {
    Timestamp::since_epoch(Duration::from_secs(1_800_000_000 + number))
}

fn decision(number: u64) -> Entry {
    Entry::Decision(Box::new(Decision {
        outcome: Outcome::Permitted,
        reason: None,
        who: None,
        what: What {
            resource: "http://localhost/mcp".into(),
            method: Some("tools/call".into()),
            target: Some("get_time".into()),
            arguments: None,
            values: Vec::new(),
        },
        policy: None,
        request: format!("{number:016x}"),
        trace: None,
        address: None,
    }))
}

/// Lines 1, 2, 3, a checkpoint, 5, 6, 7, a checkpoint.
fn log() -> Vec<String> {
    let mut chain = Chain::after(Head::EMPTY, NODE);
    let mut lines = Vec::new();
    for number in 1..=8 {
        lines.push(if number % 4 == 0 {
            chain.checkpoint(time(number), &key().signing()).unwrap()
        } else {
            chain.append(time(number), &decision(number))
        });
    }
    lines
}

fn verify_with(mut verifier: Verifier, bytes: &[u8]) -> Result<Report, Finding> {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(whole) => verifier.push(whole, true),
            None => verifier.push(line, false),
        }
    }
    verifier.finish()
}

fn verify(lines: &[String]) -> Result<Report, Finding> {
    verify_with(Verifier::new(Some(keys())), text(lines).as_bytes())
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| line.clone() + "\n").collect()
}

#[track_caller]
fn assert_found(lines: &[String], sequence: u64, index: u64, fault: Fault) {
    assert_eq!(verify(lines), Err(Finding { sequence, index, fault }), "{}", text(lines));
}

#[test]
fn what_was_written_verifies_with_every_kind_of_key() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let mut chain = Chain::after(Head::EMPTY, NODE);
        let lines = [
            chain.append(time(1), &decision(1)),
            chain.checkpoint(time(2), &key.signing()).unwrap(),
            chain.append(time(3), &decision(3)),
        ];
        let verifier = Verifier::new(Some(KeySet::from_iter([key.verifying()])));
        let report = verify_with(verifier, text(&lines).as_bytes()).unwrap();
        let wanted = Report {
            first: 1,
            head: chain.head(),
            checkpoints: 1,
            unsigned: 1,
            clock_set_back: None,
        };
        assert_eq!(report, wanted, "{algorithm}");
    }
}

#[test]
fn an_empty_log_has_no_record() {
    let report = verify(&[]).unwrap();
    assert_eq!((report.first, report.head, report.unsigned), (0, Head::EMPTY, 0));
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let lines = log();
    let line = Line::parse(lines[1].as_bytes()).unwrap();
    assert_eq!((line.sequence, line.node.as_str(), line.time), (2, NODE, time(2)));
    assert_eq!(line.entry, decision(2));
    assert_eq!(line.previous, Line::parse(lines[0].as_bytes()).unwrap().hash);
    assert_eq!(Line::parse(b"{}"), Err(LineError::Form));
    assert_eq!(Line::parse(lines[1].replace("get", "set").as_bytes()), Err(LineError::Hash));
}

#[test]
fn each_byte_that_is_changed_is_found_in_its_record() {
    let good = text(&log()).into_bytes();
    let mut record = 1;
    for place in 0..good.len() {
        // Another letter, another case, no ASCII, a line break, another digit.
        for change in [1, 0x20, 0x80, good[place] ^ b'\n', good[place] ^ b'7'] {
            let mut bytes = good.clone();
            bytes[place] ^= change;
            if bytes == good {
                continue;
            }
            let found = verify_with(Verifier::new(Some(keys())), &bytes).unwrap_err();
            assert_eq!(found.sequence, record, "byte {place} ^ {change}: {found}");
        }
        record += u64::from(good[place] == b'\n');
    }
    assert_eq!(record, 9);
}

#[test]
fn a_record_that_is_dropped_is_missing() {
    for place in 0..7 {
        let mut lines = log();
        lines.remove(place);
        let (sequence, index) = (place as u64 + 1, place as u64);
        assert_found(&lines, sequence, index, Fault::Missing { through: None });
    }
    let mut lines = log();
    lines.drain(2..5);
    assert_found(&lines, 3, 2, Fault::Missing { through: Some(5) });
    let rest = &log()[3..];
    assert_found(rest, 1, 0, Fault::Missing { through: Some(3) });
    let verifier = Verifier::new(Some(keys())).from_any_record();
    assert_eq!(verify_with(verifier, text(rest).as_bytes()).unwrap().first, 4);
}

#[test]
fn records_that_are_swapped_are_not_in_their_places() {
    for place in 1..6 {
        let mut lines = log();
        lines.swap(place, place + 1);
        assert_found(&lines, place as u64 + 1, place as u64, Fault::OutOfOrder);
    }
    let mut lines = log();
    lines.swap(1, 5);
    assert_found(&lines, 2, 1, Fault::OutOfOrder);
}

#[test]
fn a_record_that_is_added_is_found() {
    let good = log();
    for place in 0..8 {
        // A copy of the record before, or of a later one.
        let mut lines = good.clone();
        lines.insert(place + 1, good[place].clone());
        assert_found(&lines, place as u64 + 1, place as u64 + 1, Fault::Inserted);
        // A line that is no record.
        let mut lines = good.clone();
        lines.insert(place, "{}".into());
        assert_found(&lines, place as u64 + 1, place as u64, Fault::Inserted);
    }
    // A record with a number, a hash before and a hash of its own that are right.
    let mut forger = Chain::after(Line::parse(good[4].as_bytes()).unwrap().head(), NODE);
    let mut lines = good.clone();
    lines.insert(5, forger.append(time(9), &decision(99)));
    assert_found(&lines, 6, 6, Fault::Inserted);
    // The same after another record.
    let mut forger = Chain::after(Head::new(5, auth_core::audit::Digest::of(b"")), NODE);
    let mut lines = good;
    lines.insert(5, forger.append(time(9), &decision(99)));
    assert_found(&lines, 6, 5, Fault::Inserted);
}

#[test]
fn a_record_that_is_replaced_is_found_in_the_one_after_it() {
    let good = log();
    for place in [1, 4, 5] {
        let before = Line::parse(good[place - 1].as_bytes()).unwrap().head();
        let mut forger = Chain::after(before, NODE);
        let mut lines = good.clone();
        lines[place] = forger.append(time(9), &decision(99));
        assert_found(&lines, place as u64 + 1, place as u64, Fault::Replaced);
    }
}

/// All after the first checkpoint written anew by a person without the key.
fn rewritten(checkpoint: impl Fn(&mut Chain) -> String) -> Vec<String> {
    let mut lines = log();
    let mut forger = Chain::after(Line::parse(lines[3].as_bytes()).unwrap().head(), NODE);
    for line in &mut lines[4..7] {
        *line = forger.append(time(9), &decision(99));
    }
    lines[7] = checkpoint(&mut forger);
    lines
}

#[test]
fn records_that_are_written_anew_do_not_match_the_signature() {
    let signed = Line::parse(log()[7].as_bytes()).unwrap();
    // With the signature that was there.
    let lines = rewritten(|forger| forger.append(signed.time, &signed.entry));
    assert_found(&lines, 5, 4, Fault::WrittenAnew { through: 8 });
    // With the signature of the first checkpoint, which is over another record.
    let first = Line::parse(log()[3].as_bytes()).unwrap();
    let lines = rewritten(|forger| forger.append(signed.time, &first.entry));
    assert_found(&lines, 8, 7, Fault::Checkpoint(CheckpointError::Other));
    // With another key, and with the id of the right key.
    let other = TestKey::generate(Algorithm::Es256);
    let lines = rewritten(|forger| forger.checkpoint(time(8), &other.signing()).unwrap());
    assert_found(&lines, 8, 7, Fault::Checkpoint(CheckpointError::UnknownKey));
    let named = other.signing().with_id(key().verifying().id().unwrap().clone());
    let lines = rewritten(|forger| forger.checkpoint(time(8), &named).unwrap());
    assert_found(&lines, 8, 7, Fault::Checkpoint(CheckpointError::Signature));
    // With what is no checkpoint.
    let lines = rewritten(|forger| forger.append(time(8), &Entry::Checkpoint { jws: "x".into() }));
    assert_found(&lines, 8, 7, Fault::Checkpoint(CheckpointError::Form));
    // With a token that the key has signed.
    let token = testkit::Forge::valid(key()).sign(key());
    let lines =
        rewritten(|forger| forger.append(time(8), &Entry::Checkpoint { jws: token.clone() }));
    assert_found(&lines, 8, 7, Fault::Checkpoint(CheckpointError::Form));
}

#[test]
fn without_a_key_a_log_that_is_written_anew_is_not_noticed() {
    let other = TestKey::generate(Algorithm::Es256);
    let lines = rewritten(|forger| forger.checkpoint(time(8), &other.signing()).unwrap());
    let report = verify_with(Verifier::new(None), text(&lines).as_bytes()).unwrap();
    assert_eq!((report.checkpoints, report.unsigned), (0, 8));
}

#[test]
fn the_time_and_the_node_of_a_checkpoint_are_signed() {
    let good = log();
    let before = Line::parse(good[6].as_bytes()).unwrap().head();
    let Entry::Checkpoint { jws } = Line::parse(good[7].as_bytes()).unwrap().entry else {
        panic!("line 8 is a checkpoint")
    };
    for (node, at) in [("node-b", time(8)), (NODE, time(9))] {
        let mut lines = good.clone();
        let entry = Entry::Checkpoint { jws: jws.clone() };
        lines[7] = Chain::after(before, node).append(at, &entry);
        assert_found(&lines, 8, 7, Fault::Checkpoint(CheckpointError::Other));
    }
}

#[test]
fn a_log_that_is_cut_off_is_noticed_where_its_end_is_known() {
    let good = log();
    let head = Line::parse(good[7].as_bytes()).unwrap().head();
    for kept in 0..8 {
        let bytes = text(&good[..kept]);
        let cut = verify_with(Verifier::new(Some(keys())).expecting(head), bytes.as_bytes());
        let sequence = kept as u64 + 1;
        assert_eq!(cut, Err(Finding { sequence, index: kept as u64, fault: Fault::CutOff }));
        // Without it, it is not: what is left is a whole log.
        let report = verify_with(Verifier::new(Some(keys())), bytes.as_bytes()).unwrap();
        let unsigned = if kept < 4 { kept } else { kept - 4 };
        assert_eq!(report.unsigned, unsigned as u64);
    }
    let whole = Verifier::new(Some(keys())).expecting(head);
    assert!(verify_with(whole, text(&good).as_bytes()).is_ok());
    let middle = Line::parse(good[4].as_bytes()).unwrap().head();
    let whole = Verifier::new(Some(keys())).expecting(middle);
    assert!(verify_with(whole, text(&good).as_bytes()).is_ok());
    let other = Verifier::new(Some(keys())).expecting(Head::new(5, head.hash()));
    let found = Finding { sequence: 5, index: 4, fault: Fault::Replaced };
    assert_eq!(verify_with(other, text(&good).as_bytes()), Err(found));
}

#[test]
fn a_line_that_is_cut_off_is_not_complete() {
    let good = text(&log());
    let last = good.trim_end().rfind('\n').unwrap() + 1;
    for end in last + 1..good.len() {
        let found = verify_with(Verifier::new(Some(keys())), &good.as_bytes()[..end]);
        assert_eq!(found, Err(Finding { sequence: 8, index: 7, fault: Fault::Incomplete }));
    }
}

#[test]
fn a_clock_that_is_set_back_is_reported_and_no_fault() {
    let mut chain = Chain::after(Head::EMPTY, NODE);
    let lines = [5, 7, 6, 8, 1].map(|at| chain.append(time(at), &decision(at)));
    let report = verify(&lines).unwrap();
    assert_eq!(report.clock_set_back, Some(3));
    // What is recorded at the same time may be written in another order.
    let at = |millis| Timestamp::since_epoch(Duration::from_millis(millis));
    let mut chain = Chain::after(Head::EMPTY, NODE);
    let lines = [9_000, 8_500, 9_000, 8_499].map(|it| chain.append(at(it), &decision(1)));
    assert_eq!(verify(&lines[..3]).unwrap().clock_set_back, None);
    assert_eq!(verify(&lines).unwrap().clock_set_back, Some(4));
}

#[test]
fn a_log_may_begin_later_if_it_says_that_earlier_files_were_removed() {
    let with = |through| {
        let mut lines = log();
        let head = Line::parse(lines[7].as_bytes()).unwrap().head();
        lines.push(Chain::after(head, NODE).append(time(9), &Entry::Removed { through }));
        lines.drain(..4);
        lines
    };
    assert_eq!(verify(&with(4)).unwrap().first, 5);
    assert_found(&with(3), 1, 0, Fault::Missing { through: Some(4) });
}

#[test]
fn a_known_record_may_be_gone_if_the_log_says_under_a_signature_that_it_removed_it() {
    let all = log();
    let known = Line::parse(all[2].as_bytes()).unwrap().head();
    let with = |through, is_signed: bool| {
        let mut lines = log();
        let head = Line::parse(lines[7].as_bytes()).unwrap().head();
        let mut chain = Chain::after(head, NODE);
        lines.push(chain.append(time(9), &Entry::Removed { through }));
        if is_signed {
            lines.push(chain.checkpoint(time(10), &key().signing()).unwrap());
        }
        lines.drain(..4);
        text(&lines)
    };
    let verify = |keys, known, lines: &str| {
        verify_with(Verifier::new(keys).expecting(known), lines.as_bytes())
    };
    assert_eq!(verify(Some(keys()), known, &with(4, true)).unwrap().first, 5);
    let cut = |lines: &str, known| verify(Some(keys()), known, lines).unwrap_err().fault;
    assert_eq!(cut(&with(4, false), known), Fault::CutOff);
    // Without keys nothing is signed, as far as is known.
    assert!(verify(None, known, &with(4, false)).is_ok());
    assert_eq!(verify(None, known, &text(&all[4..])).unwrap_err().fault, MISSING);
    // One that should still be there, and one behind the end.
    assert_eq!(cut(&with(8, true), Head::new(5, known.hash())), Fault::Replaced);
    assert_eq!(cut(&with(99, true), Head::new(11, known.hash())), Fault::CutOff);
}

const MISSING: Fault = Fault::Missing { through: Some(4) };

#[test]
fn the_first_record_of_a_log_has_nothing_before_it() {
    let other = Head::new(0, auth_core::audit::Digest::of(b"x"));
    let lines = [Chain::after(other, NODE).append(time(1), &decision(1))];
    assert_found(&lines, 1, 0, Fault::NotFirst);
    let later = Head::new(4, Head::EMPTY.hash());
    let lines = [Chain::after(later, NODE).append(time(1), &decision(1))];
    assert_found(&lines, 5, 0, Fault::NotFirst);
}

#[test]
fn a_principal_has_the_actors_of_its_token_and_nothing_else_of_act() {
    let of = |act: serde_json::Value| {
        let key = TestKey::shared(Algorithm::Hs256);
        let token = testkit::Forge::valid(key).claim("act", act).sign(key);
        let verifier = crate::support::verifier(crate::support::trusted(key));
        let claims = crate::support::judge(&verifier, &token, testkit::NOW).unwrap();
        let principal = auth_core::Principal::new(&claims, auth_core::Ceiling::IssuerDecides);
        principal.actors().to_vec()
    };
    let chain = json!({ "sub": "agent", "act": { "sub": "first", "iss": "x" } });
    assert_eq!(of(chain), ["agent", "first"]);
    assert_eq!(
        of(json!({ "sub": "agent", "act": { "iss": "x", "act": { "sub": "y" } } })),
        ["agent"]
    );
    for none in [json!("agent"), json!({}), json!({ "sub": 7 }), json!({ "sub": "a".repeat(256) })]
    {
        assert_eq!(of(none), Vec::<String>::new());
    }
    let long = (0..20).fold(json!({ "sub": "last" }), |act, _| json!({ "sub": "a", "act": act }));
    assert_eq!(of(long).len(), 8);
}

#[test]
fn a_policy_knows_the_digest_of_its_text_if_it_was_read_from_one() {
    let policy = crate::support::read_policy(json!({})).unwrap();
    assert_eq!(policy.source(), None);
    let read = policy.read_from("text").source();
    assert_eq!(read, Some(auth_core::audit::Digest::of(b"text")));
}

#[test]
fn a_policy_names_the_arguments_that_are_recorded_of_tools_that_have_a_rule() {
    let document = json!({ "tools": { "a": [], "b": [] }, "record": { "a": ["path"] } });
    let policy = crate::support::read_policy(document).unwrap();
    let recorded = |action: Action| policy.recorded_arguments(&action).to_vec();
    assert_eq!(recorded(Action::CallTool("a".into())), ["path"]);
    assert_eq!(recorded(Action::CallTool("b".into())), [""; 0]);
    assert_eq!(recorded(Action::GetPrompt("a".into())), [""; 0]);
    let unknown = json!({ "tools": { "a": [] }, "record": { "A": ["path"] } });
    let error = crate::support::read_policy(unknown).unwrap_err().to_string();
    assert!(error.contains("[record] \"A\" has no rule"), "{error}");
}
