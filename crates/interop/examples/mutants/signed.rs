//! Tokens with other values, signed again: by the right key, or by a wrong one.

use auth_core::Algorithm;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::{Forge, NOW, TestKey};

use crate::{
    Mutant,
    random::Random,
    values::{date, value},
};

const HEADER: [&str; 18] = [
    "alg",
    "typ",
    "kid",
    "crit",
    "b64",
    "jwk",
    "jku",
    "x5c",
    "x5u",
    "x5t",
    "x5t#S256",
    "cty",
    "zip",
    "enc",
    "ALG",
    "nonce",
    "__proto__",
    "",
];
const CLAIMS: [&str; 22] = [
    "iss",
    "aud",
    "sub",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "scope",
    "name",
    "cnf",
    "roles",
    "typ",
    "nonce",
    "at_hash",
    "act",
    "auth_time",
    "Sub",
    "constructor",
    "__proto__",
    "toString",
    "",
];
const ALGORITHMS: [&str; 16] = [
    "none", "NONE", "HS256", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES256K",
    "ES384", "EdDSA", "Ed25519", "hs256", "RSA-OAEP", "dir",
];

/// Changes header and claims of a good token one to three times; also the time, now and then.
pub(crate) fn changed(random: &mut Random, key: &TestKey) -> (String, Forge, i64) {
    let mut forge = Forge::valid(key);
    let mut hows = Vec::new();
    for _ in 0..random.pick(&[0, 1, 1, 1, 1, 2, 3]) {
        hows.push(change(random, &mut forge));
    }
    let edges = [-3600, -31, -30, 0, 3599, 3600, 3629, 3630, 3631, 86_400];
    let at = if random.once_in(8) { NOW + random.pick(&edges) } else { NOW };
    (hows.join(" and "), forge, at)
}

fn change(random: &mut Random, forge: &mut Forge) -> String {
    match random.below(10) {
        0 => {
            let name = random.pick(&["exp", "nbf", "iat"]);
            let at = date(random, NOW);
            set(&mut forge.claims, name, at)
        }
        1 => set(&mut forge.header, "alg", json!(random.pick(&ALGORITHMS))),
        2 => {
            if random.once_in(2) {
                set(&mut forge.header, "b64", json!(true));
            }
            let named = random.pick(&["b64", "b64", "exp", "alg", "x"]);
            set(&mut forge.header, "crit", json!([named]))
        }
        3 => remove(&mut forge.header, random.pick(&["alg", "typ", "kid"])),
        4 => {
            let name = random.pick(&HEADER);
            set(&mut forge.header, name, json!(random.once_in(2)))
        }
        5 => remove(&mut forge.claims, random.pick(&CLAIMS)),
        6 => {
            let name = random.pick(&HEADER);
            let value = value(random, forge.header.get(name));
            set(&mut forge.header, name, value)
        }
        _ => {
            let name = random.pick(&CLAIMS);
            let value = value(random, forge.claims.get(name));
            set(&mut forge.claims, name, value)
        }
    }
}

fn set(members: &mut serde_json::Map<String, Value>, name: &str, value: Value) -> String {
    members.insert(name.to_owned(), value);
    format!("{name} set")
}

fn remove(members: &mut serde_json::Map<String, Value>, name: &str) -> String {
    members.remove(name);
    format!("{name} removed")
}

/// Signed by the right key.
pub(crate) fn rightly(random: &mut Random, key: &TestKey) -> Mutant {
    let (how, forge, at) = changed(random, key);
    Mutant { how, token: forge.sign(key), at }
}

/// Signed by a wrong key, or in a wrong way.
pub(crate) fn wrongly(random: &mut Random, key: &TestKey, strangers: &[TestKey]) -> Mutant {
    let (how, forge, at) = changed(random, key);
    let hmac = |secret: &[u8], message: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
    };
    let (by, token) = match random.below(8) {
        0 => ("nothing", forge.header("alg", "none").sign_with(|_| Vec::new())),
        1 => ("nothing, alg kept", forge.sign_with(|_| Vec::new())),
        2 => {
            let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode([0; 32])});
            let forge = forge.header("alg", "HS256").header("jwk", jwk);
            ("the key in its header", forge.sign_with(|message| hmac(&[0; 32], message)))
        }
        3 | 4 if key.algorithm() != Algorithm::Hs256 => {
            let pem = key.public_pem().expect("a key pair");
            let der = key.public_der().expect("a key pair");
            let secret = if random.once_in(2) { pem.as_bytes() } else { der };
            let forge = forge.header("alg", "HS256");
            ("the public key as a secret", forge.sign_with(|message| hmac(secret, message)))
        }
        5 => {
            let other = &strangers[random.below(strangers.len())];
            ("another kind of key, alg kept", forge.sign(other))
        }
        6 => {
            let other = &strangers[random.below(strangers.len())];
            let forge = forge.header("alg", other.algorithm().name());
            ("another kind of key, by its alg", forge.sign(other))
        }
        _ => {
            let same = strangers.iter().find(|other| other.algorithm() == key.algorithm());
            ("a stranger", forge.sign(same.expect("one of each")))
        }
    };
    Mutant { how: format!("signed by {by}; {how}"), token, at }
}
