//! The negative matrix: every fault is refused, and by the very check that is there for it.

use std::collections::BTreeMap;

use auth_core::{
    AccessTokenError::{Character, TooLong},
    Algorithm,
    ClaimFault::{self, Control, Empty, List, NotDate, NotScopes, NotText, NotTexts},
    KeyLookupError,
    ParseTokenError::{self, Base64, Critical, ForeignKey, Header, Json, Parts},
    VerifyError::{
        self, AudienceMismatch, AudienceMissing, Claim, Expired, ExpiryMissing, IssuedInFuture,
        IssuerMissing, IssuerUnknown, NotYetValid, SenderConstrained, Signature, SubjectMissing,
        TokenType,
    },
};
use testkit::{TestKey, accepted_variants, token_faults};

use crate::support::{judge, secs, trusted, verifier};

const UNKNOWN_KEY: VerifyError = VerifyError::Key(KeyLookupError::UnknownKey);
const OTHER_ALGORITHM: VerifyError = VerifyError::Key(KeyLookupError::AlgorithmMismatch);

#[test]
fn every_fault_is_refused_by_its_own_check_under_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let verifier = verifier(trusted(key));
        for fault in token_faults(key) {
            let verdict =
                fault.access_token().map_err(|error| format!("{error:?}")).and_then(|token| {
                    verifier.verify(&token, secs(fault.at)).map_err(|error| format!("{error:?}"))
                });
            assert_eq!(
                verdict.map(|_| "accepted"),
                Err(expected(fault.row, fault.name)),
                "{algorithm}, row {}: {}",
                fault.row,
                fault.name
            );
        }
    }
}

#[test]
fn every_good_variant_is_accepted_under_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let verifier = verifier(trusted(key));
        for (name, token, at) in accepted_variants(key) {
            let verdict = judge(&verifier, &token, at).map(|claims| claims.subject().to_string());
            assert_eq!(verdict, Ok("user-userson".into()), "{algorithm}: {name}");
        }
    }
}

#[test]
fn a_fault_is_refused_by_a_verifier_that_permits_plain_jwt_too_but_for_its_type() {
    let key = TestKey::shared(Algorithm::Es256);
    let lax = verifier(trusted(key).token_types(auth_core::TokenTypes::AccessTokenOrJwt));
    let accepted: Vec<_> = token_faults(key)
        .into_iter()
        .filter(|fault| {
            fault.access_token().is_ok_and(|token| lax.verify(&token, secs(fault.at)).is_ok())
        })
        .map(|fault| fault.name)
        .collect();
    assert_eq!(accepted, ["typ JWT"]);
}

#[test]
fn a_fault_of_the_token_is_refused_whoever_else_is_trusted() {
    let key = TestKey::shared(Algorithm::EdDsa);
    let crowded = Algorithm::ALL.into_iter().map(TestKey::shared).fold(
        verifier(trusted(key)),
        |verifier, other| {
            let issuer = format!("https://{}.example", other.algorithm());
            let keys = auth_core::KeySet::from_iter([other.verifying()]);
            verifier.trust(auth_core::TrustedIssuer::new(issuer.parse().unwrap(), keys))
        },
    );
    for fault in token_faults(key) {
        if let Ok(token) = fault.access_token() {
            let verdict = crowded.verify(&token, secs(fault.at));
            assert!(verdict.is_err(), "{}", fault.name);
        }
    }
}

/// What refuses a fault: by its name where it stands below, else by its row.
fn expected(row: u8, name: &str) -> String {
    let by_name = BTreeMap::from(BY_NAME);
    let by_row = match row {
        4 => VerifyError::Form(Json),
        5 => VerifyError::Form(ParseTokenError::Algorithm),
        6 => UNKNOWN_KEY,
        7 => Signature,
        8 => IssuerUnknown,
        9 => AudienceMismatch,
        10 => Claim("exp", NotDate),
        11 if name.starts_with("nbf") => Claim("nbf", NotDate),
        11 => Claim("iat", NotDate),
        12 => SubjectMissing,
        13 => TokenType,
        14 => SenderConstrained,
        15 => Expired,
        _ => panic!("no row {row}"),
    };
    match name {
        "over 8 KiB" => format!("{TooLong:?}"),
        "whitespace inside" | "padding in the claims" => format!("{Character:?}"),
        _ if name.starts_with("HS256 signed with") => format!("{OTHER_ALGORITHM:?}"),
        _ => format!("{:?}", by_name.get(name).unwrap_or(&by_row)),
    }
}

