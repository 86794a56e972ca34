//! The rules of verifying that one key and one fault do not show.

use auth_core::{
    Algorithm, Audience, ClaimFault, Jwks, KeyId, KeyLookupError, KeySet, Leeway, ParseTokenError,
    SigningKey, TokenTypes, TokenVerifier, TrustedIssuer, UnverifiedToken, VerifyError,
};
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};

use crate::support::{judge, leeway, roles, secs, token, trusted, verifier};

fn hs256() -> &'static TestKey {
    TestKey::shared(Algorithm::Hs256)
}

/// The verdict on a token that is good but for one change of its claims or header.
fn verdict(entry: TrustedIssuer, forge: &Forge) -> Result<(), VerifyError> {
    judge(&verifier(entry), &forge.sign(hs256()), NOW).map(drop)
}

#[test]
fn a_verified_token_says_what_it_said() {
    let forge = Forge::valid(hs256())
        .claim("aud", json!(["https://other.example", RESOURCE]))
        .claim("jti", "id-1")
        .claim("exp", 1_800_000_060.9)
        .claim("roles", json!(["admin"]))
        .claim("tenant", json!({"id": 7}));
    let claims = judge(&verifier(trusted(hs256())), &forge.sign(hs256()), NOW).unwrap();
    assert_eq!(claims.issuer().as_str(), ISSUER);
    assert_eq!(claims.subject().as_str(), "user-userson");
    let audiences: Vec<_> = claims.audiences().iter().map(Audience::as_str).collect();
    assert_eq!(audiences, ["https://other.example", RESOURCE]);
    assert_eq!(claims.expires_at(), secs(NOW + 60));
    assert_eq!(claims.issued_at(), Some(secs(NOW)));
    assert_eq!(claims.not_before(), Some(secs(NOW)));
    assert_eq!(claims.token_id().unwrap().as_str(), "id-1");
    assert_eq!(claims.client_id().unwrap().as_str(), "testkit");
    assert_eq!(claims.name(), Some("User Userson"));
    assert_eq!(claims.scopes().to_string(), "Admin.Write User.Read");
    assert!(claims.roles().is_empty());
    assert_eq!(
        Value::Object(claims.other().clone()),
        json!({"roles": ["admin"], "tenant": {"id": 7}})
    );
}

#[test]
fn what_may_be_missing_is_missing() {
    let optional = ["iat", "nbf", "jti", "client_id", "name", "scope"];
    let forge =
        optional.iter().fold(Forge::valid(hs256()), |forge, name| forge.without_claim(name));
    let claims = judge(&verifier(trusted(hs256())), &forge.sign(hs256()), NOW).unwrap();
    assert_eq!((claims.issued_at(), claims.not_before()), (None, None));
    assert_eq!((claims.token_id(), claims.client_id(), claims.name()), (None, None, None));
    assert!(claims.scopes().is_empty() && claims.other().is_empty());
}

#[test]
fn time_is_judged_to_the_second_on_both_sides_of_the_leeway() {
    for seconds in [0, 1, 30, 300] {
        let verifier = verifier(trusted(hs256())).leeway(leeway(seconds));
        let skew = i64::try_from(seconds).unwrap();
        let verdict = |name, date: i64| {
            let forge =
                Forge::valid(hs256()).without_claim("nbf").without_claim("iat").claim(name, date);
            judge(&verifier, &forge.sign(hs256()), NOW).map(drop)
        };
        for (name, date, expected) in [
            ("exp", NOW - skew - 1, Err(VerifyError::Expired)),
            ("exp", NOW - skew, Err(VerifyError::Expired)),
            ("exp", NOW - skew + 1, Ok(())),
            ("nbf", NOW + skew - 1, Ok(())),
            ("nbf", NOW + skew, Ok(())),
            ("nbf", NOW + skew + 1, Err(VerifyError::NotYetValid)),
            ("iat", NOW + skew - 1, Ok(())),
            ("iat", NOW + skew, Ok(())),
            ("iat", NOW + skew + 1, Err(VerifyError::IssuedInFuture)),
        ] {
            assert_eq!(verdict(name, date), expected, "{name} {} leeway {seconds}", date - NOW);
        }
    }
}

#[test]
fn the_leeway_is_thirty_seconds_unless_it_is_set() {
    let text = Forge::valid(hs256()).claim("exp", NOW).sign(hs256());
    let verifier = verifier(trusted(hs256()));
    assert!(judge(&verifier, &text, NOW + 29).is_ok());
    assert_eq!(judge(&verifier, &text, NOW + 30), Err(VerifyError::Expired));
}

