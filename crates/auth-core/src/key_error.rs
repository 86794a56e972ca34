//! Why a key cannot be used.

/// The shortest secret, in bytes (RFC 7518 §3.2: as long as the hash).
pub(crate) const MIN_SECRET_BYTES: usize = 32;

/// Why a key is not usable. No variant carries a byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A secret under 32 bytes.
    #[error("the secret is shorter than {MIN_SECRET_BYTES} bytes")]
    SecretTooShort,
    /// An RSA key under 2048 or over 8192 bits.
    #[error("an RSA key must have 2048 to 8192 bits")]
    RsaSize,
    /// An RSA public exponent that is even or under 3.
    #[error("the RSA key's public exponent must be odd and at least 3")]
    RsaExponent,
    /// Not a key that can be read, or of a kind or curve that is not supported.
    #[error(
        "not a key of a supported kind (RSA, EC P-256 or Ed25519, as PEM or JWK; private keys as PKCS#8: `openssl pkcs8 -topk8 -nocrypt`)"
    )]
    Unsupported,
    /// A file with several PEM blocks.
    #[error("the file has more than one PEM block: put one key in a file, or use a JWK set")]
    SeveralBlocks,
    /// A JWK that lacks a member its kind needs, or has one that is not base64url or not of the
    /// right length.
    #[error(
        "the JWK lacks a member, or has one that is not base64url or has too few or too many bytes (RFC 7518 section 6)"
    )]
    Members,
    /// A JWK whose `use`, `key_ops` or `alg` says that it is for something else.
    #[error("the JWK's `use`, `key_ops` or `alg` does not allow it to be used for this signature")]
    Purpose,
    /// A private key where only a public one belongs.
    #[error("this is a private key or a secret, where only a public key belongs")]
    Private,
    /// A key id that is empty, too long or has control characters.
    #[error("the key id is empty, longer than 255 bytes or has a control character")]
    KeyId,
}
