//! Rows 5, 6 and 13: what a header must not say.

use auth_core::Algorithm;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::TokenFault;
use crate::{Forge, TestKey, keys::hmac_sha256};

pub(super) fn faults(key: &TestKey) -> Vec<TokenFault> {
    let mut faults = algorithms(key);
    faults.extend(confusions(key));
    faults.extend(foreign_keys(key));
    faults.extend(key_ids(key));
    faults.extend(types(key));
    faults
}

fn algorithms(key: &TestKey) -> Vec<TokenFault> {
    let valid = || Forge::valid(key);
    let alg = |value: Value| valid().header("alg", value).sign(key);
    let unsigned = |name: &str| valid().header("alg", name).sign_with(|_| Vec::new());
    let family = match key.algorithm() {
        Algorithm::Hs256 => Algorithm::Rs256,
        Algorithm::Rs256 => Algorithm::Es256,
        Algorithm::Es256 => Algorithm::EdDsa,
        Algorithm::EdDsa => Algorithm::Hs256,
    };
    let sibling = match key.algorithm() {
        Algorithm::Hs256 => "HS384",
        Algorithm::Rs256 => "PS256",
        Algorithm::Es256 => "ES256K",
        Algorithm::EdDsa => "Ed448",
    };
    let row = |name, token| TokenFault::new(5, name, token);
    vec![
        row("alg none", alg(json!("none"))),
        row("alg none with empty signature", unsigned("none")),
        row("alg None", unsigned("None")),
        row("alg NONE with empty signature", unsigned("NONE")),
        row("alg nOnE", alg(json!("nOnE"))),
        row("alg missing", valid().without_header("alg").sign(key)),
        row("alg null", alg(Value::Null)),
        row("alg empty", alg(json!(""))),
        row("alg a number", alg(json!(256))),
        row("alg a list", alg(json!([key.algorithm().name()]))),
        row("alg in another case", alg(json!(swap_case(key.algorithm().name())))),
        row("alg with white space", alg(json!(format!("{} ", key.algorithm())))),
        row("alg unknown", alg(json!("XS256"))),
        row("alg a sibling of ours", alg(json!(sibling))),
        row("alg of another family", alg(json!(family.name()))),
        row(
            "alg of another family and no kid",
            valid().without_header("kid").header("alg", family.name()).sign(key),
        ),
        row("crit", valid().header("crit", json!(["b64"])).header("b64", false).sign(key)),
        row("crit empty", valid().header("crit", json!([])).sign(key)),
        row("crit naming a known claim", valid().header("crit", json!(["exp"])).sign(key)),
    ]
}

/// A public key is public: whatever text of it a server could take for a secret, an attacker has
/// too.
fn confusions(key: &TestKey) -> Vec<TokenFault> {
    let (Some(pem), Some(der)) = (key.public_pem(), key.public_der()) else {
        return Vec::new();
    };
    let public = key.verifying();
    let jwk = public.to_jwk().expect("a public half");
    let members = serde_json::to_value(&jwk).expect("JSON");
    let numbers = ["n", "x", "y"].iter().filter_map(|name| members.get(name)?.as_str());
    let numbers: Vec<u8> =
        numbers.flat_map(|number| URL_SAFE_NO_PAD.decode(number).expect("base64url")).collect();
    let forge = Forge::valid(key).header("alg", "HS256");
    let row = |name, forge: &Forge, secret: &[u8]| {
        TokenFault::new(5, name, forge.sign_with(|message| hmac_sha256(secret, message)))
    };
    vec![
        row("HS256 signed with the public key's PEM bytes", &forge, pem.as_bytes()),
        row("HS256 signed with the public key's PEM bytes, trimmed", &forge, pem.trim().as_bytes()),
        row(
            "HS256 signed with the public key's PEM bytes and no kid",
            &forge.clone().without_header("kid"),
            pem.as_bytes(),
        ),
        row("HS256 signed with the public key's DER bytes", &forge, der),
        row("HS256 signed with the public key's raw numbers", &forge, &numbers),
        row("HS256 signed with the public key's JWK", &forge, members.to_string().as_bytes()),
        row("HS256 signed with an empty secret", &forge, b""),
    ]
}

