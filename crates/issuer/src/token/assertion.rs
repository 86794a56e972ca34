//! Assertions of other issuers (RFC 7523 §2.1).

use auth_core::{
    ScopeSet,
    oauth::{AccessTokenRequest, Assertion, ErrorCode, OAuthError},
};
use axum::response::Response;

use crate::{AuthorizationServer, clients::KnownClient, respond::Refusal};

/// Not built.
pub(super) async fn exchange(
    _server: &AuthorizationServer,
    _client: &KnownClient,
    _request: &AccessTokenRequest,
    _assertion: &Assertion,
    _scopes: Option<&ScopeSet>,
) -> Result<Response, Refusal> {
    let text = "this grant type is not supported";
    Err(OAuthError::new(ErrorCode::UnsupportedGrantType, text).into())
}
