//! What an issuer says of a token when asked: judged as strictly as a JWT.

use auth_core::{Algorithm, ClaimFault, Claims, IntrospectionResponse, TrustedIssuer, VerifyError};
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};

use crate::support::{judge, roles, secs, trusted, verifier};

fn entry() -> TrustedIssuer {
    trusted(TestKey::shared(Algorithm::Hs256))
}

fn good() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": RESOURCE, "sub": "user-userson", "scope": "A B",
        "client_id": "client", "username": "u", "token_type": "Bearer", "exp": NOW + 60,
        "iat": NOW, "nbf": NOW, "jti": "id-1",
    })
}

/// A good answer, with these members changed (`null` takes one out).
fn answer(changes: &[(&str, Value)]) -> IntrospectionResponse {
    let mut answer = good();
    let members = answer.as_object_mut().unwrap();
    for (name, value) in changes {
        if value.is_null() {
            members.remove(*name);
        } else {
            members.insert((*name).into(), value.clone());
        }
    }
    IntrospectionResponse::parse(answer.to_string().as_bytes()).unwrap()
}

fn verdict(entry: TrustedIssuer, changes: &[(&str, Value)]) -> Result<Claims, VerifyError> {
    let issuer = ISSUER.parse().unwrap();
    verifier(entry).verify_introspected(&issuer, &answer(changes), None, secs(NOW), None)
}

#[test]
fn a_good_answer_says_what_a_token_says() {
    let claims = verdict(entry(), &[]).unwrap();
    assert_eq!((claims.issuer().as_str(), claims.subject().as_str()), (ISSUER, "user-userson"));
    assert_eq!(claims.scopes().to_string(), "A B");
    assert_eq!(claims.client_id().unwrap().as_str(), "client");
    assert_eq!(claims.expires_at(), secs(NOW + 60));
    assert!(!claims.other().contains_key("active"));
    // What may be missing.
    for name in ["iss", "token_type", "iat", "nbf", "jti", "client_id", "scope"] {
        assert!(verdict(entry(), &[(name, Value::Null)]).is_ok(), "{name}");
    }
    for said in ["bearer", "BEARER", "access_token"] {
        assert!(verdict(entry(), &[("token_type", json!(said))]).is_ok(), "{said}");
    }
    // What is `null` is missing.
    for name in ["iss", "token_type", "iat", "nbf", "jti", "client_id", "scope", "username", "cnf"]
    {
        let mut text = serde_json::to_value(good()).unwrap();
        text[name] = Value::Null;
        let response = IntrospectionResponse::parse(text.to_string().as_bytes()).unwrap();
        let issuer = ISSUER.parse().unwrap();
        let claims =
            verifier(entry()).verify_introspected(&issuer, &response, None, secs(NOW), None);
        assert!(claims.is_ok(), "{name}: {claims:?}");
    }
}

#[test]
fn every_fault_of_an_answer_is_refused_by_its_own_check() {
    for (name, value, fault) in [
        ("active", json!(false), VerifyError::Inactive),
        ("iss", json!("https://other.example"), VerifyError::OtherAnswer),
        ("iss", json!(1), VerifyError::OtherAnswer),
        ("token_type", json!("DPoP"), VerifyError::TokenType),
        ("token_type", json!(1), VerifyError::TokenType),
        ("typ", json!("Refresh"), VerifyError::OtherToken),
        ("token_use", json!("id"), VerifyError::OtherToken),
        ("aud", Value::Null, VerifyError::AudienceMissing),
        ("aud", json!("https://other.example/mcp"), VerifyError::AudienceMismatch),
        ("exp", Value::Null, VerifyError::ExpiryMissing),
        ("exp", json!(NOW - 30), VerifyError::Expired),
        ("exp", json!("soon"), VerifyError::Claim("exp", ClaimFault::NotDate)),
        ("nbf", json!(NOW + 31), VerifyError::NotYetValid),
        ("iat", json!(NOW + 31), VerifyError::IssuedInFuture),
        ("sub", Value::Null, VerifyError::SubjectMissing),
        ("sub", json!(""), VerifyError::Claim("sub", ClaimFault::Empty)),
        ("sub", json!(4021), VerifyError::Claim("sub", ClaimFault::NotText)),
        ("cnf", json!({ "jkt": "x" }), VerifyError::SenderConstrained),
        ("scope", json!(["A"]), VerifyError::Claim("scope", ClaimFault::List)),
        ("token_type", json!("refresh_token"), VerifyError::TokenType),
        ("token_use", json!("refresh_token"), VerifyError::OtherToken),
    ] {
        assert_eq!(verdict(entry(), &[(name, value.clone())]), Err(fault), "{name} {value}");
    }
}

