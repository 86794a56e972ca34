//! The page on which a user signs in, wherever it is shown.

use axum::response::Response;

use super::{
    browser::{Browser, FormKind},
    next::Next,
    view,
};
use crate::{
    AuthorizationServer,
    pages::{Asker, Purpose, SignInError},
};

/// The page on which a user signs in, to go on to `next`; with the name that was typed before.
pub(crate) fn page(
    server: &AuthorizationServer,
    browser: &Browser,
    next: &Next,
    user: &str,
    error: Option<SignInError>,
) -> Response {
    let purpose = match next {
        Next::Device(_) => Purpose::Device,
        Next::Account | Next::Authorize(_) => Purpose::Account,
    };
    show(server, browser, next, purpose, user, error)
}

/// The same for the program that asks for access; with the name that it proposes, or that was typed
/// before.
pub(crate) fn page_for_program(
    server: &AuthorizationServer,
    browser: &Browser,
    next: &Next,
    asker: Asker,
    user: &str,
    error: Option<SignInError>,
) -> Response {
    show(server, browser, next, Purpose::Program(asker), user, error)
}

fn show(
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
