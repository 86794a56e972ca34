//! Ending browser sessions.

use axum::{extract::State, response::Response};

use super::{show, signed_in::SignedIn};
use crate::{AuthorizationServer, ChangeKind, pages::Notice, respond::Unavailable};

/// `POST /account/sessions/end`: one of the user's.
pub(super) async fn end_one(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    let id = form.posted.form.get("id").unwrap_or_default();
    // This one ends by signing out.
    if id != form.session.begun.id {
        let user = &form.session.begun.user;
        if server.store().end_browser_sessions_of(user, Some(id), None).await? > 0 {
            server.changed_account(user, ChangeKind::SessionsEnded, Some("one"));
        }
    }
    show::after(&server, &form, Notice::SessionEnded).await
}

/// `POST /account/sessions/end-others`
pub(super) async fn end_others(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    form.end_other_sessions(&server).await?;
    show::after(&server, &form, Notice::SessionsEnded).await
}