const BY_NAME: [(&str, VerifyError); 68] = [
    ("one part", VerifyError::Form(Parts)),
    ("two parts", VerifyError::Form(Parts)),
    ("four parts", VerifyError::Form(Parts)),
    ("four parts, signed as if the first two were one", VerifyError::Form(Parts)),
    ("five parts, as an encrypted token has", VerifyError::Form(Parts)),
    ("an opaque token", VerifyError::Form(Parts)),
    ("padding in the signature", VerifyError::Form(Base64)),
    ("non-canonical trailing bits", VerifyError::Form(Base64)),
    ("non-canonical trailing bits in the header", VerifyError::Form(Base64)),
    ("non-canonical trailing bits in the claims", VerifyError::Form(Base64)),
    ("the alphabet of plain base64", VerifyError::Form(Base64)),
    ("a part of impossible length", VerifyError::Form(Base64)),
    ("a tilde inside", VerifyError::Form(Base64)),
    ("scope a list", Claim("scope", List)),
    ("scope a number", Claim("scope", NotTexts)),
    ("scope with two spaces", Claim("scope", NotScopes)),
    ("scope with a comma and a quote", Claim("scope", NotScopes)),
    ("scope with a line break", Claim("scope", NotScopes)),
    ("jti a number", Claim("jti", NotText)),
    ("jti empty", Claim("jti", Empty)),
    ("client_id a number", Claim("client_id", NotText)),
    ("client_id empty", Claim("client_id", Empty)),
    ("client_id a list", Claim("client_id", NotText)),
    ("alg of another family", OTHER_ALGORITHM),
    ("alg of another family and no kid", OTHER_ALGORITHM),
    ("crit", VerifyError::Form(Critical)),
    ("crit empty", VerifyError::Form(Critical)),
    ("crit naming a known claim", VerifyError::Form(Critical)),
    ("jwk in header (attacker's key, signed with it)", VerifyError::Form(ForeignKey)),
    ("jku (attacker's address, signed with the attacker's key)", VerifyError::Form(ForeignKey)),
    ("jwk in header (our own)", VerifyError::Form(ForeignKey)),
    ("jku", VerifyError::Form(ForeignKey)),
    ("x5u", VerifyError::Form(ForeignKey)),
    ("x5c", VerifyError::Form(ForeignKey)),
    ("jwk null", VerifyError::Form(ForeignKey)),
    ("kid a number", VerifyError::Form(Header)),
    ("kid with a line break", VerifyError::Form(Header)),
    ("kid too long", VerifyError::Form(Header)),
    ("iss missing", IssuerMissing),
    ("iss null", IssuerMissing),
    ("iss a list", Claim("iss", NotText)),
    ("iss a number", Claim("iss", NotText)),
    ("iss empty", Claim("iss", Empty)),
    ("sub empty", Claim("sub", Empty)),
    ("sub a number", Claim("sub", NotText)),
    ("sub a list", Claim("sub", NotText)),
    ("sub with a line break", Claim("sub", Control)),
    ("sub too long", Claim("sub", ClaimFault::TooLong)),
    ("aud missing", AudienceMissing),
    ("aud empty list", AudienceMissing),
    ("aud empty", Claim("aud", Empty)),
    ("aud null", AudienceMissing),
    ("aud a number", Claim("aud", NotText)),
    ("aud an object", Claim("aud", NotText)),
    ("aud a list within a list", Claim("aud", NotText)),
    ("aud a list with a number", Claim("aud", NotText)),
    ("exp missing", ExpiryMissing),
    ("exp null", ExpiryMissing),
    ("exp past by leeway+1", Expired),
    ("exp exactly at the leeway's end", Expired),
    ("exp a fraction before the leeway's end", Expired),
    ("an hour and the leeway later", Expired),
    ("a year later", Expired),
    ("exp zero", Expired),
    ("nbf future by leeway+1", NotYetValid),
    ("iat future by leeway+1", IssuedInFuture),
    ("typ number", VerifyError::Form(Header)),
    ("typ a list", VerifyError::Form(Header)),
];
