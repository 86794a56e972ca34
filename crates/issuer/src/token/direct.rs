//! Access tokens that no consent precedes: of a client for itself, and for the subject of an
//! assertion.
//!
//! 1. Scopes that the policy does not have are dropped. If none was asked for, all that some rule
//!    of the policy names are meant. The token has those that the user's roles, and the assertion,
//!    allow; if there is none, the request is refused.
//! 2. There is no refresh token: the client can ask again (RFC 6749 §4.4.3, RFC 7521 §4.1).
//! 3. The token is recorded with one grant for each user, client, resource and kind, so that
//!    removing the client, or ending the grant, revokes it.

use auth_core::{
    ResourceUri, ScopeSet,
    oauth::{ErrorCode, OAuthError, PresentedClient},
};
use aws_lc_rs::digest::{Context, SHA256};
use axum::response::Response;
use directory::{
    UserName,
    authorization::{AddGrant, GrantId, NewGrant},
};

use super::issue;
use crate::{
    AuthorizationServer,
    clients::{self, KnownClient},
    respond::{Refusal, Unavailable},
};

/// What a token is issued for.
#[derive(Debug)]
pub(super) struct DirectToken<'a> {
    /// Which kind of grant it is of.
    pub(super) kind: &'static str,
    /// For whom.
    pub(super) user: UserName,
    /// At which resource.
    pub(super) resource: &'a ResourceUri,
    /// The scopes that the client asks for.
    pub(super) asked: Option<&'a ScopeSet>,
    /// The most that an assertion permits; `None`: it does not limit them.
    pub(super) limit: Option<&'a ScopeSet>,
}

/// Issues a token to `client`, which has been authenticated; `unknown` is the error for a user who
/// is not there, or disabled.
pub(super) async fn issue(
    server: &AuthorizationServer,
    client: &KnownClient,
    token: DirectToken<'_>,
    unknown: fn() -> OAuthError,
) -> Result<Response, Refusal> {
    let (store, now) = (server.store(), server.now());
    let Some(target) = server.config().resource(token.resource) else {
        return Err(Unavailable::new("a resource is gone", "it was checked before").into());
    };
    let none = ScopeSet::empty();
    let asked = token.asked.or(token.limit).unwrap_or(&none);
    let policy = target.policy.current();
    let known = policy.scopes().intersection(asked);
    let wanted = if asked.is_empty() { policy.requestable_scopes() } else { known };
    let wanted = token.limit.map_or_else(|| wanted.clone(), |limit| wanted.intersection(limit));
    let allowed = issue::allowed_now(server, &token.user, token.resource, &wanted).await?;
    let scopes = allowed.ok_or_else(unknown)?;
    if scopes.is_empty() {
        let text = "none of these scopes is allowed: the roles of the user decide";
        return Err(OAuthError::new(ErrorCode::InvalidScope, text).into());
    }
    let signed = issue::access_token(
        server,
        &token.user.subject,
        &client.id,
        token.resource,
        scopes.clone(),
        now,
    )?;
    let grant = NewGrant {
        id: grant_id(client, &token),
        user: token.user,
        client_id: client.id.clone(),
        client_name: client.name().map(str::to_owned),
        resource: token.resource.clone(),
        scopes,
        created_at: now,
    };
    server.make_room_for(&grant).await?;
    match store.issue_directly(&grant, client.source(), &signed.record).await? {
        AddGrant::Added => {}
        AddGrant::NoUser => return Err(unknown().into()),
        AddGrant::NoClient => return Err(PresentedClient::refused().into()),
    }
    clients::note_use(server, client).await;
    Ok(issue::answer(server, &client.id, signed, None))
}

/// The one grant of this kind for a user, a client and a resource.
fn grant_id(client: &KnownClient, token: &DirectToken<'_>) -> GrantId {
    let mut digest = Context::new(&SHA256);
    let user = &token.user;
    let parts = [user.issuer.as_str(), user.subject.as_str(), client.id.as_str()];
    for part in [token.kind, token.resource.as_str()].into_iter().chain(parts) {
        // None of them has a NUL, so no two lists are written alike.
        digest.update(part.as_bytes());
        digest.update(&[0]);
    }
    let mut id = [0; 16];
    for (byte, from) in id.iter_mut().zip(digest.finish().as_ref()) {
        *byte = *from;
    }
    GrantId::from_random(id)
}
