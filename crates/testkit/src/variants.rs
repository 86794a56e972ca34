//! Tokens that look unusual and are good.

use serde_json::{Value, json};

use crate::{Forge, NOW, RESOURCE, TestKey, compact};

/// Tokens that must be accepted by a verifier that trusts `key` alone, under
/// [`ISSUER`](crate::ISSUER) for [`RESOURCE`] with a leeway of 30 s: what is unusual about each,
/// the token, and the time (seconds since the epoch) at which to judge it.
#[must_use]
pub fn accepted_variants(key: &TestKey) -> Vec<(&'static str, String, i64)> {
    let valid = || Forge::valid(key);
    let claim = |name, value: Value| valid().claim(name, value);
    let without = |name| valid().without_claim(name);
    let spaced = compact(
        &format!("\n {} ", valid().header_json()),
        &format!(" {}\r\n", valid().claims_json()),
        |message| key.sign(message),
    );
    let list = json!(["https://other.example/mcp", RESOURCE]);
    let forged = [
        ("as it is issued", valid(), NOW),
        ("in its last second", valid(), NOW + 3599),
        ("in the last second of the leeway", valid(), NOW + 3629),
        ("in the first second of the leeway", valid(), NOW - 30),
        ("aud a list that contains ours", claim("aud", list), NOW),
        ("aud a list of ours alone", claim("aud", json!([RESOURCE])), NOW),
        ("exp past within the leeway", claim("exp", json!(NOW - 29)), NOW),
        ("exp a fraction", claim("exp", json!(1_800_000_060.75)), NOW),
        ("exp in the year 9999", claim("exp", json!(253_402_300_799_i64)), NOW),
        ("nbf missing", without("nbf"), NOW),
        ("nbf in the future within the leeway", claim("nbf", json!(NOW + 30)), NOW),
        ("iat in the future within the leeway", claim("iat", json!(NOW + 30)), NOW),
        ("typ application/at+jwt", valid().header("typ", "application/at+jwt"), NOW),
        ("typ AT+JWT", valid().header("typ", "AT+JWT"), NOW),
        ("scope empty", claim("scope", json!("")), NOW),
        ("scope missing", without("scope"), NOW),
        ("scope unknown", claim("scope", json!("Unheard.Of")), NOW),
        ("unknown claims", claim("urn:other", json!({"any": [1, null]})), NOW),
        ("unknown header member", valid().header("other", 1), NOW),
        ("no kid", valid().without_header("kid"), NOW),
        ("kid empty", valid().header("kid", ""), NOW),
        ("kid null", valid().header("kid", Value::Null), NOW),
        ("nbf null", claim("nbf", Value::Null), NOW),
        ("iat null", claim("iat", Value::Null), NOW),
        ("jti null", claim("jti", Value::Null), NOW),
        ("client_id null", claim("client_id", Value::Null), NOW),
        ("scope null", claim("scope", Value::Null), NOW),
        ("cnf null", claim("cnf", Value::Null), NOW),
        ("a role that can be none", claim("roles", json!(["", 7])), NOW),
        ("azp of no shape beside client_id", claim("azp", json!([1])), NOW),
        ("name missing", without("name"), NOW),
        ("name not a text", claim("name", json!(["User", "Userson"])), NOW),
        ("client_id missing", without("client_id"), NOW),
    ];
    let forged = forged.map(|(name, forge, at)| (name, forge.sign(key), at));
    let mut variants = Vec::from(forged);
    variants.push(("white space around the JSON", spaced, NOW));
    variants
}
