//! Making tokens, and the answer that carries them.
//!
//! 1. An access token is a JWT (RFC 9068) for one resource, signed by the key that signs now.
//! 2. It is recorded with its grant before it is sent, so that ending the grant revokes it.
//! 3. It lives as long as configured, and no longer than its key stays published.
//! 4. Its scopes are those of the grant that the user's roles allow now.
//! 5. A grant from before all tokens of its user were revoked issues none.

use std::time::Duration;

use auth_core::{
    AccessToken, Audience, ClientId, NumericDate, ResourceUri, ScopeSet, Subject, TokenId,
    TokenIssuer, TokenRequest,
    oauth::{AccessTokenResponse, RefreshToken},
};
use axum::response::Response;
use directory::{
    UserName,
    authorization::{IssuedToken, NewGrant},
};
use http::StatusCode;

use crate::{
    AuthorizationServer, ChangeKind, ChangedBy,
    clients::KnownClient,
    random::random,
    respond::{self, Unavailable},
    users,
};

/// A token that is signed, and what is to be recorded of it before it is sent.
#[derive(Debug)]
pub(crate) struct SignedToken {
    token: AccessToken,
    scopes: ScopeSet,
    lifetime: Duration,
    /// For whom, and for which resource.
    issued_for: String,
    /// What the store is to record.
    pub(crate) record: IssuedToken,
}

/// Signs a token for `subject` through `client` at `resource`.
pub(crate) fn access_token(
    server: &AuthorizationServer,
    subject: &Subject,
    client: &ClientId,
    resource: &ResourceUri,
    scopes: ScopeSet,
    now: NumericDate,
) -> Result<SignedToken, Unavailable> {
    let active = server.keys().active(now)?;
    let lifetime = active.lifetime(server.config().lifetimes.access_token);
    let token_id = TokenId::from_random(random()?);
    let audience: Audience = resource.audience().clone();
    let request = TokenRequest::new(subject.clone(), audience, token_id.clone())
        .client_id(client.clone())
        .scopes(scopes.clone())
        .lifetime(lifetime);
    let token = TokenIssuer::new(server.config().issuer.clone(), active.key).issue(&request, now);
    let token = token.map_err(|fault| Unavailable::new("a token cannot be signed", fault))?;
    let record = IssuedToken { token_id, expires_at: now.plus(lifetime) };
    let issued_for = format!("{} at {}", subject.as_str(), resource.as_str());
    Ok(SignedToken { token, scopes, lifetime, issued_for, record })
}

/// Of `scopes`, those that `user` may hold now at `resource`; `None` if the user may not act, or
/// the resource is gone.
pub(crate) async fn allowed_now(
    server: &AuthorizationServer,
    user: &UserName,
    resource: &ResourceUri,
    scopes: &ScopeSet,
) -> Result<Option<ScopeSet>, Unavailable> {
    allowed(server, (user, None), resource, scopes).await
}

/// The same for a grant; `None` also if all tokens of its user were revoked since it was given:
/// what it could still issue would outlive that.
pub(crate) async fn allowed_by_grant(
    server: &AuthorizationServer,
    given: &NewGrant,
    scopes: &ScopeSet,
) -> Result<Option<ScopeSet>, Unavailable> {
    allowed(server, (&given.user, Some(given.created_at)), &given.resource, scopes).await
}

async fn allowed(
    server: &AuthorizationServer,
    (user, since): (&UserName, Option<NumericDate>),
    resource: &ResourceUri,
    scopes: &ScopeSet,
) -> Result<Option<ScopeSet>, Unavailable> {
    let Some(target) = server.config().resource(resource) else { return Ok(None) };
    let user = users::active(server, user).await?;
    let user = user.filter(|user| since.is_none_or(|since| !user.has_revoked(Some(since))));
    Ok(user
        .map(|user| scopes.intersection(&users::ceiling(server, &user, &target.policy.current()))))
}

/// The first refresh token of a grant, if the client is to get one.
pub(crate) fn first_refresh(client: &KnownClient) -> Result<Option<RefreshToken>, Unavailable> {
    client.refreshes().then(|| Ok(RefreshToken::from_random(random()?))).transpose()
}

/// Sends tokens that are recorded.
pub(crate) fn answer(
    server: &AuthorizationServer,
    client: &ClientId,
    signed: SignedToken,
    refresh_token: Option<RefreshToken>,
) -> Response {
    let SignedToken { token, scopes, lifetime: expires_in, record, issued_for } = signed;
    let detail = format!("{issued_for}: {scopes}");
    let (by, kind) = (ChangedBy::Client(client), ChangeKind::TokenIssued);
    server.changed(by, kind, record.token_id.as_str(), detail.as_str());
    let answer = AccessTokenResponse { access_token: token, expires_in, refresh_token, scopes };
    respond::json(StatusCode::OK, &answer)
}
