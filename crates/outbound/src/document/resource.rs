//! The metadata of a protected resource (RFC 9728 §2).

use auth_core::ProtectedResourceMetadata;
use serde_json::Value;

use super::{error::DocumentError, object::object};
use crate::Response;

/// Reads a response to a request for the metadata of a protected resource.
pub fn resource_metadata(response: &Response) -> Result<ProtectedResourceMetadata, DocumentError> {
    let mut members = object(response)?;
    // A member that is null is one that is not there.
    members.retain(|_, value| !value.is_null());
    if !members.get("resource").is_some_and(Value::is_string) {
        return Err(DocumentError::Missing("resource"));
    }
    serde_json::from_value(Value::Object(members))
        .map_err(|_| DocumentError::Malformed("list of authorization servers, scopes or methods"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::*;

    #[test]
    fn the_document_names_its_resource_and_lists_texts() {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let read = |body: &str| {
            let response = Response::new(StatusCode::OK, headers.clone(), body.into());
            resource_metadata(&response)
        };
        let good = r#"{"resource":"https://h/mcp","authorization_servers":["https://as"],"x":1}"#;
        let metadata = read(good).unwrap();
        assert_eq!(metadata.resource, "https://h/mcp");
        assert_eq!(metadata.authorization_servers, ["https://as"]);
        let absent = read(r#"{"resource":"https://h/mcp","authorization_servers":null}"#).unwrap();
        assert!(absent.authorization_servers.is_empty());
        for body in ["{}", r#"{"resource":7}"#, r#"{"resource":null}"#] {
            assert_eq!(read(body), Err(DocumentError::Missing("resource")), "{body}");
        }
        for body in [
            r#"{"resource":"a","authorization_servers":"https://as"}"#,
            r#"{"resource":"a","authorization_servers":[1]}"#,
        ] {
            assert!(matches!(read(body), Err(DocumentError::Malformed(_))), "{body}");
        }
        assert_eq!(read("[]"), Err(DocumentError::NotAnObject));
    }
}