#[test]
fn an_issuer_may_have_a_leeway_of_its_own() {
    let judged = |claim: &str, date: i64| {
        let verifier = verifier(trusted(hs256()).leeway(Leeway::SAME_CLOCK)).leeway(leeway(30));
        let forge = Forge::valid(hs256()).without_claim("nbf").without_claim("iat");
        judge(&verifier, &forge.claim(claim, date).sign(hs256()), NOW).map(drop)
    };
    assert_eq!(judged("exp", NOW - 1), Ok(()));
    assert_eq!(judged("exp", NOW - 2), Err(VerifyError::Expired));
    assert_eq!(judged("nbf", NOW + 3), Err(VerifyError::NotYetValid));
    assert_eq!(judged("iat", NOW + 2), Ok(()));
    assert_eq!(judged("iat", NOW + 3), Err(VerifyError::IssuedInFuture));
}

#[test]
fn the_checks_come_in_the_documented_order() {
    // Each step adds a fault of an earlier check, which then is the one that is told.
    let key = TestKey::shared(Algorithm::EdDsa);
    let verifier = verifier(trusted(key));
    let mut forge = Forge::valid(key);
    let mut told = |change: &dyn Fn(Forge) -> Forge| {
        forge = change(forge.clone());
        judge(&verifier, &forge.sign_with(|_| vec![0; 64]), NOW).unwrap_err()
    };
    assert_eq!(told(&|forge| forge), VerifyError::Signature);
    assert_eq!(
        told(&|forge| forge.claim("client_id", 1)),
        VerifyError::Claim("client_id", ClaimFault::NotText)
    );
    assert_eq!(
        told(&|forge| forge.claim("jti", 1)),
        VerifyError::Claim("jti", ClaimFault::NotText)
    );
    assert_eq!(
        told(&|forge| forge.claim("scope", 1)),
        VerifyError::Claim("scope", ClaimFault::NotTexts)
    );
    assert_eq!(told(&|forge| forge.claim("cnf", json!({}))), VerifyError::SenderConstrained);
    assert_eq!(told(&|forge| forge.without_claim("sub")), VerifyError::SubjectMissing);
    assert_eq!(told(&|forge| forge.claim("iat", NOW + 99)), VerifyError::IssuedInFuture);
    assert_eq!(told(&|forge| forge.claim("nbf", NOW + 99)), VerifyError::NotYetValid);
    assert_eq!(told(&|forge| forge.claim("exp", NOW - 99)), VerifyError::Expired);
    assert_eq!(told(&|forge| forge.claim("aud", "other")), VerifyError::AudienceMismatch);
    let unknown_key = VerifyError::Key(KeyLookupError::UnknownKey);
    assert_eq!(told(&|forge| forge.header("kid", "other")), unknown_key);
    assert_eq!(told(&|forge| forge.claim("iss", "other")), VerifyError::IssuerUnknown);
    assert_eq!(told(&|forge| forge.without_claim("iss")), VerifyError::IssuerMissing);
    assert_eq!(told(&|forge| forge.header("typ", "JWT")), VerifyError::TokenType);
    let critical = VerifyError::Form(ParseTokenError::Critical);
    assert_eq!(told(&|forge| forge.header("crit", json!(["x"]))), critical);
}

#[test]
fn a_verifier_that_trusts_nobody_refuses_the_best_token() {
    let nobody = TokenVerifier::new(RESOURCE.parse().unwrap());
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let verdict = judge(&nobody, &Forge::valid(key).sign(key), NOW);
        assert_eq!(verdict, Err(VerifyError::IssuerUnknown));
    }
}

#[test]
fn an_issuer_without_an_entry_is_never_accepted() {
    let verifier = verifier(trusted(hs256()).token_types(TokenTypes::AccessTokenOrJwt));
    let stranger = Forge::valid(hs256()).claim("iss", "https://other.example");
    assert_eq!(judge(&verifier, &stranger.sign(hs256()), NOW), Err(VerifyError::IssuerUnknown));
    // Another entry's permission for plain JWT does not reach a stranger.
    assert_eq!(
        judge(&verifier, &stranger.header("typ", "JWT").sign(hs256()), NOW),
        Err(VerifyError::TokenType)
    );
}

#[test]
fn an_issuer_without_keys_vouches_for_nothing() {
    let entry = || TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::default());
    let unknown = Err(VerifyError::Key(KeyLookupError::UnknownKey));
    assert_eq!(verdict(entry(), &Forge::valid(hs256())), unknown);
    assert_eq!(verdict(entry(), &Forge::valid(hs256()).header("kid", "k")), unknown);
}

