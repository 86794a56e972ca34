//! Ending connections.

use axum::{extract::State, response::Response};
use directory::authorization::{GrantFilter, GrantId, NewGrant};

use super::{show, signed_in::SignedIn};
use crate::{AuthorizationServer, ChangeKind, ChangedBy, pages::Notice, respond::Unavailable};

/// `POST /account/connections/end`: one, if it is the user's.
pub(super) async fn end_one(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    let id = form.posted.form.get("id").and_then(|id| id.parse::<GrantId>().ok());
    let user = &form.session.begun.user;
    if let Some(id) = id
        && let Some(grant) = server.store().grant(&id).await?
        && grant.given.user == *user
    {
        server.store().end_grant(&id, server.now()).await?;
        server.store().forget_consents(user, &grant.given.client_id).await?;
        ended(&server, &grant.given);
    }
    // One that is gone has ended.
    show::after(&server, &form, Notice::ConnectionEnded).await
}

/// `POST /account/connections/end-all`
pub(super) async fn end_all(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    let user = &form.session.begun.user;
    let filter = GrantFilter { user: Some(user.clone()), ..GrantFilter::default() };
    let clients = server.store().grants(&filter).await?;
    server.store().end_grants(&filter, server.now()).await?;
    for grant in clients {
        server.store().forget_consents(user, &grant.given.client_id).await?;
        ended(&server, &grant.given);
    }
    show::after(&server, &form, Notice::ConnectionsEnded).await
}

fn ended(server: &AuthorizationServer, grant: &NewGrant) {
    let by = ChangedBy::User(&grant.user);
    server.changed(by, ChangeKind::GrantEnded, grant.id.as_str(), grant.client_id.as_str());
}
