//! Row 4: what is no compact JWS of two JSON objects.

use serde_json::{Value, json};

use super::TokenFault;
use crate::{
    Forge, TestKey, compact,
    forge::{assemble, encode},
};

pub(super) fn faults(key: &TestKey) -> Vec<TokenFault> {
    let mut faults = parts(key);
    faults.extend(encoding(key));
    faults.extend(json_texts(key));
    faults
}

fn parts(key: &TestKey) -> Vec<TokenFault> {
    let forge = Forge::valid(key);
    let token = forge.sign(key);
    let sign = |message: &[u8]| key.sign(message);
    let (signing_input, signature) = token.rsplit_once('.').expect("three parts");
    let (header, claims) = signing_input.split_once('.').expect("three parts");
    vec![
        fault("one part", header.into()),
        fault("two parts", signing_input.into()),
        fault("four parts", format!("{token}.{signature}")),
        fault(
            "four parts, signed as if the first two were one",
            assemble(header, &format!("{claims}.{claims}"), sign),
        ),
        fault(
            "five parts, as an encrypted token has",
            format!("{header}.{claims}.{signature}.{signature}.{signature}"),
        ),
        fault("an opaque token", "2YotnFZFEjr1zCsicMWpAA".into()),
        fault("three empty parts", "..".into()),
        fault("header empty", assemble("", claims, sign)),
        fault("claims empty", assemble(header, "", sign)),
        fault("over 8 KiB", {
            let long = forge.claim("padding", "x".repeat(8 * 1024));
            long.sign(key)
        }),
    ]
}

fn encoding(key: &TestKey) -> Vec<TokenFault> {
    let forge = Forge::valid(key);
    let token = forge.sign(key);
    let sign = |message: &[u8]| key.sign(message);
    // With one byte over a multiple of three, a part ends in four spare bits and two pads.
    let header = encode(fill(forge.header_json()));
    let claims = encode(fill(forge.claims_json()));
    let padding = "=".repeat(token.rsplit('.').next().map_or(0, pads));
    // `>` and `?` at the right places are `-` and `_` in base64url, `+` and `/` in base64.
    let other_alphabet = (0..3)
        .map(|spaces| format!("{}{}", " ".repeat(spaces), forge.claims_json()))
        .map(|text| text.replace("User Userson", "??????>>>>>>"))
        .map(encode)
        .find(|part| part.contains(['-', '_']))
        .expect("one of three places makes it so")
        .replace('-', "+")
        .replace('_', "/");
    vec![
        fault("padding in the signature", format!("{token}{padding}")),
        fault("padding in the claims", assemble(&header, &format!("{claims}=="), sign)),
        fault("non-canonical trailing bits", with_trailing_bits(&token)),
        fault(
            "non-canonical trailing bits in the header",
            assemble(&with_trailing_bits(&header), &claims, sign),
        ),
        fault(
            "non-canonical trailing bits in the claims",
            assemble(&header, &with_trailing_bits(&claims), sign),
        ),
        fault("the alphabet of plain base64", assemble(&header, &other_alphabet, sign)),
        fault("a part of impossible length", assemble(&header, &format!("{claims}AAA"), sign)),
        fault(
            "whitespace inside",
            assemble(&header, &format!("{} {}", &claims[..8], &claims[8..]), sign),
        ),
        fault("a tilde inside", token.replacen('.', "~.", 1)),
    ]
}

fn json_texts(key: &TestKey) -> Vec<TokenFault> {
    let forge = Forge::valid(key);
    let (header, claims) = (forge.header_json(), forge.claims_json());
    let token = |header: &str, claims: &str| compact(header, claims, |message| key.sign(message));
    let in_header = |text: &str| token(text, &claims);
    let in_claims = |text: &str| token(&header, text);
    let also = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let listed = |text: &str| Value::Array(vec![json!(text)]).to_string();
    let without_kid = forge.clone().without_header("kid").header_json();
    let mut not_utf8 = claims.clone().into_bytes();
    let place = claims.find("Userson").expect("the name");
    not_utf8[place] = 0xFF;
    let alg = format!(r#""alg":"{}""#, key.algorithm());
    let others: Vec<String> = (0..20).map(|count| format!(r#""c{count}":0"#)).collect();
    let many = others.join(",") + r#","sub":"root""#;
    let nested = format!(r#""deep":{}{}"#, "[".repeat(200), "]".repeat(200));
    vec![
        fault("header not JSON", in_header("alg=HS256")),
        fault("header is a JSON array", in_header(&listed(&header))),
        fault("header is a JSON text", in_header(&json!(header).to_string())),
        fault("header and more", in_header(&format!("{header}{header}"))),
        fault("claims not JSON", in_claims("sub=root")),
        fault("claims are a JSON array", in_claims(&listed(&claims))),
        fault("claims are null", in_claims("null")),
        fault("claims and more", in_claims(&format!("{claims}{{}}"))),
        fault("claims cut short", in_claims(claims.trim_end_matches('}'))),
        fault("claims with a byte order mark", in_claims(&format!("\u{FEFF}{claims}"))),
        fault(
            "claims not UTF-8",
            assemble(&encode(&header), &encode(&not_utf8), |message| key.sign(message)),
        ),
        fault("claims nested too deep", in_claims(&also(&claims, &nested))),
        fault("duplicate alg in header", in_header(&also(&header, &alg))),
        fault(
            "duplicate alg in header, one of them escaped",
            in_header(&also(&header, r#""\u0061lg":"none""#)),
        ),
        fault(
            "duplicate kid in header",
            in_header(&also(&without_kid, r#""kid":"one","kid":"one""#)),
        ),
        fault("duplicate sub in claims", in_claims(&also(&claims, r#""sub":"root""#))),
        fault("duplicate exp in claims", in_claims(&also(&claims, r#""exp":253402300799"#))),
        fault(
            "duplicate scope in claims, one of them escaped",
            in_claims(&also(&claims, r#""\u0073cope":"Admin.Write""#)),
        ),
        fault("duplicate sub among many claims", in_claims(&also(&claims, &many))),
        fault(
            "duplicate nested member",
            in_claims(&also(&claims, r#""realm_access":{"roles":[],"roles":["admin"]}"#)),
        ),
    ]
}

fn fault(name: &'static str, token: String) -> TokenFault {
    TokenFault::new(4, name, token)
}

/// The text with spaces, until its last base64url character has four spare bits.
fn fill(mut text: String) -> String {
    while text.len() % 3 != 1 {
        text.push(' ');
    }
    text
}

fn pads(part: &str) -> usize {
    part.len().wrapping_neg() % 4
}

/// The same bytes for a lax decoder: one spare bit of the last character is set.
fn with_trailing_bits(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = part.chars().last().expect("a part");
    let value = ALPHABET.find(last).expect("base64url");
    let other = ALPHABET.chars().nth(value | 1).expect("base64url");
    assert_ne!(last, other, "the last character of {part} has no spare bit");
    format!("{}{other}", &part[..part.len() - 1])
}
