//! One record for each decision, with who, what and why, and without what is nobody's business.

use std::{fs, os::unix::fs::PermissionsExt};

use auth_core::audit::{Digest, Entry};
use serde_json::{Value, json};

use crate::world::{ARGUMENT, World, eventually};

#[tokio::test]
async fn every_decision_is_recorded_without_token_secret_or_argument() {
    let mut world = World::new();
    world.start();
    let (admin, reader) =
        (world.token("alice", "Admin.Write User.Read"), world.token("bob", "User.Read"));
    assert_eq!(world.call_tool("get_time", Some(&admin)).await, 200);
    assert_eq!(world.call_tool("get_time", Some(&reader)).await, 403);
    assert_eq!(world.call(Some(&world.token("stranger", "User.Read"))).await, 403);
    let forged = format!("{}A", &admin[..admin.len() - 1]);
    let forged = if forged == admin { format!("{}B", &admin[..admin.len() - 1]) } else { forged };
    assert_eq!(world.call(Some(&forged)).await, 401);
    assert_eq!(world.call(None).await, 401);
    world.stop();

    let text = fs::read_to_string(world.path("audit.jsonl")).unwrap();
    let env = fs::read_to_string(world.path(".env")).unwrap();
    let secret = env.lines().find_map(|line| line.strip_prefix("JWT_SECRET=")).unwrap();
    let signature = admin.rsplit('.').next().unwrap();
    for secret in [&admin, &reader, &forged, secret, signature, ARGUMENT] {
        assert!(!text.contains(secret.trim_matches(['\'', '"'])), "{secret}");
    }

    let decisions = world.decisions();
    let outcomes: Vec<_> = decisions.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    let wanted = ["permitted", "denied", "unauthenticated", "unauthenticated", "refused"];
    assert_eq!(outcomes, wanted);
    let permitted = &decisions[0];
    let issuer = "http://localhost:8000";
    assert_eq!(
        permitted["who"],
        json!({
            "issuer": issuer, "subject": "alice", "client": "a-client",
            "actors": ["agent", "first"],
        })
    );
    let arguments = Digest::of(json!({ "unused": ARGUMENT }).to_string().as_bytes());
    assert_eq!(permitted["what"]["method"], "tools/call");
    assert_eq!(permitted["what"]["target"], "get_time");
    assert_eq!(permitted["what"]["arguments"], json!(arguments));
    assert_eq!(permitted["policy"], json!(Digest::of(server::BUILT_IN.as_bytes())));
    assert_eq!(permitted["trace"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(permitted["address"], "127.0.0.1");
    assert_eq!(permitted["request"].as_str().unwrap().len(), 16);
    assert_eq!(decisions[1]["who"]["subject"], "bob");
    assert!(decisions[1]["reason"].as_str().unwrap().contains("Admin.Write"));
    assert_eq!(decisions[2]["who"]["subject"], "stranger");
    assert_eq!(decisions[2]["reason"], "the user does not exist");
    assert!(decisions[3].get("who").is_none(), "who it says it is was not proven");

    // It begins with the start, and ends signed.
    let records = world.records("audit.jsonl");
    assert!(matches!(records.first().unwrap().entry, Entry::Start { .. }));
    assert!(matches!(records.last().unwrap().entry, Entry::Checkpoint { .. }));
    world.run(&["audit", "verify"]).expect(0).has(&["ok: audit.jsonl: 8 records, 1 to 8"]);
}

#[tokio::test]
async fn standard_output_has_a_copy_that_verifies() {
    let mut world = World::with(&[("AUDIT_STDOUT", "on")]);
    world.start();
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    world.stop();
    let text = world.rest_of_stdout();
    let copy: String = text.split_inclusive('\n').filter(|line| line.starts_with('{')).collect();
    assert!(copy.contains("tools/call"), "{text}");
    assert!(fs::read_to_string(world.path("audit.jsonl")).unwrap().ends_with(&copy));
    fs::write(world.path("copy.jsonl"), copy).unwrap();
    drop(world.run(&["audit", "verify", "copy.jsonl", "--partial"]).expect(0));
    // Commands print there what they are for.
    drop(world.run(&["users", "disable", "bob"]).expect(0).lacks("\"seq\""));
    // A reader that has gone is no reason to refuse a call.
    drop(world.run(&["users", "enable", "bob"]).expect(0));
    world.start();
    world.close_stdout();
    assert_eq!(world.call(Some(&token)).await, 200);
    eventually(|| world.log().contains("The copy of the audit log cannot be written"));
    assert_eq!(world.call(Some(&token)).await, 200);
    world.stop();
    drop(world.run(&["audit", "verify"]).expect(0));
}

#[tokio::test]
async fn a_reader_of_the_copy_that_reads_nothing_costs_the_file_no_record() {
    let mut world = World::with(&[("AUDIT_STDOUT", "on")]);
    world.start();
    let token = world.token("bob", "User.Read");
    // More than the pipe holds.
    for _ in 0..200 {
        assert_eq!(world.call(Some(&token)).await, 200);
    }
    world.stop();
    assert_eq!(world.decisions().len(), 200);
    assert!(world.log().contains("The copy of the audit log lacks its last records"));
    drop(world.run(&["audit", "verify"]).expect(0));
}

#[tokio::test]
async fn the_value_of_an_argument_is_recorded_where_the_policy_names_it() {
    let policy = format!("{}\n[record]\nwhoami = [\"unused\"]\n", server::BUILT_IN);
    let mut world = World::new();
    fs::write(world.path("policy.toml"), policy).unwrap();
    let env = fs::read_to_string(world.path(".env")).unwrap();
    fs::write(world.path(".env"), format!("{env}\nPOLICY_FILE=policy.toml\n")).unwrap();
    world.start();
    let token = world.token("alice", "Admin.Write User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    assert_eq!(world.call_tool("get_time", Some(&token)).await, 200);
    world.stop();
    let [named, other] = world.decisions().try_into().unwrap();
    let json = json!(ARGUMENT).to_string();
    assert_eq!(named["what"]["values"], json!([{ "name": "unused", "json": json }]));
    assert!(other["what"].get("values").is_none());
    let events = world.run(&["audit", "export", "--format", "ocsf"]).expect(0);
    drop(events.has(&[ARGUMENT]));
}

#[tokio::test]
async fn records_are_shown_filtered_and_exported() {
    let mut world = World::new();
    world.start();
    let (admin, reader) =
        (world.token("alice", "Admin.Write User.Read"), world.token("bob", "User.Read"));
    world.call_tool("get_time", Some(&admin)).await;
    world.call_tool("get_time", Some(&reader)).await;
    world.call_tool("whoami", Some(&reader)).await;
    world.stop();
    world.run(&["users", "disable", "bob"]).expect(0);

    let table = world.run(&["audit", "show"]).expect(0);
    let rows: Vec<_> = table.out.lines().collect();
    assert!(rows[0].starts_with("TIME"), "{}", table.out);
    table.has(&["permitted", "denied", "users disable bob", "tools/call get_time", "a-client"]);
    let count = |args: &[&str]| {
        let said = world.run(&[&["audit", "show", "--output", "json"], args].concat()).expect(0);
        serde_json::from_str::<Value>(&said.out).unwrap().as_array().unwrap().len()
    };
    assert_eq!(count(&["--user", "bob"]), 3);
    assert_eq!(count(&["--user", "alice"]), 1);
    assert_eq!(count(&["--action", "get_time"]), 2);
    assert_eq!(count(&["--action", "tools/call"]), 3);
    assert_eq!(count(&["--action", "tools/call whoami", "--user", "bob"]), 1);
    assert_eq!(count(&["--outcome", "denied"]), 1);
    assert_eq!(count(&["--since", "1h", "--outcome", "permitted"]), 2);
    assert_eq!(count(&["--until", "1h"]), 0);
    assert_eq!(count(&["--limit", "2"]), 2);
    world.run(&["audit", "show", "--outcome", "maybe"]).expect(2).has(&["permitted, denied"]);
    let plain = world.run(&["audit", "show", "--output", "plain", "--outcome", "denied"]).expect(0);
    assert_eq!(plain.out.lines().count(), 1);
    assert_eq!(plain.out.trim_end().split('\t').count(), 6);

    let exported = world.run(&["audit", "export", "audit.jsonl"]).expect(0).out;
    assert_eq!(exported, fs::read_to_string(world.path("audit.jsonl")).unwrap());
    let events = world.run(&["audit", "export", "--format", "ocsf"]).expect(0).out;
    let events: Vec<Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Three calls, and the stop; `init` and `users disable`.
    assert_eq!(events.len(), 6);
    for event in &events {
        // What the class API Activity and the objects in it require (OCSF 1.3.0).
        for member in ["activity_id", "category_uid", "class_uid", "severity_id", "time"] {
            assert!(event[member].is_u64(), "{member}: {event}");
        }
        assert_eq!(event["type_uid"], json!(600_300 + event["activity_id"].as_u64().unwrap()));
        assert!(event["metadata"]["version"].is_string(), "{event}");
        assert!(event["metadata"]["product"]["vendor_name"].is_string(), "{event}");
        assert!(event["api"]["operation"].is_string(), "{event}");
        assert!(event["actor"]["user"].is_object(), "{event}");
        let source = event["src_endpoint"].as_object().unwrap();
        assert!(source.contains_key("ip") || source.contains_key("name"), "{event}");
    }
    assert_eq!(events[0]["action"], "Allowed");
    assert_eq!(events[0]["actor"]["user"]["uid"], "alice");
    assert_eq!(events[0]["actor"]["app_uid"], "a-client");
    assert_eq!(events[0]["resources"], json!([{ "name": "get_time", "type": "tool" }]));
    assert_eq!(events[1]["action"], "Denied");
    assert_eq!(events[1]["status"], "Failure");
}

#[test]
fn a_log_that_cannot_be_signed_or_opened_ends_the_start() {
    let world = World::new();
    let secret = r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    fs::write(world.path("secret.json"), secret).unwrap();
    fs::set_permissions(world.path("secret.json"), fs::Permissions::from_mode(0o600)).unwrap();
    for (settings, code, texts) in [
        (&[("AUDIT_KEY_FILE", "")][..], 2, &["AUDIT_KEY_FILE: set a private key"][..]),
        (&[("AUDIT_FILE", "")], 2, &["AUDIT_KEY_FILE: set AUDIT_FILE"]),
        (&[("AUDIT_KEY_FILE", "no.pem")], 2, &["AUDIT_KEY_FILE no.pem"]),
        (&[("AUDIT_KEY_FILE", "public.pem")], 2, &["AUDIT_KEY_FILE public.pem"]),
        (&[("AUDIT_KEY_FILE", "secret.json")], 2, &["a secret has no public half"]),
        (&[("AUDIT_CHECKPOINT_RECORDS", "0")], 2, &["a whole number from 1 to 1000000"]),
        (&[("AUDIT_STDOUT", "yes")], 2, &["AUDIT_STDOUT \"yes\": write on or off"]),
        (&[("AUDIT_FILE", "no/audit.jsonl")], 2, &["there is no folder no: make it first"]),
        (&[("AUDIT_FILE", ".")], 2, &["AUDIT_FILE .: this is no regular file: name another"]),
        (&[("AUDIT_FILE", "audit.pem")], 2, &["this is the file of AUDIT_KEY_FILE: name another"]),
    ] {
        let said = world.run_with(settings, &["--bind", "127.0.0.1:0"]);
        drop(said.expect(code).has(texts));
        // Nothing is changed that cannot be recorded.
        drop(world.run_with(settings, &["users", "disable", "bob"]).expect(code));
    }
    world.run(&["users", "show", "bob"]).expect(0).has(&["active"]);
    // What is set for a log that there is not.
    for unused in [
        ("AUDIT_ROTATE_MIB", "5"),
        ("AUDIT_KEEP_FILES", "5"),
        ("AUDIT_CHECKPOINT_RECORDS", "5"),
        ("AUDIT_STDOUT", "on"),
    ] {
        let settings = [("AUDIT_FILE", ""), ("AUDIT_KEY_FILE", ""), unused];
        let said = world.run_with(&settings, &["config", "check"]).expect(2);
        drop(said.has(&[&format!("{}: set AUDIT_FILE, too", unused.0)]));
    }
    let off = [("AUDIT_FILE", ""), ("AUDIT_KEY_FILE", ""), ("AUDIT_STDOUT", "off")];
    drop(world.run_with(&off, &["config", "check"]).expect(0));
}
