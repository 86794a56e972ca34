//! The tokens that a server is called with, one for each way to be judged.

use std::net::SocketAddr;

use auth_core::{Clock, SystemClock};
use serde_json::{Value, json};
use testkit::{Forge, RESOURCE, TestKey};

pub(crate) struct Tokens {
    valid: Vec<String>,
    expired: String,
    other_audience: String,
    other_issuer: String,
    bad_signature: String,
    unknown_key: String,
}

impl Tokens {
    pub(crate) fn new(key: &TestKey, count: usize) -> Self {
        let now = SystemClock.now().as_secs();
        let good = || {
            let forge = Forge::valid(key).claim("iat", now - 60).claim("nbf", now - 60);
            forge.claim("exp", now + 24 * 3600)
        };
        let reversed = |message: &[u8]| {
            let mut signature = key.sign(message);
            signature.reverse();
            signature
        };
        Self {
            valid: (0..count.max(1)).map(|_| good().sign(key)).collect(),
            expired: good().claim("exp", now - 3600).sign(key),
            other_audience: good().claim("aud", format!("{RESOURCE}/other")).sign(key),
            other_issuer: good().claim("iss", "https://elsewhere.example").sign(key),
            bad_signature: good().sign_with(reversed),
            unknown_key: good().header("kid", "unknown").sign(key),
        }
    }

    pub(crate) fn describe(&self, address: SocketAddr) -> Value {
        json!({
            "address": address,
            "valid": self.valid,
            "expired": self.expired,
            "other_audience": self.other_audience,
            "other_issuer": self.other_issuer,
            "bad_signature": self.bad_signature,
            "unknown_key": self.unknown_key,
        })
    }
}
