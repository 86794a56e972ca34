//! `POST /sign-out`

use axum::{extract::State, response::Response};

use super::{next::Next, posted::Posted, view};
use crate::{
    AuthorizationServer,
    pages::Problem,
    respond::{self, Unavailable},
};

/// Ends the session of this browser.
pub(super) async fn post(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    let (browser, csrf) = (&posted.browser, posted.form.get("csrf"));
    if browser.session.is_some() && !browser.sent_sign_out(&server, &posted.headers, csrf) {
        return Ok(view::problem(&server, Problem::Expired));
    }
    // From a consent page, to sign in as another user.
    let response = match posted.next() {
        Some(next @ (Next::Authorize(_) | Next::Device(_))) => {
            respond::redirect(&next.location(server.config()))
        }
        _ => view::signed_out(&server),
    };
    browser.sign_out(&server, response).await
}
