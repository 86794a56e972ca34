//! To the sign-in page, and back to the request.

use axum::response::Response;

use super::{CheckedRequest, after_sign_in};
use crate::{
    AuthorizationServer,
    pages::Asker,
    respond,
    sign_in::{self, Browser, Next},
};

/// To the sign-in page, for a user whose session has ended in between.
pub(super) fn again(server: &AuthorizationServer, checked: &CheckedRequest) -> Response {
    respond::redirect(&Next::Authorize(checked.text.clone()).location(server.config()))
}

/// The sign-in page.
pub(super) fn sign_in(
    server: &AuthorizationServer,
    browser: &Browser,
    checked: &CheckedRequest,
) -> Response {
    let next = Next::Authorize(after_sign_in(&checked.text));
    let hint = checked.authorization.login_hint().unwrap_or_default();
    sign_in::page_for_program(server, browser, &next, Asker::from(checked), hint, None)
}
