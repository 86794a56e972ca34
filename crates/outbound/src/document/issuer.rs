//! The metadata of an issuer (RFC 8414 §2, OpenID Connect Discovery §3).

use serde_json::{Map, Value};

use super::{
    error::DocumentError,
    object::{MAX_ITEMS, object},
};
use crate::{Address, AddressClass, AddressPolicy, Response};

/// The metadata of an issuer.
#[derive(Debug, Clone)]
pub struct IssuerMetadata {
    members: Map<String, Value>,
    source: AddressClass,
}

impl IssuerMetadata {
    /// Reads a response to a request for the document.
    pub fn read(response: &Response) -> Result<Self, DocumentError> {
        Ok(Self { members: object(response)?, source: response.source })
    }

    /// The issuer that the document is about.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.text("issuer")
    }

    /// An error unless the document is about `issuer`, byte for byte (RFC 8414 §3.3).
    pub fn require_issuer(&self, issuer: &str) -> Result<(), DocumentError> {
        if self.issuer() == Some(issuer) { Ok(()) } else { Err(DocumentError::IssuerDiffers) }
    }

    /// The address in a member, which must be there, and its policy: it may be public, or of the
    /// class of the address that the document came from ([`AddressPolicy::for_document`]).
    pub fn address(&self, member: &'static str) -> Result<(Address, AddressPolicy), DocumentError> {
        let text = self.text(member).ok_or(DocumentError::Missing(member))?;
        let fault = |error| DocumentError::Address(member, error);
        let address: Address = text.parse().map_err(fault)?;
        let policy = AddressPolicy::for_document(self.source);
        policy.check(&address).map_err(fault)?;
        Ok((address, policy))
    }

    /// The class of the address that the document came from.
    #[must_use]
    pub const fn source(&self) -> AddressClass {
        self.source
    }

    /// A member, if it is a text.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<&str> {
        self.members.get(member)?.as_str()
    }

    /// Whether a member is there, whatever it is.
    #[must_use]
    pub fn has(&self, member: &str) -> bool {
        self.members.get(member).is_some_and(|value| !value.is_null())
    }

    /// Whether a member is `true`.
    #[must_use]
    pub fn flag(&self, member: &str) -> bool {
        self.members.get(member) == Some(&Value::Bool(true))
    }

    /// A member, if it is a list: its texts, 1024 at most.
    #[must_use]
    pub fn texts(&self, member: &str) -> Option<Vec<&str>> {
        let items = self.members.get(member)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).take(MAX_ITEMS).collect())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};
    use serde_json::json;

    use super::*;
    use crate::AddressError;

    fn response(media_type: &str, body: &str) -> Response {
        let media_type = HeaderValue::try_from(media_type).unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]);
        Response::new(StatusCode::OK, headers, body.into())
    }

    fn read(body: &str) -> Result<IssuerMetadata, DocumentError> {
        IssuerMetadata::read(&response("application/json", body))
    }

    #[test]
    fn only_a_json_object_with_distinct_members_is_a_document() {
        for body in ["", "[]", "\"x\"", "{", r#"{"issuer":"a","issuer":"b"}"#, "{}{}"] {
            assert_eq!(read(body).unwrap_err(), DocumentError::NotAnObject, "{body}");
        }
        let many: Map<_, _> = (0..257).map(|n| (n.to_string(), json!(1))).collect();
        let many = Value::Object(many).to_string();
        assert_eq!(read(&many).unwrap_err(), DocumentError::NotAnObject);
        for kind in ["text/html", "application/octet-stream", "text/json", "+json", ""] {
            let fault = IssuerMetadata::read(&response(kind, "{}")).unwrap_err();
            assert_eq!(fault, DocumentError::MediaType, "{kind}");
        }
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/x+json"] {
            assert!(IssuerMetadata::read(&response(kind, "{}")).is_ok(), "{kind}");
        }
        let mut moved = response("application/json", "{}");
        moved.status = StatusCode::FOUND;
        assert_eq!(IssuerMetadata::read(&moved).unwrap_err(), DocumentError::Status(302));
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        let document = read(r#"{"issuer":"https://as.example"}"#).unwrap();
        assert_eq!(document.require_issuer("https://as.example"), Ok(()));
        for other in ["https://as.example/", "https://AS.example", ""] {
            assert_eq!(document.require_issuer(other), Err(DocumentError::IssuerDiffers));
        }
        assert!(read("{}").unwrap().require_issuer("").is_err());
    }

    #[test]
    fn an_address_is_judged_by_where_the_document_came_from() {
        let body = |uri: &str| json!({ "jwks_uri": uri }).to_string();
        let find = |source, uri: &str| {
            let mut response = response("application/json", &body(uri));
            response.source = source;
            IssuerMetadata::read(&response).unwrap().address("jwks_uri").map(|_| ())
        };
        let fault = |error| Err(DocumentError::Address("jwks_uri", error));
        let metadata_service = "https://169.254.169.254/latest";
        for source in [AddressClass::Public, AddressClass::Private, AddressClass::Loopback] {
            assert_eq!(find(source, metadata_service), fault(AddressError::LinkLocal));
            assert_eq!(find(source, "https://keys.example/"), Ok(()));
            assert_eq!(find(source, "http://keys.example/"), fault(AddressError::NotHttps));
        }
        assert_eq!(find(AddressClass::Public, "https://10.0.0.1/"), fault(AddressError::Private));
        assert_eq!(find(AddressClass::Private, "https://10.0.0.1/"), Ok(()));
        assert_eq!(find(AddressClass::Public, "http://localhost/"), fault(AddressError::Loopback));
        assert_eq!(find(AddressClass::Private, "http://[::1]/"), fault(AddressError::Loopback));
        assert_eq!(find(AddressClass::Loopback, "http://localhost/"), Ok(()));
        let missing = read("{}").unwrap().address("jwks_uri").unwrap_err();
        assert_eq!(missing, DocumentError::Missing("jwks_uri"));
    }
}
