//! `POST /sign-out`

use axum::{extract::State, response::Response};

use super::{browser::FormKind, posted::Posted, view};
use crate::{AuthorizationServer, respond::Unavailable};

/// Ends the session of this browser.
pub(super) async fn post(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    if posted.browser.session.is_some() && !posted.is_genuine(&server, FormKind::SignOut) {
        return Ok(view::expired());
    }
    posted.browser.sign_out(&server, view::signed_out(&server)).await
}