#[test]
fn a_second_entry_takes_the_place_of_the_first() {
    let (old, new) = (TestKey::shared(Algorithm::Es256), TestKey::generate(Algorithm::Es256));
    let verifier = verifier(trusted(old)).trust(trusted(&new));
    assert!(judge(&verifier, &Forge::valid(&new).sign(&new), NOW).is_ok());
    let verdict = judge(&verifier, &Forge::valid(old).sign(old), NOW);
    assert_eq!(verdict, Err(VerifyError::Key(KeyLookupError::UnknownKey)));
}

#[test]
fn a_key_of_another_issuer_under_the_same_kid_counts_for_nothing() {
    for algorithm in Algorithm::ALL {
        let [ours, theirs] = [(); 2].map(|()| TestKey::generate(algorithm));
        let keys =
            |key: &TestKey| KeySet::from_iter([key.verifying().with_id("shared".parse().unwrap())]);
        let other = "https://other.example";
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap())
            .trust(TrustedIssuer::new(ISSUER.parse().unwrap(), keys(&ours)))
            .trust(TrustedIssuer::new(other.parse().unwrap(), keys(&theirs)));
        let forge = Forge::valid(&ours).header("kid", "shared");
        let of_other = forge.clone().claim("iss", other);
        assert!(judge(&verifier, &forge.sign(&ours), NOW).is_ok());
        assert!(judge(&verifier, &of_other.sign(&theirs), NOW).is_ok());
        for crossed in [forge.sign(&theirs), of_other.sign(&ours)] {
            assert_eq!(judge(&verifier, &crossed, NOW), Err(VerifyError::Signature));
        }
    }
}

