//! Authorization requests: what is never redirected, what goes back as an error, and that neither
//! does anything.

use axum::body::Body;
use http::{Request, StatusCode};

use crate::{
    Other,
    common::{Answer, REDIRECT, World, authorize},
    grants,
    ways::{SignedIn, Way},
};

const STATE: &str = "a+/=b";

/// Requests without a safe place to go back to: 400, a page for people and JSON for programs.
const NEVER_REDIRECTED: &[(&str, Other)] = &[
    ("no client", &[("client_id", "")]),
    ("an unknown client", &[("client_id", "gone")]),
    ("two clients", &[("client_id", "public"), ("client_id", "web")]),
    ("the same client twice", &[("client_id", "public"), ("client_id", "public")]),
    ("a client with another case", &[("client_id", "Public")]),
    ("a client with a space", &[("client_id", "public ")]),
    ("a client with a line break", &[("client_id", "public\r\nSet-Cookie: a=b")]),
    ("a document over plain http", &[("client_id", "http://client.example/app.json")]),
    ("a document without a path", &[("client_id", "https://client.example")]),
    ("a document with a user", &[("client_id", "https://a@client.example/app.json")]),
    ("a document with a dot segment", &[("client_id", "https://client.example/a/../app.json")]),
    ("a document with a fragment", &[("client_id", "https://client.example/app.json#a")]),
    ("no redirect URI where there are two", &[("redirect_uri", "")]),
    ("two redirect URIs", &[("redirect_uri", REDIRECT), ("redirect_uri", REDIRECT)]),
    ("another path", &[("redirect_uri", "http://127.0.0.1:49152/callback2")]),
    ("a slash more", &[("redirect_uri", "http://127.0.0.1:49152/callback/")]),
    ("a path below", &[("redirect_uri", "http://127.0.0.1:49152/callback/a")]),
    ("a path in another case", &[("redirect_uri", "http://127.0.0.1:49152/Callback")]),
    ("a query more", &[("redirect_uri", "http://127.0.0.1:49152/callback?a=b")]),
    ("an empty query", &[("redirect_uri", "http://127.0.0.1:49152/callback?")]),
    ("a fragment", &[("redirect_uri", "http://127.0.0.1:49152/callback#a")]),
    ("an empty fragment", &[("redirect_uri", "http://127.0.0.1:49152/callback#")]),
    ("a user", &[("redirect_uri", "http://a@127.0.0.1:49152/callback")]),
    ("a user and a password", &[("redirect_uri", "http://a:b@127.0.0.1:49152/callback")]),
    ("dots", &[("redirect_uri", "http://127.0.0.1:49152/a/../callback")]),
    ("encoded dots", &[("redirect_uri", "http://127.0.0.1:49152/a/%2e%2e/callback")]),
    ("half-encoded dots", &[("redirect_uri", "http://127.0.0.1:49152/a/.%2E/callback")]),
    ("an encoded letter", &[("redirect_uri", "http://127.0.0.1:49152/%63allback")]),
    ("a backslash", &[("redirect_uri", "http://127.0.0.1:49152\\callback")]),
    ("a line break", &[("redirect_uri", "http://127.0.0.1:49152/callback\r\nLocation: a")]),
    ("a tab", &[("redirect_uri", "http://127.0.0.1:49152/call\tback")]),
    ("a zero byte", &[("redirect_uri", "http://127.0.0.1:49152/callback\0")]),
    ("another loopback address", &[("redirect_uri", "http://127.0.0.2:49152/callback")]),
    ("the other kind of address", &[("redirect_uri", "http://[::1]:49152/callback")]),
    ("an address as a number", &[("redirect_uri", "http://2130706433:49152/callback")]),
    ("a port out of range", &[("redirect_uri", "http://127.0.0.1:65536/callback")]),
    ("a port that is no number", &[("redirect_uri", "http://127.0.0.1:a/callback")]),
    ("https to loopback", &[("redirect_uri", "https://127.0.0.1:49152/callback")]),
    ("a host that begins alike", &[("redirect_uri", "http://127.0.0.1.evil.example/callback")]),
    ("a host that is a user", &[("redirect_uri", "http://127.0.0.1:49152@evil.example/callback")]),
    ("a name that begins alike", &[("redirect_uri", "http://localhost.evil.example/callback")]),
    ("a name in another case", &[("redirect_uri", "http://LOCALHOST:49152/callback")]),
    ("a name with a dot", &[("redirect_uri", "http://localhost.:49152/callback")]),
    ("a script", &[("redirect_uri", "javascript:alert(1)//127.0.0.1/callback")]),
    ("data", &[("redirect_uri", "data:text/html,callback")]),
    ("a relative one", &[("redirect_uri", "/callback")]),
    ("one without a scheme", &[("redirect_uri", "//127.0.0.1:49152/callback")]),
    (
        "a port on a host elsewhere",
        &[("client_id", "web"), ("redirect_uri", "https://web.example:8443/callback")],
    ),
    (
        "the default port on a host elsewhere",
        &[("client_id", "web"), ("redirect_uri", "https://web.example:443/callback")],
    ),
    (
        "plain http to a host elsewhere",
        &[("client_id", "web"), ("redirect_uri", "http://web.example/callback")],
    ),
    ("a host below", &[("client_id", "web"), ("redirect_uri", "https://a.web.example/callback")]),
    (
        "a host in another case",
        &[("client_id", "web"), ("redirect_uri", "https://WEB.example/callback")],
    ),
    (
        "a path of a host elsewhere in another case",
        &[("client_id", "web"), ("redirect_uri", "https://web.example/Callback")],
    ),
    (
        "a path of a private scheme in another case",
        &[("client_id", "web"), ("redirect_uri", "web.example:/Callback")],
    ),
    (
        "a private scheme in another case",
        &[("client_id", "web"), ("redirect_uri", "Web.example:/callback")],
    ),
    (
        "a private scheme with another path",
        &[("client_id", "web"), ("redirect_uri", "web.example:/callback2")],
    ),
    (
        "a private scheme with a host",
        &[("client_id", "web"), ("redirect_uri", "web.example://callback")],
    ),
    ("the redirect URI of another client", &[("client_id", "web"), ("redirect_uri", REDIRECT)]),
];

