//! That a user declined a client a minute ago: some programs ask again at once.
//!
//! It is a sealed cookie of the browser, for one client, and says nothing else. Without it the page
//! is the usual one.

use std::time::Duration;

use auth_core::{ClientId, NumericDate, base64url};
use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderValue, header};

use crate::AuthorizationServer;

/// How long a denial is remembered.
const REMEMBERED: Duration = Duration::from_mins(1);

const COOKIE: &str = "bartizan_declined";
const PURPOSE: &str = "declined";

/// The value of `Set-Cookie` that remembers that `client` was declined now. `browser` is the id of
/// the browser.
pub(super) fn cookie(
    server: &AuthorizationServer,
    browser: &str,
    client: &ClientId,
) -> Option<HeaderValue> {
    let now = server.now();
    let payload = format!("{}~{}", name(client), now.as_secs());
    let sealed = server.seal().seal(PURPOSE, browser, &payload, now);
    let path = Some(server.config().base_path()).filter(|path| !path.is_empty()).unwrap_or("/");
    let secure = if server.config().is_https() { "; Secure" } else { "" };
    let age = REMEMBERED.as_secs();
    let cookie =
        format!("{COOKIE}={sealed}; Max-Age={age}; Path={path}; HttpOnly; SameSite=Lax{secure}");
    cookie.parse().ok()
}

/// Whether the user declined `client` in this browser a minute ago.
pub(super) fn is_recent(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    browser: &str,
    client: &ClientId,
) -> bool {
    let now = server.now();
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|text| text.split(';')).filter_map(|it| it.split_once('='));
    pairs.any(|(key, value)| {
        key.trim() == COOKIE
            && server
                .seal()
                .open(PURPOSE, browser, value.trim(), now)
                .is_some_and(|payload| names(payload, client, now))
    })
}

fn names(payload: &str, client: &ClientId, now: NumericDate) -> bool {
    let Some((named, secs)) = payload.split_once('~') else { return false };
    let declined_at = secs.parse().ok().and_then(|secs| NumericDate::from_secs(secs).ok());
    named == name(client) && declined_at.is_some_and(|at| now.since(at) <= REMEMBERED)
}

fn name(client: &ClientId) -> String {
    base64url::encode(digest(&SHA256, client.as_str().as_bytes()).as_ref())
}
