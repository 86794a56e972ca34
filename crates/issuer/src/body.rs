//! Bodies of requests, read within their bounds.
//!
//! 1. A form has at most [`MAX_FORM_BYTES`]; what is longer is not read to its end.
//! 2. A form says that it is one: `application/x-www-form-urlencoded` (RFC 6749 §4.1.3).

use auth_core::oauth::{ErrorCode, Form, MAX_FORM_BYTES, OAuthError};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};

/// The whole body, if it has at most `limit` bytes.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, OAuthError> {
    axum::body::to_bytes(body, limit).await.map_err(|_| {
        let text = format!("the body cannot be read, or is longer than {limit} bytes");
        OAuthError::new(ErrorCode::InvalidRequest, text)
    })
}

/// The parameters of a `POST`.
pub(crate) async fn form(headers: &HeaderMap, body: Body) -> Result<Form, OAuthError> {
    if media_type(headers).as_deref() != Some("application/x-www-form-urlencoded") {
        let text = "send the parameters as application/x-www-form-urlencoded";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(Form::parse(&read(body, MAX_FORM_BYTES).await?)?)
}

/// The media type of a body without its parameters (RFC 9110 §8.3.1).
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}