#[test]
fn an_issuers_own_ways_hold_for_its_answers_too() {
    let entry = entry()
        .audiences(["client-7".parse().unwrap()])
        .scopes_from(["scp"])
        .trust_roles(true)
        .roles_from(["realm_access.roles"])
        .grants("G".parse().unwrap());
    let changes = [
        ("aud", json!("client-7")),
        ("scp", json!(["S"])),
        ("realm_access", json!({ "roles": ["admin"] })),
    ];
    let claims = verdict(entry, &changes).unwrap();
    assert_eq!(claims.scopes().to_string(), "A B G S");
    assert_eq!(claims.roles(), &roles(["admin"]));
}

/// Answers as issuers write them (RFC 7662 §2.2), and what is read out of them.
#[test]
fn answers_in_the_shapes_of_issuers_are_read() {
    let machine = || entry().subject_from(["sub", "username", "client_id"]);
    for (issuer, entry, said, subject, scopes) in [
        (
            "django-oauth-toolkit, a person",
            machine(),
            json!({ "active": true, "scope": "A B", "exp": NOW + 60, "client_id": "app",
                "username": "joe", "aud": [RESOURCE] }),
            "joe",
            "A B",
        ),
        (
            "django-oauth-toolkit, a machine",
            machine(),
            json!({ "active": true, "scope": "A B", "exp": NOW + 60, "client_id": "machine",
                "aud": [RESOURCE] }),
            "machine",
            "A B",
        ),
        (
            "Ory Hydra",
            entry(),
            json!({ "active": true, "scope": "A", "client_id": "app", "sub": "joe",
                "exp": NOW + 60, "iat": NOW, "nbf": NOW, "aud": [RESOURCE], "iss": ISSUER,
                "token_type": "Bearer", "token_use": "access_token", "ext": {} }),
            "joe",
            "A",
        ),
        (
            "Ory Hydra, before it had token_use",
            entry(),
            json!({ "active": true, "scope": "A", "client_id": "app", "sub": "joe",
                "exp": NOW + 60, "iat": NOW, "aud": [RESOURCE], "iss": ISSUER,
                "token_type": "access_token" }),
            "joe",
            "A",
        ),
        (
            "LemonLDAP::NG, a machine",
            machine(),
            json!({ "active": true, "scope": "A", "client_id": "robot", "sub": null, "iss": ISSUER,
                "exp": NOW + 60, "aud": [RESOURCE, "robot"] }),
            "robot",
            "A",
        ),
        (
            "Keycloak",
            entry(),
            json!({ "active": true, "exp": NOW + 60, "iat": NOW, "jti": "id-1", "iss": ISSUER,
                "aud": [RESOURCE, "account"], "sub": "f5…", "typ": "Bearer", "azp": "app",
                "acr": "1", "realm_access": { "roles": ["user"] }, "scope": "A profile",
                "client_id": "app", "username": "joe", "token_type": "Bearer" }),
            "f5…",
            "A profile",
        ),
        (
            "Zitadel",
            entry().audiences(["290000000000000001".parse().unwrap()]),
            json!({ "active": true, "scope": "openid A", "client_id": "29@project",
                "token_type": "Bearer", "exp": NOW + 60, "iat": NOW, "nbf": NOW,
                "sub": "290000000000000003", "aud": ["29@project", "290000000000000001"],
                "iss": ISSUER, "jti": "V2_1", "username": "joe@x.example", "locale": null }),
            "290000000000000003",
            "A openid",
        ),
        (
            "Okta",
            entry(),
            json!({ "active": true, "token_type": "Bearer", "scope": "A", "client_id": "0oa",
                "username": "joe@x.example", "exp": NOW + 60, "iat": NOW,
                "sub": "joe@x.example", "aud": RESOURCE, "iss": ISSUER, "jti": "AT.1", "uid": "00u" }),
            "joe@x.example",
            "A",
        ),
        (
            "PingFederate",
            machine().scopes_from(["scope"]),
            json!({ "active": true, "scope": ["A", "B"], "client_id": "ro_client", "aud": RESOURCE,
                "username": "joe", "token_type": "Bearer", "exp": NOW + 60 }),
            "joe",
            "A B",
        ),
    ] {
        let response = IntrospectionResponse::parse(said.to_string().as_bytes()).unwrap();
        let name = ISSUER.parse().unwrap();
        let claims = verifier(entry).verify_introspected(&name, &response, None, secs(NOW), None);
        let claims = claims.unwrap_or_else(|fault| panic!("{issuer}: {fault}"));
        assert_eq!(claims.subject().as_str(), subject, "{issuer}");
        assert_eq!(claims.scopes().to_string(), scopes, "{issuer}");
    }
}

