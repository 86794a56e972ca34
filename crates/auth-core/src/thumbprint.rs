//! Thumbprints of public keys (RFC 7638), with SHA-256.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::crypto::{PublicNumbers, sha256};

/// The thumbprint of a JWK, in base64url. `required` are the members that its kind requires and no
/// others, in byte order (RFC 7638 §3.2).
pub(crate) fn of_members(required: &[(&str, Option<&str>)]) -> String {
    let members = required.iter().filter_map(|(name, value)| {
        value.map(|value| format!(r#""{name}":{}"#, Value::from(value)))
    });
    // Without white space.
    let text = members.collect::<Vec<_>>().join(",");
    URL_SAFE_NO_PAD.encode(sha256(format!("{{{text}}}").as_bytes()))
}

/// The thumbprint of a key.
pub(crate) fn of_numbers(numbers: &PublicNumbers) -> String {
    let text = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
    match numbers {
        PublicNumbers::Rsa { n, e } => {
            of_members(&[("e", Some(&text(e))), ("kty", Some("RSA")), ("n", Some(&text(n)))])
        }
        PublicNumbers::Ec { x, y } => of_members(&[
            ("crv", Some("P-256")),
            ("kty", Some("EC")),
            ("x", Some(&text(x))),
            ("y", Some(&text(y))),
        ]),
        PublicNumbers::Ed { x } => {
            of_members(&[("crv", Some("Ed25519")), ("kty", Some("OKP")), ("x", Some(&text(x)))])
        }
    }
}
