//! What second factors are made of: a key with its picture, and recovery codes.

use std::fmt::Write;

use auth_core::{base64url, oauth::SecretDigest};
use directory::UserName;
use qrcode::{EcLevel, QrCode};
use secrecy::{ExposeSecret, SecretString};

use super::{browser::Browser, new_key::NewKey, one_time::OneTimeCode, totp};
use crate::{AuthorizationServer, random::random, respond::Unavailable};

/// How many recovery codes a user gets.
const RECOVERY_CODES: usize = 10;

/// The light border of a picture, in modules (ISO/IEC 18004 §9.1).
const BORDER: usize = 4;

/// The purpose of what is sealed about a new key.
const NEW_KEY: &str = "key of a second factor";

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
fn picture(server: &AuthorizationServer, key: &SecretString, user: &str) -> SecretString {
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

/// What the page of a new key shows to this browser.
pub(crate) fn shown(
    server: &AuthorizationServer,
    browser: &Browser,
    user: &UserName,
    key: &SecretString,
) -> NewKey {
    let (context, digest) = (key_context(browser, user), key_digest(server, key));
    NewKey {
        key: key.clone(),
        picture: picture(server, key, user.subject.as_str()),
        proof: server.seal().seal(NEW_KEY, &context, &digest, server.now()),
    }
}

/// Whether the page with this key was shown to this browser.
pub(super) fn is_shown(
    server: &AuthorizationServer,
    browser: &Browser,
    user: &UserName,
    key: &SecretString,
    proof: &str,
) -> bool {
    let context = key_context(browser, user);
    let digest = server.seal().open(NEW_KEY, &context, proof, server.now());
    digest.is_some_and(|digest| digest == key_digest(server, key))
}

fn key_context(browser: &Browser, user: &UserName) -> String {
    format!("{}\0{}", browser.id, user.subject.as_str())
}

fn key_digest(server: &AuthorizationServer, key: &SecretString) -> String {
    base64url::encode(server.seal().derive(NEW_KEY, key.expose_secret()))
}
