//! Header and claims under a good signature: what an issuer that is trusted, and mad, could send.

use auth_core::AccessToken;
use serde_json::Value;
use testkit::{ISSUER, NOW, RESOURCE};

use super::{
    first_wins::read_alike,
    world::{now, sign, verifier},
};

const LEEWAY: f64 = 30.0;

/// The first line as the header and the rest as the claims, signed, and judged. Whatever is
/// accepted has but one reading, and that is a token for us.
pub fn claims(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Some((header, claims)) = text.split_once('\n') else { return false };
    let Ok(token) = sign(header, claims).parse::<AccessToken>() else { return false };
    let Ok(accepted) = verifier().verify(&token, now()) else { return false };

    let header = read_alike(header.as_bytes()).expect("one reading of the header");
    assert_eq!(header["alg"], "HS256");
    let kind = header["typ"].as_str().unwrap().to_ascii_lowercase();
    assert!(["at+jwt", "application/at+jwt"].contains(&kind.as_str()));
    for refused in ["crit", "jwk", "jku", "x5c", "x5u"] {
        assert!(header.get(refused).is_none(), "{refused}");
    }
    assert!(said(&header, "kid").is_none_or(|kid| kid == ""));

    let read = read_alike(claims.as_bytes()).expect("one reading of the claims");
    assert_eq!(read["iss"], ISSUER);
    assert_eq!(accepted.issuer().as_str(), ISSUER);
    assert!(match &read["aud"] {
        Value::Array(list) => list.contains(&RESOURCE.into()),
        one => one == RESOURCE,
    });
    assert_eq!(read["sub"], accepted.subject().as_str());
    assert!(!accepted.subject().as_str().is_empty());
    // A fraction of a second is cut off on our side, so it may be missing on theirs.
    let now = f64::from(i32::try_from(NOW).unwrap());
    assert!(read["exp"].as_f64().unwrap() > now - LEEWAY);
    for not_yet in ["nbf", "iat"] {
        assert!(
            said(&read, not_yet).is_none_or(|date| date.as_f64().unwrap() < now + LEEWAY + 1.0)
        );
    }
    assert!(said(&read, "cnf").is_none());
    match said(&read, "scope") {
        None => assert!(accepted.scopes().is_empty()),
        Some(scope) => {
            let mut scopes: Vec<_> = scope.as_str().unwrap().split(' ').collect();
            scopes.sort_unstable();
            scopes.dedup();
            assert_eq!(accepted.scopes().to_string(), scopes.join(" "));
        }
    }
    let mut roles = accepted.roles().iter();
    assert!(roles.all(|role| match &read["roles"] {
        Value::Array(list) => list.contains(&Value::from(role.as_str())),
        Value::Object(members) => members.get(role.as_str()).is_some_and(Value::is_object),
        one => one == role.as_str(),
    }));
    true
}

/// A member that is there, and not `null`.
fn said<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}
