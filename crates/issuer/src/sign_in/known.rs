//! The proof that a user has signed in at this browser before: it has a budget of attempts of its
//! own, so that who guesses from elsewhere cannot keep the user out.
//!
//! ```text
//! value = nonce "." time "." base64url(HMAC-SHA-256)      ; sealed for the user
//! ```
//!
//! It gives attempts, and nothing else.

use std::time::Duration;

use auth_core::base64url;
use directory::UserName;
use http::{HeaderMap, HeaderValue};

use super::{cookie::Cookie, digest};
use crate::{AuthorizationServer, random::random, respond::Unavailable};

/// How long a browser is known after a sign-in.
const LIFETIME: Duration = Duration::from_hours(90 * 24);

const PURPOSE: &str = "known browser";

/// The header that sets it for `user`, who has signed in now.
pub(super) fn cookie(
    server: &AuthorizationServer,
    user: &UserName,
) -> Result<HeaderValue, Unavailable> {
    let nonce = base64url::encode(random::<16>()?);
    let sealed = server.seal().seal(PURPOSE, &context(user), &nonce, server.now());
    Ok(Cookie::Known.set(server.config(), &sealed, LIFETIME))
}

/// The name of the browser's own budget for attempts of `user`, if it is known.
pub(super) fn budget(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    user: &UserName,
) -> Option<String> {
    let sealed = Cookie::Known.read(server.config(), headers)?;
    let now = server.now();
    let nonce = server.seal().open_within(PURPOSE, &context(user), sealed, LIFETIME, now)?;
    Some(format!("known:{nonce}"))
}

/// A subject may be long, and a context has no NUL from outside.
fn context(user: &UserName) -> String {
    base64url::encode(digest::sha256(&format!("{}\0{}", user.issuer, user.subject)))
}
