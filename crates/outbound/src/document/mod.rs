//! Metadata documents of issuers (RFC 8414, OpenID Connect Discovery) and of protected resources
//! (RFC 9728): one parser each.
//!
//! 1. The status is 200 and the media type is `application/json` (RFC 8414 §3.2, RFC 9728 §3.2) or ends in
//!    `+json`.
//! 2. The body is a JSON object with at most 256 members, none of them twice at any depth.
//! 3. Whose document it is, is the caller's to check: byte for byte for an issuer
//!    ([`IssuerMetadata::require_issuer`], RFC 8414 §3.3).
//! 4. An address out of it is an [`Address`](crate::Address) under a policy, never a text
//!    ([`IssuerMetadata::address`]).

mod error;
mod issuer;
mod resource;

use http::StatusCode;
use serde_json::{Map, Value};

pub use self::{error::DocumentError, issuer::IssuerMetadata, resource::resource_metadata};
use crate::Response;

/// The most members of a document.
const MAX_MEMBERS: usize = 256;
/// The most items of a list in it.
const MAX_ITEMS: usize = 1024;

/// The object in a response.
fn object(response: &Response) -> Result<Map<String, Value>, DocumentError> {
    if response.status != StatusCode::OK {
        return Err(DocumentError::Status(response.status.as_u16()));
    }
    let media_type = response.media_type().unwrap_or_default();
    let is_json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if !is_json {
        return Err(DocumentError::MediaType);
    }
    match response.json() {
        Some(Value::Object(members)) if members.len() <= MAX_MEMBERS => Ok(members),
        _ => Err(DocumentError::NotAnObject),
    }
}
