//! Issuers that are elsewhere, from the file that names them to the answer over HTTP.

use std::{fs, sync::Arc, time::Duration};

use auth_core::{Algorithm, Clock};
use directory::{Directory, MemoryDirectory, NewUser};
use http::{StatusCode, header};
use serde_json::{Value, json};
use server::{App, Config, ConfigError, McpServer, RunArgs};
use settings::Environment;
use testkit::{Forge, ManualClock, NOW, RESOURCE, Reply, TestIssuer, TestKey, jwks};
use tokio_util::sync::CancellationToken;

use crate::harness::{Answer, call, send, stamp};

const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";

fn key() -> &'static TestKey {
    TestKey::shared(Algorithm::Es256)
}

fn resolve(file: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuers.toml");
    fs::write(&path, file).unwrap();
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let args = RunArgs { issuers: Some(path), ..RunArgs::default() };
    Config::resolve(&args, &Environment::from_pairs(pairs), &McpServer::offers())
}

/// A server that was configured by a file.
struct Configured {
    address: std::net::SocketAddr,
    clock: Arc<ManualClock>,
    issuers: bartizan::Issuers,
    http: reqwest::Client,
}

impl Configured {
    /// With `alice`, an admin of each of `issuers`, and `guest` besides.
    async fn by(file: &str, issuers: &[&TestIssuer], pairs: &[(&str, &str)]) -> Self {
        let config = resolve(file, pairs).unwrap();
        let directory = MemoryDirectory::default();
        for issuer in issuers {
            for (subject, role) in [("alice", "admin"), ("guest", "guest")] {
                let user = NewUser {
                    issuer: issuer.issuer().parse().unwrap(),
                    subject: subject.parse().unwrap(),
                    display_name: format!("{subject} of {}", issuer.issuer()),
                    roles: [role.parse().unwrap()].into(),
                };
                directory.add(user, &stamp(NOW)).await.unwrap();
            }
        }
        let clock = ManualClock::at(NOW);
        let app =
            App::new(&config, Arc::new(directory), &(clock.clone() as Arc<dyn Clock>)).unwrap();
        let issuers = app.resources[0].issuers.clone();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = app.router(&CancellationToken::new()).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { address, clock, issuers, http }
    }

    async fn call(&self, tool: &str, token: &str) -> Answer {
        let request = self.http.post(format!("http://{}/mcp", self.address));
        let request = request
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream");
        send(request.bearer_auth(token).body(call(tool))).await
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.http.get(format!("http://{}{path}", self.address))).await
    }
}

fn token(issuer: &TestIssuer, subject: &str) -> Forge {
    Forge::valid(key()).claim("iss", issuer.issuer()).claim("sub", subject)
}

fn section(issuer: &TestIssuer, members: &str) -> String {
    format!("[issuers.\"{}\"]\n{members}\n", issuer.issuer())
}

#[tokio::test]
async fn callers_of_two_issuers_are_two_people_and_the_metadata_names_both_issuers() {
    let (one, two) = (TestIssuer::start().await, TestIssuer::start().await);
    one.serve_keys(&[key()]);
    let other = TestKey::generate(Algorithm::EdDsa);
    two.serve("/jwks", Reply::json(&jwks(&[&other])));
    let file = section(&one, "preset = \"keycloak\"")
        + &section(
            &two,
            &format!("preset = \"okta\"\nkeys = {{ url = \"{}\" }}", two.url("/jwks")),
        );
    let server = Configured::by(&file, &[&one, &two], &[]).await;

    let keycloak = token(&one, "alice").header("typ", "JWT").claim("typ", "Bearer");
    let okta = Forge::valid(&other)
        .claim("iss", two.issuer())
        .claim("sub", "alice")
        .without_header("typ")
        .without_claim("scope")
        .claim("scp", json!(["Admin.Write"]));
    for (issuer, text) in [(&one, keycloak.sign(key())), (&two, okta.sign(&other))] {
        let answer = server.call("whoami", &text).await;
        answer.assert_called("a token of its own kind");
        assert!(answer.body.contains(&format!("alice of {}", issuer.issuer())), "{}", answer.body);
        server.call("get_time", &text).await.assert_called("with the scope");
    }
    // The one's key signs nothing for the other, and its ways are not the other's.
    let crossed = keycloak.clone().claim("iss", two.issuer()).sign(key());
    server.call("whoami", &crossed).await.assert_invalid_token("another's key");
    // An ID token and a refresh token of the same issuer, key and audience are no access tokens.
    for (claim, value) in [("nonce", "n"), ("at_hash", "h"), ("c_hash", "h"), ("typ", "Refresh")] {
        let other = keycloak.clone().claim(claim, value).sign(key());
        server.call("whoami", &other).await.assert_invalid_token(claim);
    }
    let untyped = keycloak.without_header("typ").sign(key());
    server.call("whoami", &untyped).await.assert_invalid_token("another's ways");

    let metadata = server.get("/.well-known/oauth-protected-resource/mcp").await.json();
    let mut named: Vec<_> = metadata["authorization_servers"].as_array().unwrap().clone();
    named.sort_by_key(Value::to_string);
    let mut expected = vec![json!(one.issuer()), json!(two.issuer())];
    expected.sort_by_key(Value::to_string);
    assert_eq!(named, expected);
}

