//! Row 7: signatures that are not the key's over the token's own parts.

use auth_core::Algorithm;

use super::TokenFault;
use crate::{Forge, TestKey};

/// The order of P-256's base point (FIPS 186-5), big-endian.
const P256_ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's base point (RFC 8032 §5.1), little-endian.
const ED25519_ORDER: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
];

pub(super) fn faults(key: &TestKey) -> Vec<TokenFault> {
    let forge = Forge::valid(key);
    let row = |name, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let token = forge.sign_with(|message| change(key.sign(message)));
        TokenFault::new(7, name, token)
    };
    let other_claims = Forge::valid(key).claim("sub", "root");
    let other_header = Forge::valid(key).header("other", true);
    let stranger = TestKey::generate(key.algorithm());
    let mut faults = vec![
        row("one bit flipped in the signature", &|signature| flip_first(&signature)),
        row("last bit flipped in the signature", &|signature| flip_last(&signature)),
        row("empty signature", &|_| Vec::new()),
        row("a signature of one byte", &|_| vec![0]),
        row("signature with a byte more", &|signature| [signature, vec![0]].concat()),
        row("signature with a byte before it", &|signature| [vec![0], signature].concat()),
        row("signature with a byte less", &|signature| signature[..signature.len() - 1].to_vec()),
        TokenFault::new(7, "signed by a stranger's key", forge.sign(&stranger)),
        TokenFault::new(
            7,
            "signature of other claims",
            other_claims.sign_with(|_| signature_of(&forge, key)),
        ),
        TokenFault::new(
            7,
            "signature of another header",
            other_header.sign_with(|_| signature_of(&forge, key)),
        ),
        TokenFault::new(
            7,
            "signature of the claims alone",
            forge.sign_with(|message| {
                let dot = message.iter().position(|&byte| byte == b'.');
                key.sign(&message[dot.expect("two parts") + 1..])
            }),
        ),
    ];
    for (name, _) in key.sign_otherwise(b"") {
        let sign = |message: &[u8]| {
            let signatures = key.sign_otherwise(message);
            let found = signatures.into_iter().find(|(other, _)| *other == name);
            found.expect("the same ways each time").1
        };
        faults.push(TokenFault::new(7, name, forge.sign_with(sign)));
    }
    match key.algorithm() {
        Algorithm::Hs256 => faults.extend([
            row("truncated HMAC", &|signature| signature[..16].to_vec()),
            row("all-zero HMAC", &|_| vec![0; 32]),
            row("HMAC twice", &|signature| signature.repeat(2)),
        ]),
        Algorithm::Rs256 => faults.push(row("all-zero RSA signature", &|_| vec![0; 256])),
        Algorithm::Es256 => faults.extend([
            row("all-zero ECDSA signature", &|_| vec![0; 64]),
            row("ECDSA signature of the curve's order", &|_| P256_ORDER.repeat(2)),
            row("ECDSA signature with its halves exchanged", &|signature| {
                let (r, s) = signature.split_at(32);
                [s, r].concat()
            }),
        ]),
        Algorithm::EdDsa => faults.extend([
            row("Ed25519 signature with the order added", &|signature| add_order(&signature)),
            row("all-zero Ed25519 signature", &|_| vec![0; 64]),
            row("Ed25519 signature of the neutral element", &|_| {
                let mut signature = vec![0; 64];
                signature[0] = 1;
                signature
            }),
        ]),
    }
    faults
}

fn signature_of(forge: &Forge, key: &TestKey) -> Vec<u8> {
    let signing_input = [forge.header_json(), forge.claims_json()].map(crate::forge::encode);
    key.sign(signing_input.join(".").as_bytes())
}

fn flip_first(signature: &[u8]) -> Vec<u8> {
    let mut flipped = signature.to_vec();
    flipped[0] ^= 1;
    flipped
}

fn flip_last(signature: &[u8]) -> Vec<u8> {
    let mut flipped = signature.to_vec();
    *flipped.last_mut().expect("a signature") ^= 1;
    flipped
}

/// RFC 8032 §5.1.7 and §8.4: a second signature over the same message, unless S is bounded.
fn add_order(signature: &[u8]) -> Vec<u8> {
    let mut sum = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in sum[32..].iter_mut().zip(ED25519_ORDER) {
        let total = u16::from(*byte) + u16::from(order) + carry;
        *byte = total.to_le_bytes()[0];
        carry = total >> 8;
    }
    sum
}