/// Requests whose error goes back to the client.
const SENT_BACK: &[(&str, Other, &str)] = &[
    ("no challenge", &[("code_challenge", "")], "invalid_request"),
    ("no method", &[("code_challenge_method", "")], "invalid_request"),
    ("the method plain", &[("code_challenge_method", "plain")], "invalid_request"),
    ("a method in another case", &[("code_challenge_method", "s256")], "invalid_request"),
    ("a method of the future", &[("code_challenge_method", "S512")], "invalid_request"),
    (
        "a short challenge",
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c")],
        "invalid_request",
    ),
    (
        "a padded challenge",
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=")],
        "invalid_request",
    ),
    (
        "a challenge that is not canonical",
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN")],
        "invalid_request",
    ),
    (
        "two challenges",
        &[
            ("code_challenge", crate::common::CHALLENGE),
            ("code_challenge", crate::common::CHALLENGE),
        ],
        "invalid_request",
    ),
    ("no response type", &[("response_type", "")], "invalid_request"),
    ("the implicit grant", &[("response_type", "token")], "unsupported_response_type"),
    ("an ID token", &[("response_type", "id_token")], "unsupported_response_type"),
    ("a hybrid", &[("response_type", "code token")], "unsupported_response_type"),
    ("a response type in another case", &[("response_type", "Code")], "unsupported_response_type"),
    (
        "two response types",
        &[("response_type", "code"), ("response_type", "token")],
        "invalid_request",
    ),
    ("a foreign resource", &[("resource", "https://other.example/mcp")], "invalid_target"),
    ("a resource below", &[("resource", "http://localhost:8000/mcp/below")], "invalid_target"),
    ("a resource with a query", &[("resource", "http://localhost:8000/mcp?a=b")], "invalid_target"),
    (
        "a resource with a fragment",
        &[("resource", "http://localhost:8000/mcp#a")],
        "invalid_target",
    ),
    ("a resource with a user", &[("resource", "http://a@localhost:8000/mcp")], "invalid_target"),
    ("a resource that is no URL", &[("resource", "mcp")], "invalid_target"),
    (
        "a resource with a line break",
        &[("resource", "http://localhost:8000/mcp\r\na")],
        "invalid_target",
    ),
    (
        "two resources",
        &[("resource", testkit::RESOURCE), ("resource", "https://other.example/mcp")],
        "invalid_target",
    ),
    ("a scope with two spaces", &[("scope", "User.Read  User.Write")], "invalid_scope"),
    ("a scope with a quote", &[("scope", "User.\"Read")], "invalid_scope"),
    ("a scope with a line break", &[("scope", "User.Read\r\nUser.Write")], "invalid_scope"),
    ("two scopes", &[("scope", "User.Read"), ("scope", "User.Write")], "invalid_request"),
    ("a request object", &[("request", "e30.e30.")], "request_not_supported"),
    (
        "the address of one",
        &[("request_uri", "https://client.example/r")],
        "request_uri_not_supported",
    ),
    ("another way to answer", &[("response_mode", "fragment")], "invalid_request"),
    ("prompt=none", &[("prompt", "none")], "login_required"),
    ("prompt=none and more", &[("prompt", "none consent")], "invalid_request"),
];

