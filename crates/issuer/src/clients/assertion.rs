//! Clients that authenticate by a signed assertion (RFC 7523 §2.2).

use auth_core::oauth::{ClientAssertion, PresentedClient};

use super::KnownClient;
use crate::{AuthorizationServer, respond::Refusal};

/// Verifies the assertion of `client`, whose method is `private_key_jwt`.
pub(super) async fn verify(
    _server: &AuthorizationServer,
    _client: &KnownClient,
    _assertion: &ClientAssertion,
) -> Result<(), Refusal> {
    Err(PresentedClient::refused().into())
}
