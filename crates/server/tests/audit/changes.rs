//! One record for each command that changed something.

use std::{fs, net::TcpListener};

use auth_core::audit::{Change, Digest, Entry};
use serde_json::{Value, json};

use crate::world::World;

const COMMANDS: &str = "audit-commands.jsonl";
const POLICY: &str = include_str!("../../policy.toml");

/// The changes in a log.
fn changes(world: &World, log: &str) -> Vec<Change> {
    let changes = world.records(log).into_iter().filter_map(|line| match line.entry {
        Entry::Change(change) => Some(*change),
        _ => None,
    });
    changes.collect()
}

#[tokio::test]
async fn what_is_in_force_after_a_reload_and_a_stop_are_recorded_and_a_refused_reload_is_not() {
    let mut world = World::new();
    let admin = format!("127.0.0.1:{}", testkit::free_port().unwrap());
    fs::write(world.path("policy.toml"), POLICY).unwrap();
    world.set("POLICY_FILE", "policy.toml");
    world.set("ADMIN_BIND", &admin);
    let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let ask = |path: &str| http.post(format!("http://{admin}{path}")).send();
    world.start();
    let changed = format!("{POLICY}# changed\n");
    for (text, status) in [("no policy", 409), (changed.as_str(), 200)] {
        fs::write(world.path("policy.toml"), text).unwrap();
        assert_eq!(ask("/reload").await.unwrap().status(), status, "{}", world.log());
    }
    world.stop();
    world.start();
    assert_eq!(ask("/drain").await.unwrap().status(), 202);
    world.ends();
    let [reload, stop, drain] = <[_; 3]>::try_from(changes(&world, "audit.jsonl")).unwrap();
    // It may have been seen before it was asked for.
    assert!(["an operator", "a change of the files"].contains(&reload.by.as_str()), "{reload:?}");
    let digest = Digest::of(changed.as_bytes()).to_string();
    let texts = |it: &Change| (it.command.clone(), it.object.clone(), it.detail.clone());
    assert_eq!(texts(&reload), ("reload".into(), Some("policy".into()), Some(digest)));
    for (change, how) in [(stop, "a signal"), (drain, "POST /drain")] {
        assert_eq!(change.by, "an operator");
        assert_eq!(texts(&change), ("drain".into(), None, Some(how.into())));
    }
    drop(world.run(&["audit", "show", "--action", "reload"]).expect(0).has(&["policy"]));
}

#[test]
fn a_change_has_the_issuer_of_its_user_and_who_called_sudo() {
    let world = World::new();
    let add = ["users", "add", "carol", "--issuer", "https://other.example"];
    drop(world.run_with(&[("SUDO_USER", "alice")], &add).expect(0));
    let change = changes(&world, COMMANDS).pop().unwrap();
    assert_eq!(change.issuer.as_deref(), Some("https://other.example"));
    assert!(change.by.ends_with(" (sudo by alice)"), "{}", change.by);
    let events = world.run(&["audit", "export", "--format", "ocsf"]).expect(0).out;
    let event: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(event["unmapped"]["issuer"], "https://other.example");
    assert_eq!(event["unmapped"]["sudo_by"], "alice");
    assert!(!event["src_endpoint"]["name"].as_str().unwrap().contains("sudo"), "{event}");
}

#[test]
fn what_the_gateway_accepts_is_recorded_with_the_digest_of_the_lock_file() {
    let world = World::new();
    fs::write(world.path("notes.sh"), include_str!("../commands/notes.sh")).unwrap();
    let tool = r#"[{"name":"get_note","description":"Reads"}]"#;
    fs::write(world.path("tools.json"), tool).unwrap();
    let server = ["--", "sh", "notes.sh"];
    let digest = || Digest::of(&fs::read(world.path("notes.lock.json")).unwrap()).to_string();
    drop(world.run(&[&["upstreams", "accept", "notes"][..], &server].concat()).expect(0));
    let first = digest();
    // It accepts, and then cannot listen.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let gateway = ["--bind", &bind, "gateway", "--name", "notes", "--accept"];
    drop(world.run(&[&gateway[..], &server].concat()).expect(3));
    let second = digest();
    assert_ne!(first, second);
    let found: Vec<_> = changes(&world, COMMANDS)
        .into_iter()
        .map(|it| [Some(it.command), it.object, it.detail].map(Option::unwrap_or_default))
        .collect();
    let change = |command: &str, digest| [command.to_owned(), "notes".to_owned(), digest];
    let accepted = [change("upstreams accept", first), change("gateway --accept", second)];
    assert_eq!(found[1..], accepted);
}

