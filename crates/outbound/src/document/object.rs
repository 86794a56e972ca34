//! The JSON object in a response.

use http::StatusCode;
use serde_json::{Map, Value};

use super::error::DocumentError;
use crate::Response;

/// The most members of a document.
const MAX_MEMBERS: usize = 256;
/// The most items of a list in it.
pub(super) const MAX_ITEMS: usize = 1024;

/// The object in a response.
pub(super) fn object(response: &Response) -> Result<Map<String, Value>, DocumentError> {
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
