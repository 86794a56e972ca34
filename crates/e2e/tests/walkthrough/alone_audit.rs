//! The audit log of the authorization server alone, beside that of a server with the same settings.

use std::fs;

use serde_json::Value;

use crate::{alone::Alone, world::World};

/// What a person does who signs in with a code, and the client of that person; and the stop.
const WANTED: [&str; 5] = ["client register", "sign-in", "access allow", "token issue", "drain"];

/// The changes that are recorded in a file: who, and what.
fn changes(world: &World, name: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(world.path(name)).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let changes = records.filter(|record| record["kind"] == "change");
    let text = |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let text = |record: Value| (text(&record, "by"), text(&record, "command"));
    changes.map(text).collect()
}

/// A one-time code of alice.
fn code(world: &World, env: &[(&str, &str)]) -> String {
    let code = ["users", "code", "alice", "--output", "json"];
    let printed = world.run_with("server", &code, env).expect_code(0).out;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    printed["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_does_at_the_authorization_server_alone_is_recorded_beside_the_server() {
    let port = testkit::free_port().unwrap();
    let issuer = format!("http://localhost:{port}");
    let world = World::empty();
    let keygen = ["keygen", "--alg", "ES256", "--out", "audit.pem"];
    world.run("mint-token", &keygen).expect_code(0);
    let audit = [("AUDIT_FILE", "audit.jsonl"), ("AUDIT_KEY_FILE", "audit.pem")];
    let of_issuer = [&audit[..], &[("JWT_ISSUER", issuer.as_str())]].concat();
    world.run_with("server", &["init"], &of_issuer).expect_code(0);
    fs::remove_file(world.path(".env")).unwrap();
    let alone = Alone::start(&world, port, &audit);
    let keys = world.path("data/keys/jwks.json");
    let keys = keys.to_str().unwrap();
    let of_server = [&of_issuer[..], &[("SIGN_IN", "off"), ("JWT_KEY_FILE", keys)]].concat();
    let server = world.start(&[], &of_server);
    let token = alone.sign_in(&code(&world, &of_server)).await;

    // It has one writer.
    let second = ["serve", "--bind", "127.0.0.1:0"];
    let said = world.run_with("mint-token", &second, &of_issuer).expect_code(1);
    said.expect_err(&["audit-issuer.jsonl", "another process"]);
    assert_eq!(alone.terminate(), Some(0));
    assert_eq!(server.terminate(), Some(0));
    let found = changes(&world, "audit-issuer.jsonl");
    let commands: Vec<_> = found.iter().map(|(_, command)| command.as_str()).collect();
    assert_eq!(commands, WANTED);
    let by: Vec<_> = found.iter().map(|(by, _)| by.split(' ').next().unwrap()).collect();
    assert_eq!(by, ["anyone", "user", "user", "client", "an"]);
    let stop = ("an operator".to_owned(), "drain".to_owned());
    assert_eq!(changes(&world, "audit.jsonl"), [stop]);
    let log = fs::read_to_string(world.path("audit-issuer.jsonl")).unwrap();
    assert!(!log.contains(&token), "{log}");

    // The verifier of the server knows it, with its head.
    let verify = || world.run_with("server", &["audit", "verify"], &of_server);
    let files = ["ok: audit.jsonl", "ok: audit-commands.jsonl", "ok: audit-issuer.jsonl"];
    let said = verify().expect_code(0).expect_out(&files);
    assert_eq!(said.out.matches("which the database knows").count(), 3, "{}", said.out);
    let show = ["audit", "show", "--user", "alice"];
    let said = world.run_with("server", &show, &of_server).expect_code(0);
    said.expect_out(&["access allow", "sign-in alice code"]);

    // One that was cut off is found, and not gone on with.
    let path = world.path("audit-issuer.jsonl");
    fs::write(&path, log.lines().next().unwrap().to_owned() + "\n").unwrap();
    verify().expect_code(10).expect_err(&["audit-issuer.jsonl", "the log was cut off"]);
    let said = world.run_with("mint-token", &second, &of_issuer).expect_code(1);
    said.expect_err(&["audit-issuer.jsonl was cut off or replaced"]);
    fs::write(&path, &log).unwrap();
    verify().expect_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authorization_server_alone_and_the_server_record_the_same_of_a_sign_in() {
    let port = testkit::free_port().unwrap();
    let issuer = format!("http://localhost:{port}");
    let resource = format!("{issuer}/mcp");
    let world = World::empty();
    let keygen = ["keygen", "--alg", "ES256", "--out", "audit.pem"];
    world.run("mint-token", &keygen).expect_code(0);
    let env = [
        ("AUDIT_FILE", "audit.jsonl"),
        ("AUDIT_KEY_FILE", "audit.pem"),
        ("JWT_ISSUER", issuer.as_str()),
        ("MCP_RESOURCE", resource.as_str()),
    ];
    world.run_with("server", &["init"], &env).expect_code(0);
    let bind = format!("127.0.0.1:{port}");
    let server = world.start_at(&bind, &[], &env);
    let mut browser = Alone::at(&issuer, port);
    browser.resource = resource.clone();
    browser.sign_in(&code(&world, &env)).await;
    assert_eq!(server.terminate(), Some(0));
    let found = changes(&world, "audit.jsonl");
    let commands: Vec<_> = found.iter().map(|(_, command)| command.as_str()).collect();
    assert_eq!(commands, WANTED);
}
