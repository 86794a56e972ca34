//! Refresh tokens (OAuth 2.1 §4.3).
//!
//! 1. The bounds of the grant are [`RefreshGrant`]'s, the life of the family is
//!    [`RefreshFamily`](auth_core::oauth::RefreshFamily)'s: here their decisions are carried out.
//! 2. A request of another client, for another resource or for more scopes leaves the family as it
//!    is.
//! 3. Writing the family and recording the access token is one change. If another request was
//!    faster, the token is judged again: within the grace period it gets the same successor.

use auth_core::oauth::{AccessTokenRequest, RefreshDecision, RefreshGrant, RefreshToken, Rotation};
use axum::response::Response;

use super::issue;
use crate::{
    AuthorizationServer, ChangeKind, ChangedBy,
    clients::{self, KnownClient},
    random::random,
    respond::Refusal,
};

/// How often a token is judged: each time, another request was faster.
const TRIES: usize = 16;

/// Exchanges a refresh token for new tokens.
pub(super) async fn refresh(
    server: &AuthorizationServer,
    client: &KnownClient,
    request: &AccessTokenRequest,
    token: &RefreshToken,
) -> Result<Response, Refusal> {
    let (store, digest) = (server.store(), token.digest());
    let idle = server.config().lifetimes.refresh_idle;
    let rotation = if client.is_public() { Rotation::Rotate } else { Rotation::Keep };
    for _ in 0..TRIES {
        let now = server.now();
        let Some(found) = store.find_refresh(&digest).await? else { break };
        let given = &found.grant.given;
        let grant = RefreshGrant {
            client_id: given.client_id.clone(),
            resource: given.resource.clone(),
            scopes: given.scopes.clone(),
        };
        let scopes = grant.check(&client.id, request)?;
        let before = &found.family;
        let (after, rotated, answer) = match before.present(found.generation, rotation, idle, now) {
            RefreshDecision::Rotate(after) => {
                let salt = random()?;
                let successor = token.successor(salt);
                (after, Some((successor.digest(), salt)), successor)
            }
            RefreshDecision::Repeat => {
                let Some(salt) = found.salt else { break };
                (*before, None, token.successor(salt))
            }
            RefreshDecision::Keep(after) => (after, None, token.clone()),
            RefreshDecision::End(_) => {
                let ended = store.end_grant(&given.id, now).await?;
                tracing::warn!(
                    grant = given.id.as_str(),
                    client = %client.id,
                    tokens = ended.tokens,
                    "An old refresh token was used again: its grant has ended"
                );
                let by = ChangedBy::Client(&client.id);
                let how = "an old refresh token was used again";
                server.changed(by, ChangeKind::GrantEnded, given.id.as_str(), how);
                break;
            }
            RefreshDecision::Refuse => break,
        };
        let allowed = issue::allowed_by_grant(server, given, &scopes).await?;
        let Some(scopes) = allowed else { break };
        let subject = &given.user.subject;
        let signed =
            issue::access_token(server, subject, &client.id, &given.resource, scopes, now)?;
        let written = rotated.as_ref().map(|(digest, salt)| (digest, *salt));
        if store.advance_refresh(&given.id, before, &after, written, &signed.record).await? {
            clients::note_use(server, client).await;
            return Ok(issue::answer(server, &client.id, signed, Some(answer)));
        }
    }
    Err(RefreshDecision::error().into())
}
