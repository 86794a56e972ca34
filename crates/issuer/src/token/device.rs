//! Device codes (RFC 8628 §3.4, §3.5).
//!
//! 1. How often a device may ask, and what it gets, is [`Polling`](auth_core::oauth::Polling)'s to
//!    decide: here its decision is carried out.
//! 2. A code of another client is unknown, and stays as it is.
//! 3. Marking the code as used and recording its tokens is one change. If another request was
//!    faster, the code is judged again, as one that was used.

use auth_core::oauth::{AccessTokenRequest, DeviceCode, ErrorCode, OAuthError, PollDecision};
use axum::response::Response;

use super::issue;
use crate::{
    AuthorizationServer,
    clients::{self, KnownClient},
    respond::Refusal,
};

/// How often a code is judged.
const TRIES: usize = 3;

/// Exchanges a device code for tokens, once the user has approved it.
pub(super) async fn exchange(
    server: &AuthorizationServer,
    client: &KnownClient,
    request: &AccessTokenRequest,
    code: &DeviceCode,
) -> Result<Response, Refusal> {
    let (store, digest) = (server.store(), code.digest());
    for _ in 0..TRIES {
        let now = server.now();
        let Some(device) = store.device(&digest).await? else { break };
        if device.request.client_id != client.id {
            break;
        }
        request.check_resource(&device.request.resource)?;
        match device.polling.poll(device.state, device.request.expires_at, now) {
            PollDecision::Wait(polling, error) => {
                store.note_poll(&digest, &polling).await?;
                return Err(error.into());
            }
            PollDecision::Refuse(error) => return Err(error.into()),
            PollDecision::Issue => {}
        }
        let Some(id) = &device.grant else { break };
        let Some(grant) = store.grant(id).await?.filter(|grant| grant.ended_at.is_none()) else {
            break;
        };
        let given = &grant.given;
        let allowed = issue::allowed_by_grant(server, given, &given.scopes).await?;
        let Some(scopes) = allowed else { break };
        let subject = &given.user.subject;
        let signed =
            issue::access_token(server, subject, &client.id, &given.resource, scopes, now)?;
        let refresh = issue::first_refresh(client)?;
        if store.exchange_device(&digest, &signed.record, refresh.as_ref(), now).await? {
            clients::note_use(server, client).await;
            return Ok(issue::answer(server, &client.id, signed, refresh));
        }
    }
    let text = "the device code is not valid: start again";
    Err(OAuthError::new(ErrorCode::InvalidGrant, text).into())
}
