//! What a server with a URL sees of its callers, and what it can check.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::{
    AccessToken, Claims, Clock, Jwks, KeySet, SystemClock, TokenVerifier, TrustedIssuer,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    notes::Notes,
    world::{Running, World},
};

const ISSUER: &str = "http://localhost:8000";
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_note","arguments":{}}}"#;

/// A world whose gateway serves `notes` as its section says.
fn world(notes: &Notes, section: &str) -> World {
    let world = World::ready();
    let url = &notes.url;
    let text = format!("[upstreams.notes]\nurl = \"{url}\"\npath = \"/mcp\"\n{section}");
    fs::write(world.path("bartizan.toml"), text).unwrap();
    world
}

fn secret(world: &World, name: &str, text: &str) {
    let path = world.path(name);
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Makes a token of `user` the client's; returns its text.
fn sign_in(world: &World, user: &str) -> String {
    let args = ["--sub", user, "--scope", "notes:read notes:write"];
    world.run("mint-token", &[&args[..], &["--save"]].concat()).expect_code(0);
    world.run("mint-token", &args).expect_code(0).out.trim().to_owned()
}

/// The requests with this text, each with its head.
fn requests(received: &str, text: &str) -> Vec<String> {
    let requests = received.split("POST /mcp ").skip(1).filter(|it| it.contains(text));
    requests.map(str::to_owned).collect()
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let lines = request.split("\r\n\r\n").next()?.lines();
    let mut pairs = lines.filter_map(|line| line.split_once(": "));
    pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn bearer(request: &str) -> String {
    header(request, "authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

/// The keys that the gateway publishes, as a server would fetch them.
fn published(server: &Running) -> KeySet {
    let origin = server.url.strip_suffix("/mcp").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let text = runtime.block_on(async {
        let answer = reqwest::get(format!("{origin}/jwks.json")).await.unwrap();
        answer.text().await.unwrap()
    });
    Jwks::parse(&text).unwrap().keys.into_iter().collect()
}

/// What a token says, if it is one of the issuer's for `audience`.
fn verified(token: &str, audience: &str, keys: &KeySet) -> Result<Claims, String> {
    let issuer = TrustedIssuer::new(ISSUER.parse().unwrap(), keys.clone());
    let verifier = TokenVerifier::new(audience.parse().unwrap()).trust(issuer);
    let token: AccessToken = token.parse().unwrap();
    verifier.verify(&token, SystemClock.now()).map_err(|error| error.to_string())
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn a_minted_token_says_who_calls_and_what_the_action_needs() {
    let notes = Notes::start();
    let world = world(
        &notes,
        "credentials = \"minted\"\nidentity = { subject = \"X-User\", client = \"X-Client\" }\n",
    );
    world.run("server", &["config", "check"]).expect_code(0);
    world.run("server", &["upstreams", "accept", "notes"]).expect_code(0);
    let server = world.start(&["gateway"], &[]);
    let keys = published(&server);

    // The gateway itself has listed.
    let listed = requests(&notes.received(), "tools/list");
    let own = verified(&bearer(&listed[0]), &notes.url, &keys).unwrap();
    assert_eq!(own.subject().as_str(), "http://localhost:8000/mcp");
    assert!(own.scopes().is_empty());
    assert!(part(&bearer(&listed[0]), 1).get("act").is_none());
    assert_eq!(header(&listed[0], "x-user"), None);

    let alice = sign_in(&world, "alice");
    world.client(&server, &["call", "put_note"]).expect_code(0);
    world.client(&server, &["call", "put_note"]).expect_code(0);
    let calls = requests(&notes.received(), "\"tools/call\"");
    let token = bearer(&calls[0]);
    let claims = verified(&token, &notes.url, &keys).unwrap();
    assert_eq!(claims.subject().as_str(), "alice");
    // What the rule of this tool needs; the caller has more.
    assert_eq!(claims.scopes().to_string(), "notes:write");
    let (head, body) = (part(&token, 0), part(&token, 1));
    assert_eq!((head["typ"].as_str(), head["alg"].as_str()), (Some("at+jwt"), Some("ES256")));
    assert_eq!(body["act"]["sub"], "http://localhost:8000/mcp");
    assert!(body["client_id"].is_string() && body["jti"].is_string(), "{body}");
    assert_eq!(body["exp"].as_i64().unwrap() - body["iat"].as_i64().unwrap(), 60);
    assert_eq!(header(&calls[0], "x-user"), Some("alice"));
    assert_eq!(header(&calls[0], "x-client"), body["client_id"].as_str());
    // One signature serves both, and it is worth nothing at the gateway.
    assert_eq!(bearer(&calls[1]), token);
    assert!(verified(&token, "http://localhost:8000/mcp", &keys).is_err());

    let bob = sign_in(&world, "bob");
    world.client(&server, &["call", "get_note"]).expect_code(0);
    let call = requests(&notes.received(), "\"tools/call\"").pop().unwrap();
    let claims = verified(&bearer(&call), &notes.url, &keys).unwrap();
    assert_eq!(
        (claims.subject().as_str(), claims.scopes().to_string()),
        ("bob", "notes:read".into())
    );

    // What a caller says of itself is not passed on.
    session(&server, &bob);
    let call = requests(&notes.received(), "\"tools/call\"").pop().unwrap();
    assert_eq!(header(&call, "x-user"), Some("bob"));
    assert_eq!(call.to_lowercase().matches("x-user").count(), 1);
    let claims = verified(&bearer(&call), &notes.url, &keys).unwrap();
    assert_eq!(
        (claims.subject().as_str(), claims.scopes().to_string()),
        ("bob", "notes:read".into())
    );
    // The session began on behalf of its caller, with no scope.
    let began = requests(&notes.received(), "\"initialize\"").pop().unwrap();
    let claims = verified(&bearer(&began), &notes.url, &keys).unwrap();
    assert_eq!((claims.subject().as_str(), claims.scopes().is_empty()), ("bob", true));
    for token in [alice, bob] {
        let signature = token.rsplit('.').next().unwrap();
        assert!(!notes.received().contains(signature));
    }
}

/// A session of the old generation and a call in it, with headers that forge an identity.
fn session(server: &Running, token: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::new();
        let post = async |session: Option<&str>, body: &'static str| {
            let request = client.post(&server.url).bearer_auth(token).body(body);
            let request = request.header("content-type", "application/json");
            let request = request.header("accept", "application/json, text/event-stream");
            let request = request.header("x-user", "admin").header("X-Client", "forged");
            let pairs = session.map(|id| ("mcp-session-id", id));
            pairs.into_iter().fold(request, |it, (name, id)| it.header(name, id)).send().await
        };
        let begun = post(None, INITIALIZE).await.unwrap();
        let id = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        begun.text().await.unwrap();
        let said = post(Some(&id), CALL).await.unwrap().text().await.unwrap();
        assert!(said.contains("noted over HTTP"), "{said}");
    });
}

/// A token endpoint that gives each request another token, and keeps what it got.
struct Endpoint {
    url: String,
    received: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// It ends with the test.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<String>>>::default();
        let all = Arc::clone(&received);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let (mut text, mut bytes) = (String::new(), [0; 4096]);
                while !is_whole(&text) {
                    let Ok(length @ 1..) = stream.read(&mut bytes) else { break };
                    text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
                }
                let mut all = all.lock().unwrap();
                all.push(text);
                let body = format!(
                    r#"{{"access_token":"given-{}","token_type":"Bearer","expires_in":300}}"#,
                    all.len()
                );
                let head = "content-type: application/json\r\nconnection: close";
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
                );
            }
        });
        Self { url, received }
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