#[test]
fn commands_that_change_something_are_recorded_and_no_others() {
    let world = World::new();
    for command in [
        &["users", "add", "carol", "--role", "user"][..],
        &["users", "grant", "carol", "admin", "--until", "1h"],
        &["users", "code", "carol"],
        &["users", "remove", "carol", "--yes"],
        &["tokens", "revoke", "5yPq0Zr1Q2mXn8sV3kWbTA", "--until", "1d"],
        &["tokens", "revoke", "--user", "alice"],
    ] {
        drop(world.run(command).expect(0));
    }
    for command in [
        &["users", "list"][..],
        &["users", "show", "alice"],
        &["users", "changes"],
        &["tokens", "list"],
        &["clients", "list"],
        &["grants", "list"],
        &["policy", "check"],
        &["audit", "verify"],
    ] {
        drop(world.run(command).expect(0));
    }
    // What failed has changed nothing.
    drop(world.run(&["users", "disable", "nobody"]).expect(5));
    let changes = changes(&world, COMMANDS);
    let texts: Vec<_> = changes
        .iter()
        .map(|it| [Some(&it.command), it.object.as_ref(), it.detail.as_ref()])
        .map(|it| it.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" "))
        .collect();
    let wanted = [
        "init",
        "users add carol user",
        "users grant carol admin",
        "users code carol",
        "users remove carol",
        "tokens revoke 5yPq0Zr1Q2mXn8sV3kWbTA",
        "tokens revoke --user alice",
    ];
    assert_eq!(texts, wanted);
    assert!(changes.iter().all(|change| change.by.contains('@')));
    let of_users = |it: &&Change| it.command.starts_with("users") || it.command.ends_with("--user");
    let own = Some("http://localhost:8000");
    assert!(changes.iter().filter(of_users).all(|it| it.issuer.as_deref() == own), "{changes:?}");
    assert!(changes.iter().filter(|it| !of_users(it)).all(|it| it.issuer.is_none()));
    world.run(&["audit", "verify"]).expect(0).has(&["ok: audit-commands.jsonl"]);
}

#[tokio::test]
async fn changes_at_the_authorization_server_are_in_the_log_of_the_server() {
    let mut world = World::with(&[("SIGN_IN", "on")]);
    world.start();
    let body = json!({ "client_name": "New", "redirect_uris": ["http://127.0.0.1/callback"] });
    assert_eq!(world.post("/register", None, &body).await, 201);
    world.stop();
    // The last one is the stop.
    let [change, _] = <[_; 2]>::try_from(changes(&world, "audit.jsonl")).unwrap();
    assert_eq!((change.by.as_str(), change.command.as_str()), ("anyone", "client register"));
    assert_eq!(change.detail.as_deref(), Some("New"));
    let id = change.object.unwrap();
    drop(world.run(&["clients", "list", "--all"]).expect(0).has(&[&id]));
    let said = world.run(&["audit", "show", "--action", "client register"]).expect(0);
    drop(said.has(&["changed", &id]));
}

#[tokio::test]
async fn questions_about_tokens_are_recorded_without_the_tokens() {
    let mut world = World::new();
    world.start();
    let token = world.token("alice", "Admin.Read");
    let asked = world.token("bob", "User.Read");
    let params = json!({ "token": asked, "tool": "get_time" });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "admin/explain", "params": params });
    for (token, status) in [(&token, 200), (&asked, 403)] {
        assert_eq!(world.post("/admin/explain", Some(token), &body).await, status);
    }
    world.stop();
    let decisions = world.decisions();
    let found = decisions.iter().map(|it| {
        let text = |at: &str| it.pointer(at).and_then(|it| it.as_str()).unwrap_or_default();
        [text("/outcome"), text("/who/subject"), text("/what/method")].join(" ")
    });
    let wanted = ["permitted alice admin/explain", "denied bob admin/explain"];
    assert_eq!(found.collect::<Vec<_>>(), wanted);
    let log = fs::read_to_string(world.path("audit.jsonl")).unwrap();
    assert!(!log.contains(&asked) && !log.contains(&token));
}

#[tokio::test]
async fn a_user_who_is_added_at_its_first_use_is_recorded_once() {
    let provision = [("UNKNOWN_USERS", "provision"), ("DEFAULT_ROLES", "user")];
    let mut world = World::with(&provision);
    world.start();
    let token = world.token("dave", "User.Read");
    let (one, two) = tokio::join!(world.call(Some(&token)), world.call(Some(&token)));
    assert_eq!((one.as_u16(), two.as_u16()), (200, 200));
    world.stop();
    // The last one is the stop.
    let [change, _] = <[_; 2]>::try_from(changes(&world, "audit.jsonl")).unwrap();
    assert_eq!(change.by, "issuer http://localhost:8000");
    assert_eq!(change.command, "users add");
    assert_eq!(change.object.as_deref(), Some("dave"));
    assert_eq!(change.issuer.as_deref(), Some("http://localhost:8000"));
    assert_eq!(change.detail.as_deref(), Some("user"));
    let said = world.run(&["audit", "show", "--user", "dave", "--action", "users add"]);
    drop(said.expect(0).has(&["changed", "issuer http://localhost:8000"]));
}
