//! Tokens of every kind: the good one, and whatever can be made of it.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{ISSUER, NOW, RESOURCE, TestKey};

/// A token before it is signed, open to any change.
///
/// ```
/// # use testkit::{Forge, TestKey};
/// # let key = TestKey::shared(auth_core::Algorithm::Hs256);
/// let expired = Forge::valid(key).claim("exp", testkit::NOW - 3600).sign(key);
/// let unsigned = Forge::valid(key).header("alg", "none").sign_with(|_| Vec::new());
/// assert!(unsigned.ends_with('.') && !expired.ends_with('.'));
/// ```
#[derive(Debug, Clone)]
pub struct Forge {
    /// The JOSE header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

impl Forge {
    /// The token that every server under test accepts: by [`ISSUER`] for [`RESOURCE`], from [`NOW`]
    /// for an hour, for `user-userson` with `User.Read Admin.Write`, with a `jti` of its own.
    #[must_use]
    pub fn valid(key: &TestKey) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let mut header = Map::new();
        header.insert("alg".into(), json!(key.algorithm().name()));
        header.insert("typ".into(), json!("at+jwt"));
        if let Some(id) = key.signing().id() {
            header.insert("kid".into(), json!(id.as_str()));
        }
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", json!(ISSUER)),
            ("aud", json!(RESOURCE)),
            ("sub", json!("user-userson")),
            ("name", json!("User Userson")),
            ("client_id", json!("testkit")),
            ("jti", json!(format!("jti-{}", COUNT.fetch_add(1, Ordering::Relaxed)))),
            ("iat", json!(NOW)),
            ("nbf", json!(NOW)),
            ("exp", json!(NOW + 3600)),
            ("scope", json!("User.Read Admin.Write")),
        ] {
            claims.insert(name.into(), value);
        }
        Self { header, claims }
    }

    /// Sets a member of the header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Takes a member out of the header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Sets a claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Takes a claim out.
    #[must_use]
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// The token, signed by `key` whatever the header says.
    #[must_use]
    pub fn sign(&self, key: &TestKey) -> String {
        self.sign_with(|message| key.sign(message))
    }

    /// The token with whatever `sign` makes of its signing input.
    #[must_use]
    pub fn sign_with(&self, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        compact(&self.header_json(), &self.claims_json(), sign)
    }

    /// The header's text.
    #[must_use]
    pub fn header_json(&self) -> String {
        Value::Object(self.header.clone()).to_string()
    }

    /// The claims' text.
    #[must_use]
    pub fn claims_json(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }
}

/// The compact form (RFC 7515 §3.1) of two texts, which need not even be JSON.
#[must_use]
pub fn compact(header_json: &str, claims_json: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    assemble(&encode(header_json), &encode(claims_json), sign)
}

/// The compact form of two parts, which need not even be base64url. The signature is over them as
/// they are.
pub(crate) fn assemble(header: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let signing_input = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(sign(signing_input.as_bytes()));
    format!("{signing_input}.{signature}")
}

pub(crate) fn encode(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}
