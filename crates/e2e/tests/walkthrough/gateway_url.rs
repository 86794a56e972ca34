//! A server over HTTP behind the gateway, called by the client.

use std::fs;

use crate::{notes::Notes, world::World};

const CALL: &str = r#"{"jsonrpc":"2.0","id":"call-7","method":"tools/call","params":{"name":"get_note","arguments":{}}}"#;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"i-1","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Sends a body in a session, if there is one.
fn poster(url: &str, token: &str) -> impl AsyncFn(Option<&str>, &'static str) -> reqwest::Response {
    let client = reqwest::Client::new();
    async move |session, body| {
        let request = client.post(url).bearer_auth(token).body(body);
        let request = request.header("content-type", "application/json");
        let request = request.header("accept", "application/json, text/event-stream");
        let pairs = session.map(|id| ("mcp-session-id", id));
        let request = pairs.into_iter().fold(request, |it, (name, id)| it.header(name, id));
        request.send().await.unwrap()
    }
}

#[test]
fn a_server_with_a_url_is_behind_the_guard() {
    let world = World::ready();
    let notes = Notes::start();
    let about = ["--name", "notes", "--url", notes.url.as_str()];
    let gateway = |args: &[&'static str]| [&["gateway"][..], args, &about].concat();

    // A first run lists, and serves nothing.
    let said = world.run("server", &gateway(&[])).expect_code(2);
    said.expect_out(&["notes offers 2 tools", "put_note", "notes:write"])
        .expect_err(&["notes is not served until"]);
    let of = |verb| ["upstreams", verb, "notes", "--url", notes.url.as_str()];
    world.run("server", &of("status")).expect_code(2).expect_out(&["not served until"]);
    world.run("server", &of("diff")).expect_code(0).expect_out(&["nothing differs"]);
    world.run("server", &of("accept")).expect_code(0).expect_out(&["accepted 2 tools"]);
    world.run("server", &of("status")).expect_code(0).expect_out(&["as it was accepted"]);

    let server = world.start(&gateway(&[]), &[]);
    let mint = |user: &str, save: &[&str]| {
        let args = ["--sub", user, "--scope", "notes:read notes:write"];
        world.run("mint-token", &[&args[..], save].concat()).expect_code(0)
    };
    mint("alice", &["--save"]);
    let said = world.client(&server, &["call", "put_note"]).expect_code(0);
    said.expect_out(&["noted over HTTP"]);
    let calls = notes.calls();
    assert_eq!(calls, 1);
    mint("bob", &["--save"]);
    let said = world.client(&server, &["call", "put_note"]);
    assert!(said.code != Some(0) && said.err.contains("notes:write"), "{}", said.err);
    assert_eq!(notes.calls(), calls, "a refused call reaches the server");
    world.client(&server, &["call", "get_note"]).expect_code(0);

    // No byte of a token: each begins with the base64url of `{"`.
    let received = notes.received();
    assert!(received.contains("tools/call"), "{received}");
    assert!(!received.contains("eyJ"), "{received}");
    assert!(!received.to_lowercase().contains("authorization"), "{received}");

    // A server that is down is an error of its call.
    let token = mint("alice", &[]).out;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let post = poster(&server.url, token.trim());
        let begun = post(None, INITIALIZE).await;
        let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        assert!(begun.text().await.unwrap().contains("i-1"));
        post(Some(&session), INITIALIZED).await;
        let said = post(Some(&session), CALL).await.text().await.unwrap();
        assert!(said.contains("noted over HTTP") && said.contains("call-7"), "{said}");
        notes.stop();
        let said = post(Some(&session), CALL).await.text().await.unwrap();
        assert!(said.contains("\"error\"") && said.contains("\"call-7\""), "{said}");
    });
    assert_ne!(world.client(&server, &["call", "get_note"]).code, Some(0));
}

