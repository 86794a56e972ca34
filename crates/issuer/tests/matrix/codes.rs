//! Authorization codes at the token endpoint.

use std::{collections::BTreeMap, time::Duration};

use axum::body::Body;
use http::{Request, StatusCode};
use issuer::PeerAddress;

use crate::{
    Other, assert_refused,
    common::{CHALLENGE, REDIRECT, VERIFIER},
    revoked,
    ways::Way,
};

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

/// What is not an exchange. The code is good afterwards.
const ROWS: &[(&str, Other, StatusCode, &str)] = &[
    ("no verifier", &[("code_verifier", "")], BAD, "invalid_request"),
    ("the challenge as the verifier", &[("code_verifier", CHALLENGE)], BAD, "invalid_grant"),
    (
        "another verifier",
        &[("code_verifier", "EBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")],
        BAD,
        "invalid_grant",
    ),
    (
        "a verifier of 42 characters",
        &[("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX")],
        BAD,
        "invalid_request",
    ),
    (
        "a verifier with other characters",
        &[("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX+")],
        BAD,
        "invalid_request",
    ),
    (
        "two verifiers",
        &[("code_verifier", VERIFIER), ("code_verifier", VERIFIER)],
        BAD,
        "invalid_request",
    ),
    ("no code", &[("code", "")], BAD, "invalid_request"),
    (
        "an unknown code",
        &[("code", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")],
        BAD,
        "invalid_grant",
    ),
    ("a code with a line break", &[("code", "a\r\nb")], BAD, "invalid_grant"),
    ("two codes", &[("code", "a"), ("code", "b")], BAD, "invalid_request"),
    ("no grant type", &[("grant_type", "")], BAD, "invalid_request"),
    ("an unknown grant type", &[("grant_type", "exchange")], BAD, "unsupported_grant_type"),
    ("the password grant", &[("grant_type", "password")], BAD, "unsupported_grant_type"),
    ("the implicit grant", &[("grant_type", "implicit")], BAD, "unsupported_grant_type"),
    (
        "two grant types",
        &[("grant_type", "authorization_code"), ("grant_type", "refresh_token")],
        BAD,
        "invalid_request",
    ),
    ("no client", &[("client_id", "")], BAD, "invalid_request"),
    ("an unknown client", &[("client_id", "gone")], UNAUTHORIZED, "invalid_client"),
    ("another client", &[("client_id", "web")], BAD, "invalid_grant"),
    (
        "a client with a secret, without it",
        &[("client_id", "confidential")],
        UNAUTHORIZED,
        "invalid_client",
    ),
    ("two clients", &[("client_id", "public"), ("client_id", "web")], BAD, "invalid_request"),
    (
        "a secret that it does not have",
        &[("client_secret", "secret")],
        UNAUTHORIZED,
        "invalid_client",
    ),
    ("another port", &[("redirect_uri", "http://127.0.0.1:49153/callback")], BAD, "invalid_grant"),
    (
        "another loopback host",
        &[("redirect_uri", "http://localhost:49152/callback")],
        BAD,
        "invalid_grant",
    ),
    ("a slash more", &[("redirect_uri", "http://127.0.0.1:49152/callback/")], BAD, "invalid_grant"),
    (
        "the URI that is registered",
        &[("redirect_uri", "http://127.0.0.1/callback")],
        BAD,
        "invalid_grant",
    ),
    (
        "two redirect URIs",
        &[("redirect_uri", REDIRECT), ("redirect_uri", REDIRECT)],
        BAD,
        "invalid_request",
    ),
    ("a foreign resource", &[("resource", "https://other.example/mcp")], BAD, "invalid_target"),
    (
        "two resources",
        &[("resource", testkit::RESOURCE), ("resource", testkit::RESOURCE)],
        BAD,
        "invalid_target",
    ),
    (
        "a resource with a fragment",
        &[("resource", "http://localhost:8000/mcp#a")],
        BAD,
        "invalid_target",
    ),
];

#[tokio::test]
async fn what_is_not_exchanged_changes_nothing() {
    for way in Way::ALL {
        let mut signed_in = way.begin().await;
        for (row, other, status, error) in ROWS {
            let name = &format!("{row} ({way:?})");
            let code = signed_in.code().await;
            let world = &signed_in.world;
            let answer = world.exchange_with(&code, other).await;
            assert_refused(name, &answer, *status, error);
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge.is_empty(), *status == BAD, "{name}");
            let again = world.exchange(&code).await;
            assert_eq!(again.status, StatusCode::OK, "{name}: the code is good: {}", again.body);
            assert_eq!(revoked(world).await, 0, "{name}");
        }
    }
}

/// Ways to send it that are none.
#[tokio::test]
async fn a_code_is_sent_in_the_body_of_a_form() {
    for way in Way::ALL {
        let mut signed_in = way.begin().await;
        let code = signed_in.code().await;
        let world = signed_in.world;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "public"),
            ("code", &*code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let query = auth_core::oauth::encode(fields);
        let json = serde_json::to_string(&BTreeMap::from(fields)).unwrap();
        let form = "application/x-www-form-urlencoded";
        let long = format!("{query}&a={}", "a".repeat(70_000));
        let many = format!("{query}{}", "&a=b".repeat(200));
        for (name, method, path, kind, body, status) in [
            ("in the query", "POST", format!("/token?{query}"), form, "", 400),
            ("by GET", "GET", format!("/token?{query}"), form, "", 405),
            ("by PUT", "PUT", "/token".into(), form, &*query, 405),
            ("as JSON", "POST", "/token".into(), "application/json", &*json, 400),
            ("as text", "POST", "/token".into(), "text/plain", &*query, 400),
            ("without a type", "POST", "/token".into(), "", &*query, 400),
            ("in too long a body", "POST", "/token".into(), form, &*long, 400),
            ("among too many others", "POST", "/token".into(), form, &*many, 400),
            ("in bytes that are no text", "POST", "/token".into(), form, "code=%ff%fe", 400),
            ("in a broken escape", "POST", "/token".into(), form, "code=%zz", 400),
        ] {
            let mut request = Request::builder().method(method).uri(path);
            if !kind.is_empty() {
                request = request.header("content-type", kind);
            }
            let request = request.extension(PeerAddress([192, 0, 2, 1].into()));
            let answer = world.send(request.body(Body::from(body.to_owned())).unwrap()).await;
            assert_eq!(answer.status.as_u16(), status, "{name} ({way:?}): {}", answer.body);
            assert!(!answer.body.contains("access_token"), "{name}");
        }
        assert_eq!(world.exchange(&code).await.status, StatusCode::OK);
    }
}

/// A second exchange, however late, shows that the client was not alone: the grant ends.
#[tokio::test]
async fn a_code_twice_ends_everything_that_came_of_it() {
    for way in Way::ALL {
        for (name, wait) in [("at once", 0), ("after its minute", 61), ("after an hour", 3600)] {
            let name = &format!("{name} ({way:?})");
            let mut signed_in = way.begin().await;
            let code = signed_in.code().await;
            let world = signed_in.world;
            let tokens = world.exchange(&code).await.json();
            let refresh = tokens["refresh_token"].as_str().unwrap();
            let next = world.refresh(refresh).await.json();
            // What another client, or one without the verifier, presents says nothing.
            for other in [&[("client_id", "web")][..], &[("code_verifier", CHALLENGE)]] {
                let answer = world.exchange_with(&code, other).await;
                assert_refused(name, &answer, BAD, "invalid_grant");
            }
            assert_eq!(revoked(&world).await, 0, "{name}");
            world.clock.advance(Duration::from_secs(wait));
            assert_refused(name, &world.exchange(&code).await, BAD, "invalid_grant");
            for token in [refresh, next["refresh_token"].as_str().unwrap()] {
                assert_refused(name, &world.refresh(token).await, BAD, "invalid_grant");
            }
            // What has expired need not be revoked.
            assert_eq!(revoked(&world).await, if wait < 900 { 2 } else { 0 }, "{name}");
        }
    }
}

#[tokio::test]
async fn of_many_exchanges_at_once_none_is_left_but_one() {
    for way in Way::ALL {
        let mut signed_in = way.begin().await;
        let code = signed_in.code().await;
        let world = signed_in.world;
        let answers = futures_util::future::join_all((0..8).map(|_| world.exchange(&code))).await;
        let good = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert_eq!(good, 1, "{way:?}");
        // The others were second uses: what the first one got is revoked.
        assert_eq!(revoked(&world).await, 1);
        for answer in answers.iter().filter(|answer| answer.status != StatusCode::OK) {
            assert_refused(&format!("the others ({way:?})"), answer, BAD, "invalid_grant");
        }
    }
}

#[tokio::test]
async fn a_code_ends_after_its_minute() {
    for way in Way::ALL {
        let mut signed_in = way.begin().await;
        let (first, second) = (signed_in.code().await, signed_in.code().await);
        let world = signed_in.world;
        world.clock.advance(Duration::from_secs(59));
        assert_eq!(world.exchange(&first).await.status, StatusCode::OK);
        world.clock.advance(Duration::from_secs(1));
        assert_refused(
            &format!("after a minute ({way:?})"),
            &world.exchange(&second).await,
            BAD,
            "invalid_grant",
        );
    }
}
