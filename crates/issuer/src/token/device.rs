//! Device codes (RFC 8628 §3.4).

use auth_core::oauth::{AccessTokenRequest, DeviceCode, ErrorCode, OAuthError};
use axum::response::Response;

use crate::{AuthorizationServer, clients::KnownClient, respond::Refusal};

/// Not built.
pub(super) async fn exchange(
    _server: &AuthorizationServer,
    _client: &KnownClient,
    _request: &AccessTokenRequest,
    _code: &DeviceCode,
) -> Result<Response, Refusal> {
    let text = "this grant type is not supported";
    Err(OAuthError::new(ErrorCode::UnsupportedGrantType, text).into())
}