#[tokio::test]
async fn what_an_issuer_grants_by_itself_is_bounded_by_the_users_roles() {
    let issuer = TestIssuer::start().await;
    issuer.serve_keys(&[key()]);
    let file = section(&issuer, "preset = \"google\"\ngrants = [\"Admin.Write\", \"User.Read\"]");
    let server = Configured::by(&file, &[&issuer], &[]).await;
    let text = |subject: &str| token(&issuer, subject).header("typ", "JWT").sign(key());
    server.call("get_time", &text("alice")).await.assert_called("an admin");
    let answer = server.call("get_time", &text("guest")).await;
    assert_eq!((answer.status, answer.challenge()), (StatusCode::FORBIDDEN, None));
    assert_eq!(server.call("whoami", &text("nobody")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_issuer_without_keys_makes_the_server_not_ready_and_an_outage_later_does_not() {
    let (mut issuer, well) = (TestIssuer::start().await, TestIssuer::start().await);
    well.serve_keys(&[key()]);
    let file = section(&issuer, "") + &section(&well, "");
    let server = Configured::by(&file, &[&issuer, &well], &[]).await;
    let early = server.get("/readyz").await;
    assert_eq!(early.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(early.body.contains(&format!("there are no keys for {}", well.issuer())));

    server.issuers.renew_due().await;
    let without = server.get("/readyz").await;
    assert_eq!(without.status, StatusCode::SERVICE_UNAVAILABLE);
    let since =
        format!("keys of {} cannot be fetched since 2027-01-15T08:00:00Z\n", issuer.issuer());
    assert_eq!(without.body, format!("not ready\n{since}"));
    let refused = server.call("whoami", &token(&issuer, "alice").sign(key())).await;
    refused.assert_invalid_token("no keys");
    server.call("whoami", &token(&well, "alice").sign(key())).await.assert_called("the other");

    issuer.serve_keys(&[key()]);
    server.clock.advance(Duration::from_secs(10));
    server.issuers.renew_due().await;
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (StatusCode::OK, "ready\n"));

    issuer.stop().await;
    server.clock.advance(Duration::from_hours(1));
    server.issuers.renew_due().await;
    let outage = server.get("/readyz").await;
    assert_eq!(outage.status, StatusCode::OK);
    let line = "cannot be fetched since 2027-01-15T09:00:10Z (callers are served)";
    assert_eq!(outage.body, format!("ready\nkeys of {} {line}\n", issuer.issuer()));
    let lasting = |issuer| token(issuer, "alice").claim("exp", NOW + 7200).sign(key());
    server.call("whoami", &lasting(&issuer)).await.assert_called("an hour without the issuer");
}

#[tokio::test]
async fn an_opaque_token_is_asked_about_and_an_issuer_that_is_down_is_503_and_never_a_pass() {
    let mut issuer = TestIssuer::start().await;
    let answer = json!({
        "active": true, "aud": RESOURCE, "sub": "alice", "scope": "Admin.Write", "exp": NOW + 3600,
    });
    issuer.serve("/introspect", Reply::json(&answer));
    let introspection = format!(
        "keys = \"none\"\nintrospection = {{ url = \"{}\", client_id = \"mcp\", secret_env = \"IDP_SECRET\" }}",
        issuer.url("/introspect")
    );
    let file = section(&issuer, &introspection);
    let server = Configured::by(&file, &[&issuer], &[("IDP_SECRET", "idp-s3cret")]).await;
    assert_eq!(server.get("/readyz").await.status, StatusCode::OK);
    server.call("get_time", "0paque").await.assert_called("active");
    issuer.serve("/introspect", Reply::json(&json!({ "active": false })));
    server.clock.advance(Duration::from_secs(30));
    server.call("get_time", "0paque").await.assert_invalid_token("revoked");
    issuer.stop().await;
    for text in ["0paque", "another"] {
        server.clock.advance(Duration::from_secs(30));
        let answer = server.call("get_time", text).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            (&answer.headers[header::RETRY_AFTER], answer.challenge()),
            (&"5".parse().unwrap(), None)
        );
        assert!(
            !answer.body.contains(&issuer.url("")),
            "where it is, is no business: {}",
            answer.body
        );
    }
    // All of its tokens are asked about, so none of its users is accepted; it is asked again in
    // time.
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    let line =
        format!("{} cannot be asked about tokens since 2027-01-15T08:01:00Z", issuer.issuer());
    assert!(ready.body.contains(&line), "{}", ready.body);
    server.clock.advance(Duration::from_secs(61));
    assert_eq!(server.get("/readyz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_secret_for_introspection_makes_the_server_not_ready() {
    let issuer = TestIssuer::start().await;
    let introspection = format!(
        "keys = \"none\"\nintrospection = {{ url = \"{}\", client_id = \"mcp\", secret_env = \"IDP_SECRET\" }}",
        issuer.url("/introspect")
    );
    let file = section(&issuer, &introspection);
    let server = Configured::by(&file, &[&issuer], &[("IDP_SECRET", "idp-wr0ng")]).await;
    for status in [401, 403] {
        let refused = json!({ "error": "invalid_client" });
        issuer.serve("/introspect", Reply::json(&refused).status(status));
        server.clock.advance(Duration::from_mins(2));
        assert_eq!(server.get("/readyz").await.status, StatusCode::OK, "{status}");
        let answer = server.call("get_time", "0paque").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{status}");
        let ready = server.get("/readyz").await;
        assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{status}");
        let line = format!("{} cannot be asked about tokens since", issuer.issuer());
        assert!(ready.body.contains(&line), "{status}: {}", ready.body);
    }
}

#[test]
fn the_local_issuer_is_there_if_it_has_a_key_and_only_once() {
    let section = |name: &str| format!("[issuers.\"{name}\"]\n");
    let (one, two) = (section("https://a.example"), section("https://b.example"));
    let secret = [("JWT_SECRET", SECRET)];
    let alone = resolve(&one, &[]).unwrap();
    assert!(alone.local.is_none());
    assert!(alone.protection().starts_with("protected: tokens of https://a.example for http"));
    let both = resolve(&(one.clone() + &two), &secret).unwrap();
    assert_eq!(both.local.as_ref().unwrap().issuer.as_str(), "http://localhost:8000");
    assert!(both.protection().starts_with("protected: tokens of 3 issuers for http"));

    let errors = |file: &str, pairs: &[(&str, &str)]| resolve(file, pairs).unwrap_err().to_string();
    let twice = errors(&section("http://localhost:8000"), &secret);
    assert!(twice.contains("http://localhost:8000 is JWT_ISSUER"), "{twice}");
    let weak = errors(&one, &[("JWT_SECRET", "short")]);
    assert!(weak.contains("JWT_SECRET"), "{weak}");
    // With the rest of the configuration, all at once.
    let all = errors(
        "[issuers.\"https://a.example\"]\nx = 1",
        &[("BIND_ADDR", "x"), ("JWT_SECRET", "s")],
    );
    for part in ["BIND_ADDR", "JWT_SECRET", "x: unknown key"] {
        assert!(all.contains(part), "{all}");
    }
    let none =
        Config::resolve(&RunArgs::default(), &Environment::from_pairs([]), &McpServer::offers())
            .unwrap_err();
    assert!(none.to_string().contains("no key: set JWT_SECRET"), "{none}");
}

#[test]
fn the_origins_of_pages_are_written_as_browsers_write_them() {
    let read = |text: &str| {
        let pairs = [("JWT_SECRET", SECRET), ("ALLOWED_ORIGINS", text)];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Config::resolve(&RunArgs::default(), &Environment::from_pairs(pairs), &McpServer::offers())
            .map(|config| config.allowed_origins)
            .map_err(|faults| faults.0)
    };
    assert_eq!(read(""), Ok(Vec::new()));
    let two = "https://app.example, http://[::1]:3000,";
    let expected = vec!["https://app.example".to_owned(), "http://[::1]:3000".to_owned()];
    assert_eq!(read(two), Ok(expected));
    for bad in [
        "*",
        "null",
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://*.example",
        "https://me@app.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://app.example:",
        "ftp://app.example",
        "https://",
        "https://a b",
    ] {
        let faults = read(&format!("https://app.example,{bad}")).unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains(&format!("ALLOWED_ORIGINS {bad:?}")));
    }
}

#[test]
fn the_file_is_named_by_a_variable_too_and_the_flag_comes_first() {
    let pairs = |file: &str| [("ISSUERS_FILE".to_owned(), file.to_owned())];
    let environment = Environment::from_pairs(pairs("/no/such/a.toml"));
    let errors = |args: &RunArgs| {
        Config::resolve(args, &environment, &McpServer::offers()).unwrap_err().to_string()
    };
    assert!(errors(&RunArgs::default()).contains("ISSUERS_FILE /no/such/a.toml"));
    let args = RunArgs { issuers: Some("/no/such/b.toml".into()), ..RunArgs::default() };
    assert!(errors(&args).contains("ISSUERS_FILE /no/such/b.toml"));
}

#[tokio::test]
async fn newcomers_are_added_for_the_issuer_that_says_so_and_for_no_other() {
    let (open, closed) = (TestIssuer::start().await, TestIssuer::start().await);
    for issuer in [&open, &closed] {
        issuer.serve_keys(&[key()]);
    }
    let provision = "unknown_users = \"provision\"\ndefault_roles = [\"guest\"]";
    let file = section(&open, provision) + &section(&closed, "unknown_users = \"refuse\"");
    let server = Configured::by(&file, &[&open, &closed], &[]).await;
    let call = async |issuer: &TestIssuer| {
        let token = token(issuer, "newcomer").claim("scope", "User.Read Admin.Write").sign(key());
        (server.call("whoami", &token).await.status, server.call("get_time", &token).await.status)
    };
    // A newcomer has the roles of the file, whatever the token says.
    assert_eq!(call(&open).await, (StatusCode::OK, StatusCode::FORBIDDEN));
    assert_eq!(call(&closed).await, (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn who_is_added_and_with_which_roles_must_be_said_as_a_whole() {
    let name = "https://login.example";
    let local = [("JWT_SECRET", SECRET)];
    let provisioned = |file: &str, pairs: &[(&str, &str)]| {
        let config = resolve(file, &[&local[..], pairs].concat());
        config.map(|config| config.provisioning).map_err(|fault| fault.to_string())
    };
    let roles = |names: &[&str]| names.iter().map(|it| it.parse().unwrap()).collect();
    let quiet = format!("[issuers.\"{name}\"]\n");
    assert_eq!(provisioned(&quiet, &[]).unwrap(), [].into(), "no user, by default");

    let said = format!("{quiet}unknown_users = \"provision\"\ndefault_roles = [\"user\"]\n");
    let expected = [(name.parse().unwrap(), roles(&["user"]))].into();
    assert_eq!(provisioned(&said, &[]).unwrap(), expected);
    let env = [("UNKNOWN_USERS", "provision"), ("DEFAULT_ROLES", "guest, user")];
    let expected = [("http://localhost:8000".parse().unwrap(), roles(&["guest", "user"]))].into();
    assert_eq!(provisioned(&quiet, &env).unwrap(), expected, "the local issuer, and no other");

    for (members, says) in [
        ("unknown_users = \"provision\"", "name at least one"),
        ("unknown_users = \"provision\"\ndefault_roles = [\"king\"]", "no role \"king\""),
        ("unknown_users = \"everybody\"", "write refuse or provision"),
        ("default_roles = [\"user\"]", "unknown_users"),
    ] {
        let fault = provisioned(&format!("{quiet}{members}\n"), &[]).unwrap_err();
        assert!(fault.contains(says) && fault.contains(name), "{fault}");
    }
    for (pairs, says) in [
        (&[("UNKNOWN_USERS", "provision")][..], "name at least one"),
        (&[("UNKNOWN_USERS", "provision"), ("DEFAULT_ROLES", "king")], "no role \"king\""),
        (&[("UNKNOWN_USERS", "all")], "write refuse or provision"),
        (&[("DEFAULT_ROLES", "user")], "UNKNOWN_USERS"),
        (&[("DIRECTORY_MAX_AGE", "1")], "DIRECTORY_MAX_AGE"),
        (&[("DIRECTORY_MAX_USERS", "many")], "DIRECTORY_MAX_USERS"),
        (&[("MAX_CONNECTIONS", "0")], "MAX_CONNECTIONS"),
        (&[("MAX_BODY_MEMORY", "0")], "MAX_BODY_MEMORY"),
    ] {
        let fault = provisioned(&quiet, pairs).unwrap_err();
        assert!(fault.contains(says), "{fault}");
    }
}
