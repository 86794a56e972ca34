//! Passwords, codes, links, clients and grants.

use std::time::Duration;

use auth_core::{NumericDate, oauth::SecretDigest};
use directory::{
    AnyDirectory, Directory, UserName,
    authorization::{AuthorizationStore, NewSession},
};

use crate::world::World;

#[test]
fn a_code_and_a_link_are_printed_with_their_end() {
    let world = World::new();
    let code = world.json(&["users", "code", "alice"]);
    assert_eq!((&code["subject"], &code["what"]), (&"alice".into(), &"code".into()));
    assert_eq!(code["code"].as_str().unwrap().len(), "WDJB-MJHT-BCDF".len());
    assert_eq!(code["sign_in"], "http://localhost:8000/sign-in");
    assert!(code["expires_at"].is_i64());
    world.run(&["users", "code", "alice"]).expect(0).has(&["Code ", "User ", "alice", "Until "]);

    let link = world.json(&["users", "link", "bob"]);
    let url = link["link"].as_str().unwrap();
    assert!(url.starts_with("http://localhost:8000/sign-in/link?token="), "{url}");
    world.run(&["users", "link", "bob"]).expect(0).has(&["http://localhost:8000/sign-in/link?"]);

    for verb in ["code", "link"] {
        world.run(&["users", verb, "nobody"]).expect(5).has(&["no user", "users list"]);
    }
}

#[test]
fn a_password_is_read_and_never_shown() {
    let world = World::new();
    let set = |subject: &str, password: &str| {
        world.run_reading(&["users", "password", subject, "--stdin"], password)
    };
    let done = set("alice", "correct horse battery staple\n").expect(0);
    let done = done.has(&["alice has a new password"]);
    assert!(!done.out.contains("horse") && !done.err.contains("horse"));
    set("alice", "short\n").expect(2).has(&["at least 15 characters"]);
    set("alice", "\n").expect(2);
    set("nobody", "correct horse battery staple\n").expect(5);
    // Without a terminal there is none to type it on.
    world.run(&["users", "password", "alice"]).expect(2).has(&["--stdin"]);
    let removed = world.json(&["users", "password", "alice", "--remove"]);
    assert_eq!(
        (&removed["what"], &removed["sessions_ended"]),
        (&"remove-password".into(), &0.into())
    );
    world.run(&["users", "second-factor", "reset", "alice"]).expect(2).has(&["--yes"]);
    world
        .run(&["users", "second-factor", "reset", "alice", "--yes"])
        .expect(0)
        .has(&["alice had no second factor"]);
}

/// Begins two sessions of alice and one of bob, and says how many each has after `args`.
fn sessions_after(world: &World, args: &[&str], input: &str) -> (Option<u64>, [usize; 2]) {
    let url = format!("sqlite://{}", world.path("data/directory.db").display());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let now = NumericDate::from_secs(1_800_000_000).unwrap();
    let (store, names) = runtime.block_on(async {
        let directory = AnyDirectory::open(&url).await.unwrap();
        let known = directory.list().await.unwrap();
        let whom = |subject: &str| {
            let user = known.iter().find(|user| user.subject().as_str() == subject).unwrap();
            UserName::new(user.issuer(), user.subject())
        };
        let names = [whom("alice"), whom("bob")];
        let store = AuthorizationStore::new(directory);
        for (byte, user) in (0_u8..).zip([&names[0], &names[0], &names[1]]) {
            let mut digest = [byte; 32];
            getrandom::fill(&mut digest).unwrap();
            let session = NewSession {
                id: auth_core::base64url::encode(digest),
                digest: SecretDigest::from_bytes(digest),
                user: user.clone(),
                method: "password".parse().unwrap(),
                user_agent: String::new(),
                created_at: now,
                expires_at: now.plus(Duration::from_hours(1)),
            };
            assert!(store.begin_browser_session(&session).await.unwrap());
        }
        (store, names)
    });
    let said = world.run_reading(&[args, &["--output", "json"]].concat(), input).expect(0);
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let left = names.map(|user| {
        let left = runtime.block_on(store.browser_sessions(&user, now));
        runtime.block_on(store.end_browser_sessions_of(&user, None, None)).unwrap();
        left.unwrap().len()
    });
    runtime.block_on(store.users().close());
    (said.get("sessions_ended").and_then(serde_json::Value::as_u64), left)
}

#[test]
fn what_changes_how_a_user_signs_in_ends_all_sessions_of_that_user_alone() {
    let world = World::new();
    for (args, input) in [
        (&["users", "password", "alice", "--stdin"][..], "correct horse battery staple\n"),
        (&["users", "password", "alice", "--remove"], ""),
        (&["users", "second-factor", "reset", "alice", "--yes"], ""),
        (&["tokens", "revoke", "--user", "alice"], ""),
    ] {
        assert_eq!(sessions_after(&world, args, input), (Some(2), [0, 1]), "{args:?}");
    }
    assert_eq!(sessions_after(&world, &["users", "code", "alice"], ""), (None, [2, 1]));
}

