//! What second factors are made of: a key with its picture, and recovery codes.

use std::fmt::Write;

use auth_core::oauth::SecretDigest;
use qrcode::{EcLevel, QrCode};
use secrecy::{ExposeSecret, SecretString};

use super::{one_time::OneTimeCode, totp};
use crate::{AuthorizationServer, random::random, respond::Unavailable};

/// How many recovery codes a user gets.
const RECOVERY_CODES: usize = 10;

/// The light border of a picture, in modules (ISO/IEC 18004 §9.1).
const BORDER: usize = 4;

/// A new key.
pub(crate) fn new_key() -> Result<SecretString, Unavailable> {
    Ok(totp::key(random::<20>()?))
}

/// New recovery codes, and what is stored of them.
pub(crate) fn recovery_codes() -> Result<(Vec<OneTimeCode>, Vec<SecretDigest>), Unavailable> {
    let codes = std::iter::repeat_with(|| random::<16>().map(OneTimeCode::from_random));
    let codes: Vec<_> = codes.take(RECOVERY_CODES).collect::<Result<_, _>>()?;
    let digests = codes.iter().map(OneTimeCode::recovery_digest).collect();
    Ok((codes, digests))
}

/// The picture of a key as SVG, for an authenticator app; an empty one if it does not fit, which a
/// long name may cause: the key is beside it.
pub(crate) fn picture(
    server: &AuthorizationServer,
    key: &SecretString,
    user: &str,
) -> SecretString {
    let issuer = server.config().issuer.as_str();
    let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let address = totp::address(key, host.trim_end_matches('/'), user);
    let code = QrCode::with_error_correction_level(address.expose_secret(), EcLevel::M);
    let Ok(code) = code else { return SecretString::from("") };
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == qrcode::Color::Dark {
            let (x, y) = (place % width + BORDER, place / width + BORDER);
            // A String takes everything.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let side = width + 2 * BORDER;
    SecretString::from(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}
