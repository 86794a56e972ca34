//! Client credentials (RFC 6749 §4.4): a token for the client itself.
//!
//! 1. The client has a credential: its metadata has the grant only then.
//! 2. It acts as the user of this issuer whose subject is the client's id. Such users are made by
//!    the operator together with the client, so a client that registered itself has none. The
//!    user's roles bound the token.

use auth_core::{
    ScopeSet, Subject,
    oauth::{AccessTokenRequest, ErrorCode, OAuthError},
};
use axum::response::Response;
use directory::UserName;

use super::direct::{self, DirectToken};
use crate::{AuthorizationServer, clients::KnownClient, respond::Refusal};

/// Issues a token to `client` for itself.
pub(super) async fn issue(
    server: &AuthorizationServer,
    client: &KnownClient,
    request: &AccessTokenRequest,
    scopes: Option<&ScopeSet>,
) -> Result<Response, Refusal> {
    let resources = server.config().resource_uris();
    let resource = request.select_resource(&resources)?;
    let subject: Subject = client.id.as_str().parse().map_err(|_| unknown())?;
    let user = UserName::new(&server.config().issuer, &subject);
    let kind = "client credentials";
    let token = DirectToken { kind, user, resource, asked: scopes, limit: None };
    direct::issue(server, client, token, unknown).await
}

fn unknown() -> OAuthError {
    let text = "the client may not act for itself: the operator has to add it as a user with roles";
    OAuthError::new(ErrorCode::UnauthorizedClient, text)
}
