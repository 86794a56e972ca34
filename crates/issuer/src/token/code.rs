//! Authorization codes (OAuth 2.1 §4.1.3).
//!
//! 1. What is judged is in [`StoredCode`](auth_core::oauth::StoredCode): here its decision is
//!    carried out.
//! 2. Marking the code and recording its tokens is one change. If another request was faster, the
//!    code is judged again, as one that was exchanged.

use auth_core::oauth::{AccessTokenRequest, AuthorizationCode, CodeDecision};
use axum::response::Response;

use super::issue;
use crate::{
    AuthorizationServer, ChangeKind, ChangedBy,
    clients::{self, KnownClient},
    respond::Refusal,
};

/// How often a code is judged.
const TRIES: usize = 3;

/// Exchanges a code for tokens.
pub(super) async fn exchange(
    server: &AuthorizationServer,
    client: &KnownClient,
    request: &AccessTokenRequest,
    code: &AuthorizationCode,
) -> Result<Response, Refusal> {
    let (store, digest) = (server.store(), code.digest());
    for _ in 0..TRIES {
        let now = server.now();
        let Some(issued) = store.find_code(&digest).await? else { break };
        match issued.code.exchange(&client.id, request, now) {
            CodeDecision::Refuse(error) => return Err(error.into()),
            CodeDecision::Revoke(error) => {
                let ended = store.end_grant(&issued.grant, now).await?;
                tracing::warn!(
                    grant = issued.grant.as_str(),
                    client = %client.id,
                    tokens = ended.tokens,
                    "A code was used twice: its grant has ended"
                );
                let by = ChangedBy::Client(&client.id);
                let how = "a code was used twice";
                server.changed(by, ChangeKind::GrantEnded, issued.grant.as_str(), how);
                return Err(error.into());
            }
            CodeDecision::Issue => {}
        }
        let Some(grant) = store.grant(&issued.grant).await? else { break };
        if grant.ended_at.is_some() {
            break;
        }
        let given = &grant.given;
        let allowed = issue::allowed_by_grant(server, given, &given.scopes).await?;
        let Some(scopes) = allowed else { break };
        let subject = &given.user.subject;
        let signed =
            issue::access_token(server, subject, &client.id, &given.resource, scopes, now)?;
        let refresh = issue::first_refresh(client)?;
        if store.exchange_code(&digest, &signed.record, refresh.as_ref(), now).await? {
            clients::note_use(server, client).await;
            return Ok(issue::answer(server, &client.id, signed, refresh));
        }
    }
    Err(AuthorizationCode::unknown().into())
}
