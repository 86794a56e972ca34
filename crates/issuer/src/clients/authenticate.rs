//! Client authentication at the endpoints for programs (RFC 6749 §2.3, §3.2.1).
//!
//! 1. Which client, and by what, is read by
//!    [`PresentedClient`](auth_core::oauth::PresentedClient); a credential of another kind than the
//!    client has is refused before it is looked at.
//! 2. A secret is compared by its digest, in constant time.
//! 3. An unknown client and a wrong credential are the same error.
//! 4. A metadata document that cannot be had is a fault that passes (503): a client that seems to
//!    be unknown would forget who it is.

use auth_core::oauth::{ClientCredential, ErrorCode, Form, OAuthError, PresentedClient};
use http::{HeaderMap, header};

use super::{ClientLookupError, KnownClient, assertion, find};
use crate::{AuthorizationServer, PeerAddress, respond::Refusal};

/// The client that sends a request, authenticated as it was registered.
pub(crate) async fn authenticate(
    server: &AuthorizationServer,
    peer: Option<PeerAddress>,
    headers: &HeaderMap,
    form: &Form,
) -> Result<KnownClient, Refusal> {
    let authorization = headers.get_all(header::AUTHORIZATION);
    let presented =
        PresentedClient::parse(authorization.iter().map(http::HeaderValue::as_bytes), form)?;
    let client = find(server, presented.id(), peer).await.map_err(|fault| match fault {
        ClientLookupError::Unknown(_) => Refusal::from(PresentedClient::refused()),
        ClientLookupError::Unreachable(words) => {
            OAuthError::new(ErrorCode::TemporarilyUnavailable, words).into()
        }
        ClientLookupError::Unavailable(fault) => fault.into(),
    })?;
    presented.check_method(client.metadata.auth_method())?;
    match presented.credential() {
        ClientCredential::None => {}
        ClientCredential::Secret(secret) => {
            if client.secret != Some(secret.digest()) {
                return Err(PresentedClient::refused().into());
            }
        }
        ClientCredential::Assertion(jwt) => assertion::verify(server, &client, jwt, peer).await?,
    }
    Ok(client)
}