#[test]
fn a_server_that_goes_down_is_reported_until_it_is_back_and_others_are_served() {
    let world = World::ready();
    let at = testkit::free_port().unwrap();
    let (notes, other) = (Notes::start_at(at), Notes::start());
    let section = |name: &str, url: &str, path: &str| {
        format!("[upstreams.{name}]\nurl = \"{url}\"\npath = \"{path}\"\n")
    };
    let text = section("notes", &notes.url, "/mcp") + &section("other", &other.url, "/mcp/other");
    fs::write(world.path("bartizan.toml"), text).unwrap();
    for name in ["notes", "other"] {
        world.run("server", &["upstreams", "accept", name]).expect_code(0);
    }
    let server = world.start(&["gateway"], &[]);
    let args = ["--sub", "alice", "--scope", "notes:read notes:write"];
    let token = world.run("mint-token", &args).expect_code(0).out;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::new();
        let ready = async || {
            let url = server.url.replace("/mcp", "/readyz");
            let answer = client.get(url).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.text().await.unwrap()
        };
        let post = poster(&server.url, token.trim());
        let begun = post(None, INITIALIZE).await;
        let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        begun.text().await.unwrap();
        post(Some(&session), INITIALIZED).await;
        let call = async || post(Some(&session), CALL).await.text().await.unwrap();
        assert!(call().await.contains("noted over HTTP"));
        assert_eq!(ready().await, "ready\n");
        notes.stop();
        assert!(call().await.contains("\"error\""));
        let said = ready().await;
        assert!(said.starts_with("ready\nnotes: the server cannot be started or reached since "));
        assert!(said.ends_with(" (callers are served)\n") && !said.contains("other"), "{said}");
        let _back = Notes::start_at(at);
        let said = call().await;
        assert!(said.contains("noted over HTTP"), "{said}");
        assert_eq!(ready().await, "ready\n");
    });
    server.log_with("The server is available again");
}

#[test]
fn a_secret_is_presented_and_not_shown() {
    let world = World::ready();
    let notes = Notes::start();
    let secret = world.path("notes.key");
    fs::write(&secret, "k3y-of-notes\n").unwrap();
    private(&secret);
    let section = |more: &str| {
        let url = &notes.url;
        let text =
            format!("[upstreams.notes]\nurl = \"{url}\"\nsecret_file = \"notes.key\"\n{more}");
        fs::write(world.path("bartizan.toml"), text).unwrap();
    };
    section("");
    world.run("server", &["config", "check"]).expect_code(0);
    let said = world.run("server", &["upstreams", "accept", "notes"]).expect_code(0);
    assert!(!said.out.contains("k3y") && !said.err.contains("k3y"), "{} {}", said.out, said.err);
    let received = notes.received().to_lowercase();
    assert!(received.contains("authorization: bearer k3y-of-notes\r\n"), "{received}");
    section("header = \"X-Api-Key\"\n");
    world.run("server", &["upstreams", "status", "notes"]).expect_code(0);
    assert!(notes.received().to_lowercase().contains("x-api-key: k3y-of-notes\r\n"));
    fs::remove_file(&secret).unwrap();
    let said = world.run("server", &["upstreams", "status", "notes"]).expect_code(6);
    said.expect_err(&["the secret in", "notes.key"]);
}

#[test]
fn a_url_that_cannot_be_reached_is_an_error_that_names_it() {
    let world = World::ready();
    let notes = Notes::start();
    notes.stop();
    let url = format!("{}?key=k3y", notes.url);
    let said = world.run("server", &["gateway", "--url", &url]).expect_code(6);
    assert!(!said.err.contains("k3y"), "{}", said.err);
    said.expect_err(&[&format!("the server at {} cannot be reached", notes.url)]);
    world
        .run("server", &["gateway", "--url", "http://192.0.2.1/mcp"])
        .expect_code(2)
        .expect_err(&["--url: plain http is for loopback hosts only"]);
}

#[cfg(unix)]
fn private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &std::path::Path) {}
