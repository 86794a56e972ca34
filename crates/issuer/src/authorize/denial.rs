//! That a user declined a client a minute ago: some programs ask again at once.
//!
//! It is a sealed cookie of the browser, for one client, and says nothing else. Without it the page
//! is the usual one.

use std::time::Duration;

use auth_core::{ClientId, base64url};
use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderValue};

use crate::{AuthorizationServer, sign_in::Cookie};

/// How long a denial is remembered.
const REMEMBERED: Duration = Duration::from_mins(1);

const PURPOSE: &str = "declined";

/// The value of `Set-Cookie` that remembers that `client` was declined now. `browser` is the id of
/// the browser.
pub(super) fn cookie(
    server: &AuthorizationServer,
    browser: &str,
    client: &ClientId,
) -> HeaderValue {
    let sealed = server.seal().seal(PURPOSE, browser, &name(client), server.now());
    Cookie::Declined.set(server.config(), &sealed, REMEMBERED)
}

/// Whether the user declined `client` in this browser a minute ago.
pub(super) fn is_recent(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    browser: &str,
    client: &ClientId,
) -> bool {
    let Some(sealed) = Cookie::Declined.read(server.config(), headers) else { return false };
    let opened = server.seal().open_within(PURPOSE, browser, sealed, REMEMBERED, server.now());
    opened == Some(&*name(client))
}

/// A name for the client that fits in a cookie: 43 characters.
fn name(client: &ClientId) -> String {
    base64url::encode(digest(&SHA256, client.as_str().as_bytes()).as_ref())
}