#[test]
fn a_token_endpoint_never_sees_the_token_of_a_caller() {
    for kind in ["client", "exchange"] {
        let (notes, endpoint) = (Notes::start(), Endpoint::start());
        let url = &endpoint.url;
        let world = world(
            &notes,
            &format!(
                "credentials = \"{kind}\"\ntoken_endpoint = \"{url}\"\nclient_id = \"gate\"\nsecret_file = \"gate.key\"\n"
            ),
        );
        secret(&world, "gate.key", "s3cret-of-gate\n");
        let said = world.run("server", &["upstreams", "accept", "notes"]).expect_code(0);
        assert!(!said.out.contains("s3cret") && !said.err.contains("s3cret"));
        let server = world.start(&["gateway"], &[]);
        let at_start = endpoint.received().len();
        let alice = sign_in(&world, "alice");
        world.client(&server, &["call", "put_note"]).expect_code(0);
        world.client(&server, &["call", "put_note"]).expect_code(0);
        let calls = requests(&notes.received(), "\"tools/call\"");
        assert!(bearer(&calls[0]).starts_with("given-"));
        assert_eq!(bearer(&calls[0]), bearer(&calls[1]));
        let asked = endpoint.received();
        // `gate:s3cret-of-gate`
        let basic = "basic z2f0ztpzm2nyzxqtb2ytz2f0zq==";
        assert!(asked.iter().all(|it| it.to_lowercase().contains(basic)), "{asked:?}");
        if kind == "client" {
            // One for the gateway that runs, for all callers.
            assert_eq!(asked.len(), at_start + 1, "{asked:?}");
            assert!(asked.iter().all(|it| it.contains("grant_type=client_credentials")));
        } else {
            let last = asked.last().unwrap();
            let subject = last.split("subject_token=").nth(1).unwrap().split('&').next().unwrap();
            let claims = verified(subject, &endpoint.url, &published(&server)).unwrap();
            assert_eq!(claims.subject().as_str(), "alice");
            assert_eq!(claims.scopes().to_string(), "notes:write");
            assert!(last.contains("scope=notes%3Awrite"), "{last}");
            assert_eq!(part(subject, 1)["act"]["sub"], "http://localhost:8000/mcp");
        }
        let signature = alice.rsplit('.').next().unwrap();
        assert!(!notes.received().contains(signature));
        assert!(!asked.concat().contains(signature));
    }
}

#[test]
fn without_a_key_nothing_is_minted() {
    let notes = Notes::start();
    let world = world(&notes, "credentials = \"minted\"\n");
    for command in [&["gateway"][..], &["upstreams", "status", "notes"], &["config", "check"]] {
        world.run_with("server", command, &[("SIGN_IN", "off")]).expect_code(2).expect_err(&[
            "bartizan.toml line 1: [upstreams.notes]: credentials: the gateway mints",
        ]);
    }
    assert!(notes.received().is_empty());
}