async fn asked_by_a_program(world: &World, path: &str) -> Answer {
    let request = Request::get(path).header("accept", "application/json");
    world.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn what_is_never_redirected() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    for (name, other) in NEVER_REDIRECTED {
        let path = authorize(other);
        for page in [world.get(&path).await, alice.get(&path).await] {
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name}");
            assert!(page.header("content-type").starts_with("text/html"), "{name}");
            for header in ["location", "refresh", "set-cookie"] {
                assert!(page.headers.get(header).is_none(), "{name}: {header}");
            }
            assert!(!page.body.contains("http-equiv"), "{name}");
            assert!(page.forms().is_empty(), "{name}: nothing can be allowed");
            assert!(!page.body.contains("<a href=\"javascript"), "{name}");
        }
        let json = asked_by_a_program(&world, &path).await;
        assert_eq!(json.status, StatusCode::BAD_REQUEST, "{name}");
        assert!(["invalid_request", "invalid_client"].contains(&&*json.error()), "{name}");
        assert!(json.headers.get("location").is_none(), "{name}");
    }
    assert_eq!(grants(&world).await, 0);
}

#[tokio::test]
async fn what_goes_back_as_an_error() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    for (name, other, error) in SENT_BACK {
        let path = authorize(other);
        for answer in [world.get(&path).await, alice.get(&path).await] {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}: {}", answer.body);
            let location = answer.location();
            assert!(location.starts_with(&format!("{REDIRECT}?")), "{name}: {location}");
            let sent = answer.parameter("error").unwrap();
            let is_signed_in = *error == "login_required" && sent == "consent_required";
            assert!(sent == *error || is_signed_in, "{name}: {location}");
            // The state as it was sent, who answers (RFC 9207), and no code.
            assert_eq!(answer.parameter("state").as_deref(), Some(STATE), "{name}");
            assert_eq!(answer.parameter("iss").as_deref(), Some(testkit::ISSUER), "{name}");
            assert_eq!(answer.parameter("code"), None, "{name}");
            assert!(!location.contains(['\r', '\n', ' ', '#', '"']), "{name}: {location}");
            assert!(answer.headers.get("set-cookie").is_none(), "{name}");
            assert_eq!(answer.header("cache-control"), "no-store", "{name}");
        }
    }
    assert_eq!(grants(&world).await, 0);
}

/// The same at the decision: a page that was shown for a good request decides no other one.
#[tokio::test]
async fn a_decision_is_checked_as_a_request_is() {
    for way in Way::ALL {
        let SignedIn { world, mut browser, .. } = way.begin().await;
        let form = browser.get(&authorize(&[])).await.form("/authorize");
        let rows = NEVER_REDIRECTED.iter().map(|(name, other)| (name, other));
        for (name, other) in rows.chain(SENT_BACK.iter().map(|(name, other, _)| (name, other))) {
            let request = authorize(other).split_once('?').unwrap().1.to_owned();
            let decided = [("request", request.as_str()), ("decision", "allow")];
            let answer = browser.submit(form.clone(), &decided).await;
            if answer.status == StatusCode::SEE_OTHER {
                assert_eq!(answer.parameter("code"), None, "{name} ({way:?})");
            } else {
                let is_refused = answer.status.is_client_error();
                assert!(is_refused && answer.headers.get("location").is_none(), "{name} ({way:?})");
            }
        }
        assert_eq!(grants(&world).await, 0);
    }
}

/// What comes back is what was sent, and breaks no header.
#[tokio::test]
async fn a_state_breaks_no_header() {
    let world = World::new().await;
    let mut alice = world.signed_in("alice").await;
    let long = "a".repeat(2048);
    for state in ["a b", "a&code=b", "a#b", "%0d%0a", "\"'<>\\", "~!*()", &long] {
        let answer = alice.allow(&authorize(&[("state", state)])).await;
        assert_eq!(answer.parameter("state").as_deref(), Some(state));
        let location = answer.location();
        assert_eq!(location.matches("code=").count(), 1);
        assert!(location.is_ascii() && !location.contains(['\r', '\n', ' ', '#']), "{location}");
    }
    // What is not printable ASCII (RFC 6749 appendix A.5), or too long, does not come back at all.
    let longer = "a".repeat(2049);
    for state in ["a\r\nSet-Cookie: b=c", "a\nb", "a\0b", "é", &longer] {
        let answer = alice.get(&authorize(&[("state", state)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{state:?}");
        assert_eq!(answer.parameter("state"), None, "{state:?}");
        assert!(answer.headers.get("set-cookie").is_none(), "{state:?}");
    }
}
