//! Client credentials (RFC 6749 §4.4).

use auth_core::{
    ScopeSet,
    oauth::{AccessTokenRequest, ErrorCode, OAuthError},
};
use axum::response::Response;

use crate::{AuthorizationServer, clients::KnownClient, respond::Refusal};

/// Not built.
pub(super) async fn issue(
    _server: &AuthorizationServer,
    _client: &KnownClient,
    _request: &AccessTokenRequest,
    _scopes: Option<&ScopeSet>,
) -> Result<Response, Refusal> {
    let text = "this grant type is not supported";
    Err(OAuthError::new(ErrorCode::UnsupportedGrantType, text).into())
}
