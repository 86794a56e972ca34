//! The page on which a user signs in, wherever it is shown.

use axum::response::Response;

use super::{
    browser::{Browser, FormKind},
    next::Next,
    view,
};
use crate::{
    AuthorizationServer,
    pages::{Purpose, SignInError},
};

/// The page on which a user signs in, to go on to `next`; with the name that was typed before, or
/// that a client proposes.
pub(crate) fn page(
    server: &AuthorizationServer,
    browser: &Browser,
    next: &Next,
    purpose: Purpose,
    user: &str,
    error: Option<SignInError>,
) -> Response {
    let csrf = browser.form_token(server, FormKind::SignIn);
    browser.remember(server, view::sign_in(server, csrf, next, purpose, user, error))
}
