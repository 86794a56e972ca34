//! What can be said of a token that is no signed JWT, from its form alone.

use auth_core::AccessToken;
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Whether a token that cannot be taken apart is no JWT at all, rather than a bad one: what begins
/// with an object is a bad JWT, and no other issuer's token.
pub(super) fn is_no_jwt(token: &AccessToken) -> bool {
    let head = token.expose().split('.').next().unwrap_or_default().trim_end_matches('=');
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = GeneralPurpose::new(&URL_SAFE, lenient).decode(head);
    !decoded.is_ok_and(|json| json.trim_ascii_start().starts_with(b"{"))
}

/// Whether a token is encrypted (RFC 7516 §3.1): five parts, which say nothing to a stranger.
pub(super) fn is_encrypted(token: &AccessToken) -> bool {
    token.expose().split('.').count() == 5
}