fn foreign_keys(key: &TestKey) -> Vec<TokenFault> {
    let attacker = TestKey::generate(key.algorithm());
    let jwk = |key: &TestKey| match key.secret() {
        Some(secret) => json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret)}),
        None => json!(key.verifying().to_jwk().expect("a public half")),
    };
    let valid = || Forge::valid(key);
    let row = |name, token| TokenFault::new(5, name, token);
    let signed =
        |name, member: &str, value: Value| row(name, valid().header(member, value).sign(key));
    let address = "https://attacker.example/keys";
    vec![
        row(
            "jwk in header (attacker's key, signed with it)",
            valid().header("jwk", jwk(&attacker)).sign(&attacker),
        ),
        row(
            "jku (attacker's address, signed with the attacker's key)",
            valid().header("jku", address).sign(&attacker),
        ),
        signed("jwk in header (our own)", "jwk", jwk(key)),
        signed("jku", "jku", json!(address)),
        signed("x5u", "x5u", json!(address)),
        signed("x5c", "x5c", json!(["MIIB"])),
        signed("jwk null", "jwk", Value::Null),
    ]
}

fn key_ids(key: &TestKey) -> Vec<TokenFault> {
    let kid = |name, value: Value| {
        TokenFault::new(6, name, Forge::valid(key).header("kid", value).sign(key))
    };
    let mut faults = vec![
        kid("unknown kid", json!("unknown")),
        kid("kid a path", json!("../../../../dev/null")),
        kid("kid an injection", json!("x' UNION SELECT 'secret")),
        kid("kid a number", json!(1)),
        kid("kid with a line break", json!("a\nb")),
        kid("kid too long", json!("k".repeat(256))),
    ];
    if let Some(id) = key.signing().id() {
        let id = id.as_str();
        faults.extend([
            kid("kid in another case", json!(swap_case(id))),
            kid("kid and a space", json!(format!("{id} "))),
            kid("kid cut short", json!(id.chars().skip(1).collect::<String>())),
        ]);
    }
    faults
}

fn types(key: &TestKey) -> Vec<TokenFault> {
    let typ = |name, value: Value| {
        TokenFault::new(13, name, Forge::valid(key).header("typ", value).sign(key))
    };
    let id_token = Forge::valid(key)
        .header("typ", "JWT")
        .without_claim("scope")
        .without_claim("client_id")
        .claim("nonce", "n-0S6_WzA2Mj")
        .claim("at_hash", "77QmUPtjPfzWtF2AnpK9RQ");
    let refresh_token = Forge::valid(key).header("typ", "JWT").claim("typ", "Refresh");
    vec![
        TokenFault::new(13, "typ missing", Forge::valid(key).without_header("typ").sign(key)),
        typ("typ JWT", json!("JWT")),
        typ("typ dpop+jwt", json!("dpop+jwt")),
        typ("typ logout+jwt", json!("logout+jwt")),
        typ("typ token-introspection+jwt", json!("token-introspection+jwt")),
        typ("typ application/jwt", json!("application/jwt")),
        typ("typ application/application/at+jwt", json!("application/application/at+jwt")),
        typ("typ at+jwt and a space", json!("at+jwt ")),
        typ("typ empty", json!("")),
        typ("typ null", Value::Null),
        typ("typ number", json!(1)),
        typ("typ a list", json!(["at+jwt"])),
        TokenFault::new(13, "an ID token", id_token.sign(key)),
        TokenFault::new(13, "a refresh token", refresh_token.sign(key)),
    ]
}

fn swap_case(text: &str) -> String {
    let swap = |c: char| {
        if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() }
    };
    text.chars().map(swap).collect()
}
