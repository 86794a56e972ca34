//! A set of keys, one key, and a key file.

use auth_core::{Jwk, Jwks, SigningKey, VerifyingKey};
use serde_json::Value;

const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The bytes as a set of keys, as one key, public or private, and as PEM. A key that can be used is
/// written as a public JWK that reads back as the same key and holds nothing private.
pub fn jwks(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let mut usable = Vec::new();
    if let Ok(set) = Jwks::parse(text) {
        assert!(set.keys.len() + set.unusable.len() <= 64);
        usable.extend(set.keys);
    }
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let has_private = PRIVATE.iter().any(|name| value.get(name).is_some());
        if let Ok(jwk) = Jwk::parse(value) {
            assert!(!has_private);
            assert_eq!(jwk.thumbprint().len(), 43);
            usable.extend(jwk.verifying_key());
        }
    }
    usable.extend(VerifyingKey::from_pem(text));
    usable.extend(SigningKey::from_jwk(text).map(|key| key.verifying_key().unwrap()));
    usable.iter().for_each(assert_reads_back);
    !usable.is_empty()
}

fn assert_reads_back(key: &VerifyingKey) {
    let Some(jwk) = key.to_jwk() else { return };
    let value = serde_json::to_value(&jwk).unwrap();
    assert!(PRIVATE.iter().all(|name| value.get(name).is_none()));
    assert_eq!(value["kid"], key.id().unwrap().as_str());
    let again = Jwk::parse(value).unwrap().verifying_key().expect("our own JWK");
    assert_eq!((again.id(), again.algorithm()), (key.id(), key.algorithm()));
    assert_eq!(again.to_jwk().unwrap().thumbprint(), jwk.thumbprint());
}
