//! Digests of the secrets of this module: what is stored in their place.

use auth_core::oauth::SecretDigest;
use aws_lc_rs::digest;

/// The SHA-256 of a secret, which is of this kind: a digest of one kind is none of another.
pub(super) fn of(kind: &str, secret: &str) -> SecretDigest {
    SecretDigest::from_bytes(sha256(&format!("{kind}\0{secret}")))
}

/// SHA-256.
pub(super) fn sha256(text: &str) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let mut bytes = [0; 32];
    for (byte, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *byte = *from;
    }
    bytes
}
