//! Issuers differ: what an entry can say of its issuer, and that it says it of no other.

use auth_core::{
    Algorithm, Check, ClaimFault, Claims, IssuerKeys, KeyLookupError, KeySet, TokenTypes,
    TrustedIssuer, UnverifiedToken, VerifyError,
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
    assert_eq!(verdict(entry(), &odd), Err(VerifyError::Claim("aud", ClaimFault::NotText)));
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
    for said in ["access", "access_token"] {
        assert!(verdict(any(), &untyped.clone().claim("token_use", said)).is_ok(), "{said}");
    }
    for name in ["typ", "token_use"] {
        assert!(verdict(any(), &untyped.clone().claim(name, Value::Null)).is_ok(), "{name}");
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
fn scopes_of_the_wrong_shape_are_refused_and_the_claim_is_named() {
    let from = |claim: &str| entry().scopes_from([claim]);
    for (bad, fault) in [
        (json!(1), ClaimFault::NotTexts),
        (json!({}), ClaimFault::NotTexts),
        (json!([1]), ClaimFault::NotTexts),
        (json!(["a b"]), ClaimFault::NotScopes),
        (json!([""]), ClaimFault::NotScopes),
        (json!("a  b"), ClaimFault::NotScopes),
    ] {
        for (claim, told) in [("scp", "scp"), ("odd", "a claim of scopes_from")] {
            let forge = Forge::valid(key()).claim(claim, bad.clone());
            let expected = Err(VerifyError::Claim(told, fault));
            assert_eq!(scopes(from(claim), &forge), expected, "{bad}");
        }
    }
    let null = Forge::valid(key()).claim("scp", Value::Null);
    assert_eq!(scopes(from("scp"), &null), Ok(String::new()));
}

#[test]
fn scope_is_a_list_only_where_the_entry_names_it() {
    // IdentityServer and PingFederate.
    let list = Forge::valid(key()).claim("scope", json!(["A", "B"]));
    let fault = VerifyError::Claim("scope", ClaimFault::List);
    assert_eq!(scopes(entry(), &list), Err(fault));
    assert!(fault.to_string().contains("scopes_from"), "{fault}");
    assert_eq!(scopes(entry().scopes_from(["scope"]), &list), Ok("A B".into()));
    assert_eq!(scopes(entry().scopes_from(["scp", "scope"]), &list), Ok("A B".into()));
    let text = Forge::valid(key()).claim("scope", "A B");
    assert_eq!(scopes(entry().scopes_from(["scope"]), &text), Ok("A B".into()));
}

#[test]
fn the_subject_is_the_first_claim_that_the_entry_names_and_is_there() {
    let entry = || entry().subject_from(["oid", "sub", "client_id"]);
    let subject =
        |forge: &Forge| verdict(entry(), forge).map(|claims| claims.subject().as_str().to_owned());
    let forge = Forge::valid(key()).claim("client_id", "machine");
    assert_eq!(subject(&forge), Ok("user-userson".into()));
    assert_eq!(subject(&forge.clone().claim("oid", "o-1")), Ok("o-1".into()));
    let bare = forge.clone().without_claim("sub").claim("oid", Value::Null);
    assert_eq!(subject(&bare), Ok("machine".into()));
    // What is there and wrong is not passed over.
    for (value, fault) in [(json!(7), ClaimFault::NotText), (json!(""), ClaimFault::Empty)] {
        let verdict = subject(&forge.clone().claim("oid", value));
        // The check that the log shows is the subject's.
        assert_eq!(verdict, Err(VerifyError::NamedClaim(Check::Subject, "oid", fault)));
    }
    let none = bare.without_claim("client_id");
    assert_eq!(subject(&none), Err(VerifyError::SubjectMissing));
    let machine = Forge::valid(key()).without_claim("sub").claim("client_id", "machine");
    assert_eq!(verdict(self::entry(), &machine), Err(VerifyError::SubjectMissing));
}

#[test]
fn a_reason_says_what_is_wrong_with_which_claim() {
    for (claim, value, says) in [
        ("sub", json!(4021), "sub is not a string"),
        ("sub", json!(""), "sub is empty"),
        ("exp", json!("5250"), "exp is not a date: a number of seconds since 1970"),
        ("jti", json!(1), "jti is not a string"),
        ("iss", json!([1]), "iss is not a string"),
        ("aud", json!({}), "aud is not a string"),
        ("client_id", json!("x".repeat(256)), "client_id is longer than 255 bytes"),
    ] {
        let fault = verdict(entry(), &Forge::valid(key()).claim(claim, value)).unwrap_err();
        assert_eq!(fault.to_string(), says);
    }
}

/// The claims of access tokens as issuers write them, with what is theirs alone.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn tokens_in_the_shapes_of_issuers_are_read() {
    let typed = |typ: Option<&str>, claims: &[(&str, Value)]| {
        let forge = claims
            .iter()
            .fold(Forge::valid(key()), |forge, (name, value)| forge.claim(name, value.clone()));
        match typ {
            Some(typ) => forge.header("typ", typ),
            None => forge.without_header("typ"),
        }
    };
    let any = || entry().token_types(TokenTypes::Any);
    let jwt = || entry().token_types(TokenTypes::AccessTokenOrJwt);
    for (issuer, entry, forge, subject, granted) in [
        (
            "Zitadel",
            jwt()
                .audiences(["290000000000000001".parse().unwrap()])
                .trust_roles(true)
                .roles_from(["urn:zitadel:iam:org:project:roles"])
                .grants("G".parse().unwrap()),
            typed(
                Some("JWT"),
                &[
                    ("aud", json!(["290000000000000002@project", "290000000000000001"])),
                    ("sub", json!("290000000000000003")),
                    ("scope", Value::Null),
                    ("urn:zitadel:iam:org:project:roles", json!({ "user": { "29": "x.example" } })),
                ],
            ),
            "290000000000000003",
            "G",
        ),
        (
            "Logto",
            entry(),
            typed(Some("at+jwt"), &[("sub", json!("foobar")), ("scope", json!("A B"))]),
            "foobar",
            "A B",
        ),
        (
            "Ory Hydra",
            jwt().scopes_from(["scp"]),
            typed(
                Some("JWT"),
                &[
                    ("sub", json!("foo@bar.example")),
                    ("ext", json!({})),
                    ("scp", json!(["A", "B"])),
                    ("aud", json!([RESOURCE])),
                ],
            ),
            "foo@bar.example",
            "A B",
        ),
        (
            "PingFederate",
            any().scopes_from(["scope"]).subject_from(["sub", "username", "client_id"]),
            typed(
                None,
                &[
                    ("sub", Value::Null),
                    ("username", json!("joe")),
                    ("client_id", json!("ro_client")),
                    ("scope", json!(["A", "B"])),
                ],
            ),
            "joe",
            "A B",
        ),
        (
            "PingOne",
            any(),
            typed(
                None,
                &[
                    ("aud", json!([RESOURCE])),
                    ("env", json!("env-id")),
                    ("org", json!("org-id")),
                    ("p1.rid", json!("r-1")),
                    ("scope", json!("A")),
                ],
            ),
            "user-userson",
            "A",
        ),
        (
            "IdentityServer",
            entry().scopes_from(["scope"]),
            typed(
                Some("at+jwt"),
                &[
                    ("aud", json!(["https://other.example", RESOURCE])),
                    ("scope", json!(["A", "B"])),
                    ("role", json!("admin")),
                    ("amr", json!(["pwd"])),
                ],
            ),
            "user-userson",
            "A B",
        ),
        (
            "Cognito",
            any().audience_claim("client_id").audiences(["testkit".parse().unwrap()]),
            typed(None, &[("aud", Value::Null), ("token_use", json!("access"))]),
            "user-userson",
            "Admin.Write User.Read",
        ),
        (
            "LemonLDAP::NG, a machine",
            jwt().subject_from(["sub", "client_id"]),
            typed(
                Some("JWT"),
                &[("sub", Value::Null), ("client_id", json!("robot")), ("scope", json!("A"))],
            ),
            "robot",
            "A",
        ),
    ] {
        let claims = verdict(entry, &forge).unwrap_or_else(|fault| panic!("{issuer}: {fault}"));
        assert_eq!(claims.subject().as_str(), subject, "{issuer}");
        assert_eq!(claims.scopes().to_string(), granted, "{issuer}");
    }
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
    let fault = VerifyError::Claim("a claim of roles_from", ClaimFault::NotRoles);
    assert_eq!(held(&["realm_access"]), Err(fault));
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
    assert_eq!(client(&[("client_id", Value::Null), ("azp", json!("z"))]), Ok(Some("z".into())));
    let fault = VerifyError::Claim("azp", ClaimFault::NotText);
    assert_eq!(client(&[("azp", json!(1))]), Err(fault));
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
        let parsed = UnverifiedToken::parse(token).unwrap();
        verifier.verify_parsed(&parsed, keys, secs(NOW), None).map(drop)
    };
    let unknown = Err(VerifyError::Key(KeyLookupError::UnknownKey));
    let fetched = keys(ISSUER, new);
    assert_eq!((judge(&with_old, None), judge(&with_new, None)), (Ok(()), unknown));
    assert_eq!(judge(&with_new, Some(&fetched)), Ok(()));
    assert_eq!(judge(&with_old, Some(&fetched)), unknown);
    // Another issuer's keys are none, however well they would fit.
    assert_eq!(judge(&with_new, Some(&keys("https://other.example", new))), unknown);
}