#[test]
fn a_token_without_kid_is_refused_where_two_keys_would_fit() {
    for algorithm in Algorithm::ALL {
        let [one, two] = [(); 2].map(|()| TestKey::generate(algorithm));
        let named = |key: &TestKey, id: &str| key.verifying().with_id(id.parse().unwrap());
        let keys = KeySet::from_iter([named(&one, "one"), named(&two, "two")]);
        let verifier = verifier(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
        let forge = Forge::valid(&one).without_header("kid");
        for key in [&one, &two] {
            let verdict = judge(&verifier, &forge.sign(key), NOW);
            assert_eq!(verdict, Err(VerifyError::Key(KeyLookupError::Ambiguous)));
        }
        let forge = forge.header("kid", "two");
        assert!(judge(&verifier, &forge.sign(&two), NOW).is_ok());
        assert_eq!(judge(&verifier, &forge.sign(&one), NOW), Err(VerifyError::Signature));
    }
}

#[test]
fn a_key_that_is_found_by_its_name_makes_no_token_ambiguous() {
    for algorithm in Algorithm::ALL {
        let [one, two] = [(); 2].map(|()| TestKey::generate(algorithm));
        let named = |key: &TestKey, id: &str| key.verifying().with_id(id.parse().unwrap());
        let keys = KeySet::from_iter([named(&one, "one")]).and_named([named(&two, "two")]);
        let verifier = verifier(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
        let without = Forge::valid(&one).without_header("kid");
        assert!(judge(&verifier, &without.sign(&one), NOW).is_ok());
        assert_eq!(judge(&verifier, &without.sign(&two), NOW), Err(VerifyError::Signature));
        let by_name = without.clone().header("kid", "two");
        assert!(judge(&verifier, &by_name.sign(&two), NOW).is_ok());
        // Alone it serves no token that names none.
        let keys = KeySet::default().and_named([named(&two, "two")]);
        assert!(!keys.is_empty() && keys.iter().count() == 1);
        let trusted = TrustedIssuer::new(ISSUER.parse().unwrap(), keys);
        let verdict = judge(&self::verifier(trusted), &without.sign(&two), NOW);
        assert_eq!(verdict, Err(VerifyError::Key(KeyLookupError::AlgorithmMismatch)));
    }
}

#[test]
fn a_token_without_kid_finds_the_one_key_of_its_algorithm() {
    let all = Algorithm::ALL.map(TestKey::shared);
    let keys: KeySet = all.iter().map(|key| key.verifying()).collect();
    let verifier = verifier(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
    for key in all {
        let forge = Forge::valid(key).without_header("kid");
        assert!(judge(&verifier, &forge.sign(key), NOW).is_ok());
        // Another key's signature is never tried, whatever its algorithm.
        for other in all.iter().filter(|other| other.algorithm() != key.algorithm()) {
            let verdict = judge(&verifier, &forge.sign(other), NOW);
            assert_eq!(verdict, Err(VerifyError::Signature));
        }
    }
}

#[test]
fn a_public_key_is_no_secret_even_where_a_secret_is_trusted_too() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = TestKey::shared(algorithm);
        let keys = KeySet::from_iter([key.verifying(), hs256().verifying()]);
        let verifier = verifier(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
        let pem = key.public_pem().unwrap();
        let sign = |message: &[u8]| {
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, pem.as_bytes());
            aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
        };
        let forge = Forge::valid(key).header("alg", "HS256");
        assert_eq!(
            judge(&verifier, &forge.sign_with(sign), NOW),
            Err(VerifyError::Key(KeyLookupError::AlgorithmMismatch))
        );
        assert_eq!(
            judge(&verifier, &forge.without_header("kid").sign_with(sign), NOW),
            Err(VerifyError::Signature)
        );
    }
}

#[test]
fn a_kid_that_keys_of_several_kinds_share_means_the_one_of_the_algorithm() {
    let [one, two] = [Algorithm::Es256, Algorithm::EdDsa].map(TestKey::shared);
    let same = |key: &TestKey| key.verifying().with_id("same".parse().unwrap());
    let keys = KeySet::from_iter([same(one), same(two)]);
    let verifier = verifier(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
    let text = |key| Forge::valid(key).header("kid", "same").sign(key);
    for key in [one, two] {
        assert!(judge(&verifier, &text(key), NOW).is_ok(), "RFC 7517 section 4.5");
    }
    let other = TestKey::shared(Algorithm::Rs256);
    let mismatch = VerifyError::Key(KeyLookupError::AlgorithmMismatch);
    assert_eq!(judge(&verifier, &text(other), NOW), Err(mismatch));
}

#[test]
fn ed25519_has_two_names() {
    let key = TestKey::shared(Algorithm::EdDsa);
    let mut jwk = serde_json::to_value(key.verifying().to_jwk().unwrap()).unwrap();
    for of_key in ["EdDSA", "Ed25519"] {
        jwk["alg"] = json!(of_key);
        let set = Jwks::parse(&json!({ "keys": [jwk] }).to_string()).unwrap();
        assert!(set.unusable.is_empty(), "{of_key}");
        let entry = TrustedIssuer::new(ISSUER.parse().unwrap(), set.keys.into_iter().collect());
        let entry = entry.algorithms(["Ed25519".parse().unwrap()]);
        for of_token in ["EdDSA", "Ed25519"] {
            let text = Forge::valid(key).header("alg", of_token).sign(key);
            assert!(judge(&verifier(entry.clone()), &text, NOW).is_ok(), "{of_key} {of_token}");
        }
    }
    jwk["alg"] = json!("Ed448");
    assert_eq!(Jwks::parse(&json!({ "keys": [jwk] }).to_string()).unwrap().unusable.len(), 1);
}

#[test]
fn plain_jwt_is_accepted_where_the_issuers_entry_permits_it() {
    let lax = || trusted(hs256()).token_types(TokenTypes::AccessTokenOrJwt);
    let typed = |typ: &str| Forge::valid(hs256()).header("typ", typ);
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "At+Jwt"] {
        assert_eq!(verdict(lax(), &typed(typ)), Ok(()), "{typ}");
    }
    for (name, value) in [
        ("typ", json!("Bearer")),
        ("typ", Value::Null),
        ("token_use", json!("access")),
        ("token_use", json!("access_token")),
        ("token_use", Value::Null),
    ] {
        assert_eq!(verdict(lax(), &typed("JWT").claim(name, value)), Ok(()), "{name}");
    }
    for typ in ["dpop+jwt", "application/jwt", "logout+jwt", "jwt ", ""] {
        assert_eq!(verdict(lax(), &typed(typ)), Err(VerifyError::TokenType), "{typ}");
    }
    let untyped = Forge::valid(hs256()).without_header("typ");
    assert_eq!(verdict(lax(), &untyped), Err(VerifyError::TokenType));
    assert_eq!(verdict(trusted(hs256()), &typed("JWT")), Err(VerifyError::TokenType));
}

#[test]
fn an_id_token_or_a_refresh_token_is_refused_where_plain_jwt_is_permitted() {
    for (name, value) in [
        ("nonce", json!("n")),
        ("nonce", Value::Null),
        ("at_hash", json!("h")),
        ("c_hash", json!("h")),
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
        ("typ", json!("bearer")),
        ("typ", json!(1)),
        ("token_use", json!("id")),
        ("token_use", json!("refresh")),
    ] {
        let lax = trusted(hs256()).token_types(TokenTypes::AccessTokenOrJwt);
        let forge = Forge::valid(hs256()).header("typ", "JWT").claim(name, value.clone());
        assert_eq!(verdict(lax, &forge), Err(VerifyError::OtherToken), "{name} {value}");
    }
}

#[test]
fn a_permission_for_plain_jwt_is_one_issuers_own() {
    let other = "https://other.example";
    let keys = || KeySet::from_iter([hs256().verifying()]);
    let verifier = verifier(trusted(hs256())).trust(
        TrustedIssuer::new(other.parse().unwrap(), keys())
            .token_types(TokenTypes::AccessTokenOrJwt),
    );
    let forge = Forge::valid(hs256()).header("typ", "JWT");
    let verdict = judge(&verifier, &forge.sign(hs256()), NOW);
    assert_eq!(verdict, Err(VerifyError::TokenType));
    assert!(judge(&verifier, &forge.claim("iss", other).sign(hs256()), NOW).is_ok());
}

#[test]
fn roles_count_only_where_they_are_trusted() {
    let held = |entry, value: Value| {
        let forge = Forge::valid(hs256()).claim("roles", value);
        judge(&verifier(entry), &forge.sign(hs256()), NOW).map(|claims| claims.roles().clone())
    };
    let ignoring = || trusted(hs256());
    let trusting = || trusted(hs256()).trust_roles(true);
    let list = json!(["user", "admin", "user"]);
    assert_eq!(held(ignoring(), list.clone()), Ok(roles([])));
    assert_eq!(held(trusting(), list.clone()), Ok(roles(["admin", "user"])));
    assert_eq!(held(trusting().trust_roles(false), list), Ok(roles([])));
    // One role as IdentityServer writes it, and roles as Zitadel does.
    assert_eq!(held(trusting(), json!("admin")), Ok(roles(["admin"])));
    let zitadel = json!({ "admin": { "1": "org.example" }, "user": { "1": "org.example" } });
    assert_eq!(held(trusting(), zitadel), Ok(roles(["admin", "user"])));
    // What cannot be the name of a role is none, and voids nothing.
    let odd = json!(["", "x".repeat(256), 1, null, "admin"]);
    assert_eq!(held(trusting(), odd), Ok(roles(["admin"])));
    assert_eq!(held(trusting(), Value::Null), Ok(roles([])));
    for bad in [json!(1), json!(true), json!({"admin": 1})] {
        assert_eq!(held(ignoring(), bad.clone()), Ok(roles([])), "{bad}");
        let fault = VerifyError::Claim("roles", ClaimFault::NotRoles);
        assert_eq!(held(trusting(), bad.clone()), Err(fault), "{bad}");
    }
    let none = judge(&verifier(trusting()), &Forge::valid(hs256()).sign(hs256()), NOW);
    assert!(none.unwrap().roles().is_empty());
}

#[test]
fn another_secret_of_the_right_length_signs_nothing() {
    let stranger = SigningKey::from_secret(&[1; 32]).unwrap().verifying_key().unwrap();
    let entry = TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([stranger]));
    assert_eq!(verdict(entry, &Forge::valid(hs256())), Err(VerifyError::Signature));
}

