//! Rows 1 to 15: what a token must be. Each algorithm, each fault, over HTTP.

use auth_core::{Algorithm, MAX_TOKEN_BYTES};
use http::{StatusCode, header};
use server::BUILT_IN;
use testkit::{Forge, NOW, TestKey, accepted_variants, token_faults};

use crate::harness::{TestServer, call, send};

const NO_TOKEN: &str = r#"Bearer scope="Admin.Write User.Read", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp""#;

#[tokio::test]
async fn anonymous_is_challenged_without_an_error_code() {
    let server = TestServer::start().await;
    let answer = send(server.post(call("get_time"))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.challenge().unwrap(), NO_TOKEN);
    assert!(answer.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn another_scheme_or_none_is_no_token() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    for value in [format!("Basic {token}"), token.clone(), format!("Token {token}"), "Basic".into()]
    {
        let request = server.post(call("get_time")).header(header::AUTHORIZATION, &value);
        let answer = send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value}");
        assert_eq!(answer.challenge().unwrap(), NO_TOKEN, "{value}");
    }
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {token}");
        let request = server.post(call("get_time")).header(header::AUTHORIZATION, value);
        send(request).await.assert_called(scheme);
    }
}

#[tokio::test]
async fn a_token_that_is_not_one_clean_token_is_a_bad_request() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    let with = |value: &str| server.post(call("get_time")).header(header::AUTHORIZATION, value);
    let bearer = format!("Bearer {token}");
    let query = server.http().post(format!("{}?access_token={token}", server.url()));
    let form = server
        .http()
        .post(server.url())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(format!("access_token={token}"));
    let form_and_header = server
        .http()
        .post(server.url())
        .bearer_auth(&token)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .body(format!("access_token={token}"));
    for (request, why) in [
        (with(&bearer).header(header::AUTHORIZATION, &bearer), "two headers"),
        (with(&bearer).header(header::AUTHORIZATION, "Basic x"), "two schemes"),
        (query, "in the query"),
        (form, "in a form"),
        (form_and_header, "in a form and a header"),
        (with("Bearer"), "empty"),
        (with("Bearer "), "empty after a space"),
        (with(&format!("{bearer} x")), "two words"),
        (with(&format!("Bearer \"{token}\"")), "quoted"),
        (with(&format!("{bearer},")), "a comma"),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{why}");
        let challenge = answer.challenge().unwrap();
        assert!(challenge.starts_with(r#"Bearer error="invalid_request", "#), "{why}: {challenge}");
    }
}

#[tokio::test]
async fn every_fault_of_a_token_is_401_for_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let server = TestServer::start_with(key, BUILT_IN).await;
        let faults = token_faults(key);
        assert!(faults.len() > 60, "{algorithm}: only {} faults", faults.len());
        for fault in faults {
            server.clock.set(fault.at);
            let value = format!("Bearer {}", fault.token);
            let Ok(value) = header::HeaderValue::from_str(&value) else { continue };
            let answer =
                send(server.post(call("get_time")).header(header::AUTHORIZATION, value)).await;
            let why = format!("{algorithm}, row {}: {}", fault.row, fault.name);
            if fault.token.parse::<auth_core::AccessToken>().is_ok()
                || fault.token.len() > MAX_TOKEN_BYTES
            {
                answer.assert_invalid_token(&why);
            } else {
                // Not even a b64token: row 3.
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{why}");
            }
        }
    }
}

#[tokio::test]
async fn every_good_token_is_let_in_for_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let server = TestServer::start_with(key, BUILT_IN).await;
        for (why, token, at) in accepted_variants(key) {
            server.clock.set(at);
            // Whatever its scopes: `whoami` needs none.
            send(server.post(call("whoami")).bearer_auth(token)).await.assert_called(why);
        }
    }
}

#[tokio::test]
async fn a_token_of_a_key_that_is_not_trusted_is_401() {
    for algorithm in Algorithm::ALL {
        let server = TestServer::start_with(TestKey::shared(algorithm), BUILT_IN).await;
        let stranger = TestKey::generate(algorithm);
        let forged = Forge::valid(&stranger).sign(&stranger);
        server.get_time(&forged).await.assert_invalid_token("another key");
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let key = TestKey::shared(other);
            let why = "another algorithm";
            server.get_time(&Forge::valid(key).sign(key)).await.assert_invalid_token(why);
        }
    }
}

#[tokio::test]
async fn a_token_ends_when_its_time_has_come() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    server.get_time(&token).await.assert_called("fresh");
    server.clock.set(NOW + 3600 + 29);
    server.get_time(&token).await.assert_called("within the leeway");
    server.clock.set(NOW + 3600 + 30);
    server.get_time(&token).await.assert_invalid_token("past the leeway");
}

#[tokio::test]
async fn an_expired_token_without_the_scope_is_told_to_refresh_not_to_step_up() {
    let server = TestServer::start().await;
    let token = server.token("admin", "User.Read");
    server.clock.set(NOW + 7200);
    server.get_time(&token).await.assert_invalid_token("expired comes before scope");
}
