//! Issuers differ: what an entry can say of its issuer, and that it says it of no other.

use auth_core::{
    Algorithm, Claims, DecodedToken, IssuerKeys, KeyLookupError, KeySet, TokenTypes, TrustedIssuer,
    UnverifiedToken, VerifyError,
};
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};

use crate::support::{judge, roles, secs, token, trusted, verifier};

fn key() -> &'static TestKey {
    TestKey::shared(Algorithm::Es256)
}

fn entry() -> TrustedIssuer {
    trusted(key())
}

fn verdict(entry: TrustedIssuer, forge: &Forge) -> Result<Claims, VerifyError> {
    judge(&verifier(entry), &forge.sign(key()), NOW)
}

fn scopes(entry: TrustedIssuer, forge: &Forge) -> Result<String, VerifyError> {
    verdict(entry, forge).map(|claims| claims.scopes().to_string())
}

#[test]
fn an_issuers_audiences_take_the_place_of_the_resources_own() {
    let api = "api://00000000-0000-0000-0000-000000000001";
    let entry = || entry().audiences([api.parse().unwrap(), "other".parse().unwrap()]);
    let with = |aud: Value| Forge::valid(key()).claim("aud", aud);
    assert!(verdict(entry(), &with(json!(api))).is_ok());
    assert!(verdict(entry(), &with(json!(["x", "other"]))).is_ok());
    for aud in [json!(RESOURCE), json!("api://0"), json!(["x"])] {
        assert_eq!(verdict(entry(), &with(aud)), Err(VerifyError::AudienceMismatch));
    }
    let nobody = self::entry().audiences([]);
    assert_eq!(verdict(nobody, &with(json!(RESOURCE))), Err(VerifyError::AudienceMismatch));
}

#[test]
fn another_claim_can_stand_in_for_aud_and_an_aud_beside_it_still_counts() {
    let entry = || entry().audience_claim("client_id").audiences(["our-client".parse().unwrap()]);
    let bare = Forge::valid(key()).without_claim("aud").claim("client_id", "our-client");
    assert!(verdict(entry(), &bare).is_ok());
    let other = bare.clone().claim("client_id", "other-client");
    assert_eq!(verdict(entry(), &other), Err(VerifyError::AudienceMismatch));
    let none = bare.clone().without_claim("client_id");
    assert_eq!(verdict(entry(), &none), Err(VerifyError::AudienceMissing));
    // The client is ours and so is the resource; then the resource is another's.
    for aud in [json!(RESOURCE), json!("our-client"), json!(["x", RESOURCE])] {
        assert!(verdict(entry(), &bare.clone().claim("aud", aud)).is_ok());
    }
    let elsewhere = bare.clone().claim("aud", "https://other.example/mcp");
    assert_eq!(verdict(entry(), &elsewhere), Err(VerifyError::AudienceMismatch));
    let odd = bare.claim("aud", json!(1));
    assert_eq!(verdict(entry(), &odd), Err(VerifyError::Claim("aud")));
}

#[test]
fn an_algorithm_that_the_entry_does_not_list_is_refused_before_its_key_is_looked_for() {
    let with = |algorithms: &[Algorithm]| entry().algorithms(algorithms.iter().copied());
    let good = Forge::valid(key());
    assert!(verdict(with(&[Algorithm::Rs256, Algorithm::Es256]), &good).is_ok());
    let refused = Err(VerifyError::AlgorithmNotPermitted);
    assert_eq!(verdict(with(&[Algorithm::Rs256]), &good), refused);
    assert_eq!(verdict(with(&[]), &good), refused);
    assert_eq!(verdict(with(&[Algorithm::Rs256]), &good.header("kid", "unknown")), refused);
}

#[test]
fn a_missing_typ_passes_only_where_any_is_permitted_and_look_alikes_never_do() {
    let any = || entry().token_types(TokenTypes::Any);
    let untyped = Forge::valid(key()).without_header("typ");
    assert!(verdict(any(), &untyped).is_ok());
    for typ in ["JWT", "at+jwt", "application/at+jwt"] {
        assert!(verdict(any(), &Forge::valid(key()).header("typ", typ)).is_ok(), "{typ}");
    }
    for typ in ["dpop+jwt", "logout+jwt", ""] {
        let forge = Forge::valid(key()).header("typ", typ);
        assert_eq!(verdict(any(), &forge), Err(VerifyError::TokenType), "{typ}");
    }
    for (name, value) in [("nonce", "n"), ("at_hash", "h"), ("typ", "Refresh"), ("token_use", "id")]
    {
        let forge = untyped.clone().claim(name, value);
        assert_eq!(verdict(any(), &forge), Err(VerifyError::OtherToken), "{name}");
    }
}

#[test]
fn scopes_are_found_where_the_entry_says_and_are_a_union() {
    let forge = Forge::valid(key())
        .claim("scope", "A B")
        .claim("scp", json!(["B", "C"]))
        .claim("permissions", json!(["read:x"]))
        .claim("scopes", "D E");
    assert_eq!(scopes(entry(), &forge), Ok("A B".into()));
    let from = |claims: &[&str]| entry().scopes_from(claims.iter().copied());
    assert_eq!(scopes(from(&["scp"]), &forge), Ok("B C".into()));
    assert_eq!(scopes(from(&["scopes"]), &forge), Ok("D E".into()));
    let all = from(&["scope", "scp", "permissions", "scopes", "absent"]);
    assert_eq!(scopes(all, &forge), Ok("A B C D E read:x".into()));
    assert_eq!(scopes(from(&[]), &forge), Ok(String::new()));
    assert_eq!(scopes(from(&["scp"]), &Forge::valid(key()).claim("scp", "")), Ok(String::new()));
}