#[test]
fn a_client_is_added_shown_and_removed_and_its_secret_is_printed_once() {
    let world = World::new();
    let add = ["clients", "add", "--name", "Team chat", "--redirect-uri"];
    let added = world.json(
        &[&add[..], &["https://chat.example/cb", "--auth-method", "client_secret_basic"]].concat(),
    );
    let (id, secret) =
        (added["client_id"].as_str().unwrap(), added["client_secret"].as_str().unwrap());
    assert_eq!(secret.len(), 43);
    assert_eq!(added["added_by"], "operator");
    for args in [&["clients", "list"][..], &["clients", "show", id], &["clients", "list", "--all"]]
    {
        let said = world.run(args).expect(0).has(&[id, "Team chat", "client_secret_basic"]);
        assert!(!said.out.contains(secret), "{}", said.out);
    }
    let shown = world.json(&["clients", "show", id]);
    assert_eq!(shown["redirect_uris"], serde_json::json!(["https://chat.example/cb"]));
    assert!(shown.get("client_secret").is_none());
    world.run(&["clients", "remove", id]).expect(2).has(&["--yes"]);
    world.run(&["clients", "remove", id, "--yes"]).expect(0).has(&["is removed"]);
    world.run(&["clients", "remove", id, "--yes"]).expect(5).has(&["no client"]);
    world.run(&["clients", "show", id]).expect(5).has(&["clients list --all"]);

    // A public client has no secret.
    let public = world.json(&[&add[..], &["http://127.0.0.1/cb"]].concat());
    assert!(public.get("client_secret").is_none());
    assert_eq!(public["token_endpoint_auth_method"], "none");
}

#[test]
fn a_client_that_acts_for_itself_is_a_user() {
    let world = World::new();
    let add = ["clients", "add", "--name", "Nightly", "--grant", "client_credentials"];
    let id = ["--id", "nightly", "--role", "user"];
    world.run(&[&add[..], &id].concat()).expect(0).has(&["Secret", "not shown again", "nightly"]);
    world.run(&["users", "show", "nightly"]).expect(0).has(&["Nightly", "user"]);
    world.run(&[&add[..], &id].concat()).expect(5).has(&["there is a client"]);
    world.run(&add).expect(0).has(&["users add"]);
}

#[test]
fn what_makes_no_client_is_an_error_and_adds_nothing() {
    let world = World::new();
    let add = |more: &[&str]| world.run(&[&["clients", "add", "--name", "X"][..], more].concat());
    let here = ["--redirect-uri", "https://x.example/cb"];
    add(&[]).expect(2).has(&["redirect URI"]);
    add(&["--redirect-uri", "http://x.example/cb"]).expect(2);
    add(&[&here[..], &["--redirect-uri", "http://x.example/cb"]].concat())
        .expect(2)
        .has(&["http://x.example/cb", "cannot be used"]);
    add(&[&here[..], &["--role", "user"]].concat()).expect(2).has(&["client_credentials"]);
    add(&["--grant", "client_credentials", "--role", "king"]).expect(2).has(&["no role"]);
    add(&["--grant", "client_credentials", "--auth-method", "none"]).expect(2);
    add(&["--introspect", "--auth-method", "none"]).expect(2).has(&["--introspect"]);
    add(&["--grant", "password"]).expect(2);
    add(&[&here[..], &["--auth-method", "private_key_jwt"]].concat()).expect(2).has(&["--keys"]);
    assert_eq!(world.json(&["clients", "list", "--all"]), serde_json::json!([]));
}

#[test]
fn a_client_introspects_tokens_of_others_only_if_it_was_added_so() {
    let world = World::new();
    let api = world.json(&["clients", "add", "--name", "Orders API", "--introspect"]);
    assert_eq!(api["introspects"], true);
    assert_eq!(api["grant_types"], serde_json::json!(["client_credentials"]));
    assert!(api["client_secret"].is_string());
    world.run(&["clients", "show", api["client_id"].as_str().unwrap()]).expect(0).has(&[
        "Introspects",
        "tokens of all clients",
        "client_secret_basic",
    ]);
    let add = ["clients", "add", "--name", "X", "--redirect-uri", "https://x.example/cb"];
    let both = world.json(&[&add[..], &["--introspect"]].concat());
    assert_eq!(both["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(both["redirect_uris"], serde_json::json!(["https://x.example/cb"]));
    assert_eq!(world.json(&add)["introspects"], false);
}

#[test]
fn grants_that_are_not_there_are_not_ended() {
    let world = World::new();
    assert_eq!(world.json(&["grants", "list", "--all"]), serde_json::json!([]));
    world.run(&["grants", "list", "--user", "alice"]).expect(0).has(&["GRANT", "CLIENT"]);
    let id = "AAAAAAAAAAAAAAAAAAAAAA";
    world.run(&["grants", "revoke", id]).expect(5).has(&["no grant", "grants list"]);
    world.run(&["grants", "revoke", "x"]).expect(2);
    world.run(&["grants", "revoke"]).expect(2);
    let ended = world.json(&["grants", "revoke", "--user", "alice"]);
    assert_eq!((&ended["grants_ended"], &ended["tokens_revoked"]), (&0.into(), &0.into()));
}

#[test]
fn the_keys_are_made_for_their_owner_when_the_server_first_starts() {
    let world = World::new();
    assert!(!world.path("data/keys").exists());
    // It ends because the address cannot be used, which is known after the keys.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.run(&["--bind", &address]).expect(3);
    assert!(world.path("data/keys/jwks.json").exists());
    let off = World::new();
    let said = off.run(&["config", "check"]).expect(0);
    let both = "ok: protected: ES256/HS256 tokens of http://localhost:8000 for ";
    assert!(said.out.starts_with(both), "{}", said.out);
    assert!(!off.path("data/keys").exists());
    let settings = std::fs::read_to_string(off.path(".env")).unwrap() + "\nSIGN_IN=off\n";
    std::fs::write(off.path(".env"), settings).unwrap();
    let said = off.run(&["config", "check"]).expect(0);
    assert!(said.out.starts_with("ok: protected: HS256 tokens of http://"), "{}", said.out);
}
