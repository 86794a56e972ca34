//! Token revocation (RFC 7009).
//!
//! 1. A refresh token ends its grant, with every token that came from it. An access token is
//!    revoked alone; the resource servers know within a second.
//! 2. A token of another client is left as it is, and the answer says so (RFC 7009 §2.1). One that
//!    is unknown, expired or revoked already is answered like one that was revoked now (§2.2).

use auth_core::oauth::{ErrorCode, OAuthError, RefreshToken, RevocationRequest};
use axum::{
    Extension,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use directory::{Directory, Edit, EditOutcome, RevokedToken, Stamp};
use http::{HeaderMap, StatusCode, header};

use crate::{
    AuthorizationServer, ChangeKind, ChangedBy, PeerAddress, body,
    clients::{self, KnownClient},
    own_token,
    respond::Refusal,
};

/// `POST /revoke`
pub(crate) async fn endpoint(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let form = body::form(&headers, body).await?;
    let peer = peer.map(|Extension(peer)| peer);
    let client = clients::authenticate(&server, peer, &headers, &form).await?;
    let request = RevocationRequest::parse(&form)?;
    if !revoke_refresh(&server, &client, request.expose()).await? {
        revoke_access(&server, &client, request.expose()).await?;
    }
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response())
}

/// Ends the grant of a refresh token; `false` if `token` is none.
async fn revoke_refresh(
    server: &AuthorizationServer,
    client: &KnownClient,
    token: &str,
) -> Result<bool, Refusal> {
    let Ok(token) = token.parse::<RefreshToken>() else { return Ok(false) };
    let Some(found) = server.store().find_refresh(&token.digest()).await? else {
        return Ok(false);
    };
    check_owner(client, &found.grant.given.client_id)?;
    let id = &found.grant.given.id;
    // One that has ended before is not changed.
    if server.store().end_grant(id, server.now()).await?.grants > 0 {
        let by = ChangedBy::Client(&client.id);
        server.changed(by, ChangeKind::GrantEnded, id.as_str(), "revoked");
    }
    Ok(true)
}

async fn revoke_access(
    server: &AuthorizationServer,
    client: &KnownClient,
    token: &str,
) -> Result<(), Refusal> {
    let now = server.now();
    let Some(claims) = own_token::verify(server, token, now)? else { return Ok(()) };
    let (Some(owner), Some(token_id)) = (claims.client_id(), claims.token_id()) else {
        return Ok(());
    };
    check_owner(client, owner)?;
    let edit = Edit::RevokeToken(RevokedToken {
        issuer: claims.issuer().clone(),
        token_id: token_id.clone(),
        expires_at: Some(claims.expires_at()),
    });
    let stamp = Stamp::new(format_args!("client {}", client.id), now);
    if server.users().edit(edit, &stamp).await? == EditOutcome::Changed {
        let by = ChangedBy::Client(&client.id);
        server.changed(by, ChangeKind::TokenRevoked, token_id.as_str(), None);
    }
    Ok(())
}

fn check_owner(client: &KnownClient, owner: &auth_core::ClientId) -> Result<(), OAuthError> {
    if *owner == client.id {
        Ok(())
    } else {
        let text = "the token was issued to another client";
        Err(OAuthError::new(ErrorCode::InvalidGrant, text))
    }
}