#[test]
fn scopes_of_the_wrong_shape_are_refused_and_scope_is_never_a_list() {
    let from = |claim: &str| entry().scopes_from([claim]);
    for bad in [json!(1), Value::Null, json!([1]), json!(["a b"]), json!([""]), json!("a  b")] {
        let forge = Forge::valid(key()).claim("scp", bad.clone());
        assert_eq!(scopes(from("scp"), &forge), Err(VerifyError::Scopes), "{bad}");
    }
    let list = Forge::valid(key()).claim("scope", json!(["A"]));
    assert_eq!(scopes(from("scope"), &list), Err(VerifyError::Claim("scope")));
}

#[test]
fn what_an_issuer_grants_by_itself_is_added_to_its_tokens_and_to_no_others() {
    let grants = entry().scopes_from::<String>([]).grants("A B".parse().unwrap());
    assert_eq!(scopes(grants.clone(), &Forge::valid(key())), Ok("A B".into()));
    let other = "https://other.example";
    let keys = KeySet::from_iter([key().verifying()]);
    let two = verifier(grants).trust(TrustedIssuer::new(other.parse().unwrap(), keys));
    let forge = Forge::valid(key()).claim("iss", other).claim("scope", "C");
    let claims = judge(&two, &forge.sign(key()), NOW).unwrap();
    assert_eq!(claims.scopes().to_string(), "C");
}

#[test]
fn roles_are_found_along_paths_and_are_a_union() {
    let forge = Forge::valid(key())
        .claim("roles", json!(["r"]))
        .claim("groups", json!(["g"]))
        .claim("realm_access", json!({ "roles": ["realm"] }))
        .claim("resource_access", json!({ "my.app": { "roles": ["app"] } }))
        .claim("https://ex.com/roles", json!(["url"]));
    let held = |paths: &[&str]| {
        let entry = entry().trust_roles(true).roles_from(paths.iter().copied());
        verdict(entry, &forge).map(|claims| claims.roles().clone())
    };
    assert_eq!(held(&["realm_access.roles"]), Ok(roles(["realm"])));
    assert_eq!(held(&["resource_access.my.app.roles"]), Ok(roles(["app"])));
    assert_eq!(held(&["https://ex.com/roles"]), Ok(roles(["url"])));
    assert_eq!(held(&["roles", "groups", "x.y"]), Ok(roles(["r", "g"])));
    assert_eq!(held(&[]), Ok(roles([])));
    assert_eq!(held(&["realm_access"]), Err(VerifyError::Claim("roles")));
    let untrusted = entry().roles_from(["groups"]);
    assert_eq!(verdict(untrusted, &forge).unwrap().roles(), &roles([]));
}

#[test]
fn the_client_is_read_from_the_first_claim_that_is_there() {
    let client = |claims: &[(&str, Value)]| {
        let bare = Forge::valid(key()).without_claim("client_id");
        let forge = claims.iter().fold(bare, |forge, (n, v)| forge.claim(n, v.clone()));
        verdict(entry(), &forge).map(|claims| claims.client_id().map(ToString::to_string))
    };
    assert_eq!(client(&[]), Ok(None));
    assert_eq!(client(&[("azp", json!("z"))]), Ok(Some("z".into())));
    assert_eq!(client(&[("cid", json!("c"))]), Ok(Some("c".into())));
    assert_eq!(client(&[("appid", json!("a"))]), Ok(Some("a".into())));
    let all = [("appid", json!("a")), ("azp", json!("z")), ("client_id", json!("i"))];
    assert_eq!(client(&all), Ok(Some("i".into())));
    assert_eq!(client(&[("azp", json!(1))]), Err(VerifyError::Claim("azp")));
}

#[test]
fn keys_that_are_given_for_one_call_take_the_place_of_the_issuers_own() {
    let (old, new) = (TestKey::shared(Algorithm::Es256), TestKey::shared(Algorithm::EdDsa));
    let keys = |issuer: &str, key: &TestKey| {
        IssuerKeys::new(issuer.parse().unwrap(), KeySet::from_iter([key.verifying()]))
    };
    let verifier = verifier(trusted(old));
    let (with_old, with_new) =
        (token(&Forge::valid(old).sign(old)), token(&Forge::valid(new).sign(new)));
    let judge = |token, keys: Option<&IssuerKeys>| {
        let decoded = DecodedToken::decode(token).unwrap();
        let parsed = UnverifiedToken::parse(&decoded).unwrap();
        verifier.verify_parsed(&parsed, keys, secs(NOW)).map(drop)
    };
    let unknown = Err(VerifyError::Key(KeyLookupError::UnknownKey));
    let fetched = keys(ISSUER, new);
    assert_eq!((judge(&with_old, None), judge(&with_new, None)), (Ok(()), unknown));
    assert_eq!(judge(&with_new, Some(&fetched)), Ok(()));
    assert_eq!(judge(&with_old, Some(&fetched)), unknown);
    // Another issuer's keys are none, however well they would fit.
    assert_eq!(judge(&with_new, Some(&keys("https://other.example", new))), unknown);
}