#[test]
fn an_answer_is_compared_with_the_claim_that_the_subject_came_from() {
    let key = TestKey::shared(Algorithm::Hs256);
    let by_oid = verifier(entry().subject_from(["oid"]));
    let claims = judge(&by_oid, &Forge::valid(key).claim("oid", "o-1").sign(key), NOW).unwrap();
    let confirms = |changes: &[(&str, Value)]| answer(changes).confirms(&claims);
    assert_eq!(confirms(&[]), Ok(()), "its sub is another name for the same");
    assert_eq!(confirms(&[("oid", json!("o-1"))]), Ok(()));
    assert_eq!(confirms(&[("oid", json!("o-2"))]), Err(VerifyError::OtherAnswer));
}

#[test]
fn nobody_is_asked_about_an_issuer_who_is_not_trusted() {
    let other = "https://other.example".parse().unwrap();
    let verdict =
        verifier(entry()).verify_introspected(&other, &answer(&[]), None, secs(NOW), None);
    assert_eq!(verdict, Err(VerifyError::IssuerUnknown));
}

#[test]
fn an_answer_is_an_object_that_says_active_or_not() {
    for bad in [
        "",
        "[]",
        "true",
        "{}",
        r#"{"active":"true"}"#,
        r#"{"active":1}"#,
        r#"{"active":null}"#,
        r#"{"active":true,"active":false}"#,
        r#"{"active":true,"aud":"a","aud":"b"}"#,
    ] {
        assert!(IntrospectionResponse::parse(bad.as_bytes()).is_err(), "{bad}");
    }
    let no = IntrospectionResponse::parse(br#"{"active":false}"#).unwrap();
    assert!(!no.is_active());
    assert_eq!(answer(&[]).expires_at(), Some(secs(NOW + 60)));
    assert!(!format!("{:?}", answer(&[])).contains("user-userson"));
}

#[test]
fn a_verified_token_is_confirmed_by_an_answer_about_it_and_by_no_other() {
    let key = TestKey::shared(Algorithm::Hs256);
    let claims = judge(&verifier(entry()), &Forge::valid(key).sign(key), NOW).unwrap();
    let confirms =
        |text: &str| IntrospectionResponse::parse(text.as_bytes()).unwrap().confirms(&claims);
    assert_eq!(confirms(r#"{"active":true}"#), Ok(()));
    assert_eq!(answer(&[]).confirms(&claims), Ok(()));
    assert_eq!(confirms(r#"{"active":false}"#), Err(VerifyError::Inactive));
    for (name, value) in [("sub", "other"), ("iss", "https://other.example")] {
        let answer = answer(&[(name, json!(value))]);
        assert_eq!(answer.confirms(&claims), Err(VerifyError::OtherAnswer), "{name}");
    }
}
