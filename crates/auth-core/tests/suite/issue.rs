//! What an issuer writes.

use std::time::Duration;

use auth_core::{
    AccessToken, Algorithm, IssueError, MAX_TOKEN_BYTES, TokenId, TokenIssuer, TokenRequest,
};
use serde_json::json;
use testkit::{ISSUER, NOW, RESOURCE, TestKey};

use crate::support::{part, secs, trusted, verifier};

fn request() -> TokenRequest {
    TokenRequest::new(
        "user-userson".parse().unwrap(),
        RESOURCE.parse().unwrap(),
        TokenId::from_random([0; 16]),
    )
}

fn issue(key: &TestKey, request: &TokenRequest) -> Result<AccessToken, IssueError> {
    TokenIssuer::new(ISSUER.parse().unwrap(), key.signing()).issue(request, secs(NOW))
}

#[test]
fn a_bare_token_has_exactly_the_required_claims() {
    let token = issue(TestKey::shared(Algorithm::Hs256), &request()).unwrap();
    assert_eq!(part(token.expose(), 0), json!({"alg": "HS256", "typ": "at+jwt"}));
    assert_eq!(
        part(token.expose(), 1),
        json!({
            "iss": ISSUER,
            "sub": "user-userson",
            "aud": RESOURCE,
            "iat": NOW,
            "nbf": NOW,
            "exp": NOW + 3600,
            "jti": "AAAAAAAAAAAAAAAAAAAAAA",
            "scope": "",
        })
    );
}

#[test]
fn a_full_token_has_every_claim_that_was_asked_for() {
    let request = request()
        .scopes("b a".parse().unwrap())
        .roles(["user".parse().unwrap(), "admin".parse().unwrap()])
        .client_id("client".parse().unwrap())
        .name("User Userson")
        .lifetime(Duration::from_millis(1999))
        .claim("tenant", json!({"id": 7}))
        .unwrap();
    let token = issue(TestKey::shared(Algorithm::Hs256), &request).unwrap();
    assert_eq!(
        part(token.expose(), 1),
        json!({
            "iss": ISSUER,
            "sub": "user-userson",
            "aud": RESOURCE,
            "iat": NOW,
            "nbf": NOW,
            "exp": NOW + 1,
            "jti": "AAAAAAAAAAAAAAAAAAAAAA",
            "client_id": "client",
            "name": "User Userson",
            "scope": "a b",
            "roles": ["admin", "user"],
            "tenant": {"id": 7},
        })
    );
}

#[test]
fn a_key_pairs_tokens_name_it_and_a_secrets_do_not() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let token = issue(key, &request()).unwrap();
        let header = part(token.expose(), 0);
        let kid = header.get("kid").and_then(|kid| kid.as_str());
        assert_eq!(header["alg"], algorithm.name());
        assert_eq!(kid, key.signing().id().map(auth_core::KeyId::as_str));
        assert_eq!(kid.is_some(), algorithm != Algorithm::Hs256);
    }
    let key = TestKey::shared(Algorithm::Hs256);
    let named = key.signing().with_id("k1".parse().unwrap());
    let issuer = TokenIssuer::new(ISSUER.parse().unwrap(), named);
    let token = issuer.issue(&request(), secs(NOW)).unwrap();
    assert_eq!(part(token.expose(), 0)["kid"], "k1");
}

#[test]
fn what_an_issuer_writes_its_verifier_accepts_under_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let request = request().scopes("User.Read".parse().unwrap()).name("Ünï\"\n");
        let token = issue(key, &request).unwrap();
        let claims = verifier(trusted(key)).verify(&token, secs(NOW)).unwrap();
        assert_eq!(claims.name(), Some("Ünï\"\n"));
        assert_eq!(claims.scopes().to_string(), "User.Read");
        assert_eq!(claims.expires_at(), secs(NOW + 3600));
    }
}

#[test]
fn a_claim_with_an_option_of_its_own_cannot_be_set_by_name() {
    for name in
        ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "roles", "name"]
    {
        let fault = request().claim(name, json!("x")).unwrap_err();
        assert_eq!(fault, IssueError::OwnClaim(name.into()));
        assert!(fault.to_string().contains(&format!("{name:?}")), "{fault}");
    }
    assert!(request().claim("Sub", json!("x")).is_ok());
}

#[test]
fn a_token_that_would_not_live_for_a_second_is_not_made() {
    let key = TestKey::shared(Algorithm::Hs256);
    for lifetime in [Duration::ZERO, Duration::from_millis(999)] {
        let verdict = issue(key, &request().lifetime(lifetime)).map(drop);
        assert_eq!(verdict, Err(IssueError::NoLifetime));
    }
    assert!(issue(key, &request().lifetime(Duration::from_secs(1))).is_ok());
}

#[test]
fn a_lifetime_beyond_all_dates_ends_with_the_last_one() {
    let key = TestKey::shared(Algorithm::Hs256);
    let token = issue(key, &request().lifetime(Duration::MAX)).unwrap();
    assert_eq!(part(token.expose(), 1)["exp"], 253_402_300_799_i64);
}

#[test]
fn a_token_that_no_server_would_read_is_not_made() {
    let key = TestKey::shared(Algorithm::Hs256);
    let with_name = |bytes| issue(key, &request().name("x".repeat(bytes)));
    let frame = with_name(0).unwrap().expose().len();
    let room = (MAX_TOKEN_BYTES - frame) / 4 * 3;
    assert!(with_name(room - 3).is_ok());
    assert_eq!(with_name(room + 6).map(drop), Err(IssueError::TooLong));
}