#[test]
fn each_token_has_its_own_header_whichever_came_before() {
    let with = |kid: &str| token(&Forge::valid(hs256()).header("kid", kid).sign(hs256()));
    let (one, other) = (with("a"), with("b"));
    let broken = token(&Forge::valid(hs256()).header("kid", 7).sign(hs256()));
    for _ in 0..2 {
        for (text, kid) in [(&one, "a"), (&one, "a"), (&other, "b")] {
            let unverified = UnverifiedToken::parse(text).unwrap();
            assert_eq!(unverified.key_id().map(KeyId::as_str), Some(kid));
        }
        assert_eq!(UnverifiedToken::parse(&broken).err(), Some(ParseTokenError::Header));
    }
}

#[test]
fn an_unverified_token_tells_which_key_to_ask_for_and_no_more() {
    let key = TestKey::shared(Algorithm::Es256);
    let text = token(&Forge::valid(key).sign_with(|_| Vec::new()));
    let unverified = UnverifiedToken::parse(&text).unwrap();
    assert_eq!(unverified.unverified_issuer(), Some(&ISSUER.parse().unwrap()));
    assert_eq!(unverified.key_id(), key.signing().id());
    assert_eq!(unverified.algorithm(), Algorithm::Es256);
    for iss in [json!([ISSUER]), json!(""), json!(1), Value::Null] {
        let text = token(&Forge::valid(key).claim("iss", iss).sign(key));
        assert_eq!(UnverifiedToken::parse(&text).unwrap().unverified_issuer(), None);
    }
}
