//! The token endpoint (RFC 6749 §3.2; OAuth 2.1 §3.2).
//!
//! 1. The client authenticates as it was registered ([`clients::authenticate`]).
//! 2. Each grant has a file of its own; tokens are made and recorded in [`issue`].
//! 3. A fault of ours is 503, never an error that a client would forget its grant for.
//! 4. Answers are never cached (RFC 6749 §5.1).

mod assertion;
mod client_credentials;
mod code;
mod device;
mod direct;
pub(crate) mod issue;
mod refresh;

use auth_core::oauth::{AccessTokenRequest, Grant};
use axum::{Extension, body::Body, extract::State, response::Response};
use http::HeaderMap;

use crate::{AuthorizationServer, PeerAddress, body, clients, respond::Refusal};

/// `POST /token`
pub(crate) async fn endpoint(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let peer = peer.map(|Extension(peer)| peer);
    let form = body::form(&headers, body).await?;
    let client = clients::authenticate(&server, peer, &headers, &form).await?;
    let request = AccessTokenRequest::parse(&form)?;
    request.check_client(&client.metadata)?;
    match request.grant() {
        Grant::AuthorizationCode { code, .. } => {
            code::exchange(&server, &client, &request, code).await
        }
        Grant::RefreshToken { token, .. } => {
            refresh::refresh(&server, &client, &request, token).await
        }
        Grant::DeviceCode { code } => device::exchange(&server, &client, &request, code).await,
        Grant::ClientCredentials { scopes } => {
            client_credentials::issue(&server, &client, &request, scopes.as_ref()).await
        }
        Grant::JwtBearer { assertion, scopes } => {
            assertion::exchange(&server, &client, &request, assertion, scopes.as_ref()).await
        }
    }
}
