//! The token of a consent form: it belongs to one browser, one request and one user.

use auth_core::base64url;
use aws_lc_rs::digest::{Context, SHA256};
use directory::User;

use super::CheckedRequest;
use crate::AuthorizationServer;

const PURPOSE: &str = "consent";

/// A token for the form that `user` sees in the browser with the id `browser`.
pub(super) fn new(
    server: &AuthorizationServer,
    browser: &str,
    checked: &CheckedRequest,
    user: &User,
) -> String {
    server.seal().seal(PURPOSE, browser, &payload(checked, user), server.now())
}

/// Whether `token` is one for this form.
pub(super) fn is_good(
    server: &AuthorizationServer,
    browser: &str,
    checked: &CheckedRequest,
    user: &User,
    token: &str,
) -> bool {
    let opened = server.seal().open(PURPOSE, browser, token, server.now());
    opened == Some(&*payload(checked, user))
}

fn payload(checked: &CheckedRequest, user: &User) -> String {
    let mut digest = Context::new(&SHA256);
    for part in [user.issuer().as_str(), user.subject().as_str(), &checked.text] {
        // Names and requests have no NUL, so no two triples are written alike.
        digest.update(part.as_bytes());
        digest.update(&[0]);
    }
    base64url::encode(digest.finish().as_ref())
}
