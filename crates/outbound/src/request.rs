//! One request.

use std::fmt;

use auth_core::AccessToken;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use url::form_urlencoded;

use crate::{Address, AddressError};

/// One request: a method, an address, headers and a whole body.
///
/// It accepts JSON unless another `Accept` is set.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) address: Address,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Shows neither headers nor body, which may hold secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, address, headers: _, body } = self;
        write!(f, "Request({method} {}, {} bytes)", address.without_query(), body.len())
    }
}

impl Request {
    /// A GET request.
    #[must_use]
    pub fn get(address: Address) -> Self {
        Self::new(Method::GET, address)
    }

    /// A POST request.
    #[must_use]
    pub fn post(address: Address) -> Self {
        Self::new(Method::POST, address)
    }

    /// A request with another method.
    #[must_use]
    pub fn new(method: Method, address: Address) -> Self {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::ACCEPT, json)]);
        Self { method, address, headers, body: Bytes::new() }
    }

    /// A request that another library built. An error if its URL may not be asked.
    pub fn from_http(request: http::Request<Vec<u8>>) -> Result<Self, AddressError> {
        let (parts, body) = request.into_parts();
        let address = parts.uri.to_string().parse()?;
        Ok(Self { method: parts.method, address, headers: parts.headers, body: body.into() })
    }

    /// Where it goes.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Sets a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends a token as RFC 6750 §2.1 says.
    #[must_use]
    pub fn bearer(self, token: &AccessToken) -> Self {
        self.authorization(&format!("Bearer {}", token.expose()))
    }

    /// Sends a name and a secret as RFC 7617 says. For a client of OAuth both are form-encoded
    /// before (RFC 6749 §2.3.1), which the caller does.
    #[must_use]
    pub fn basic(self, name: &str, secret: &str) -> Self {
        let pair = STANDARD.encode(format!("{name}:{secret}"));
        self.authorization(&format!("Basic {pair}"))
    }

    /// A token and Base64 are always a header's value.
    fn authorization(self, text: &str) -> Self {
        let Ok(mut value) = HeaderValue::try_from(text) else {
            return self;
        };
        value.set_sensitive(true);
        self.header(header::AUTHORIZATION, value)
    }

    /// Sends a form (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        self.form_text(form.extend_pairs(pairs).finish())
    }

    /// Sends a form that is already encoded.
    #[must_use]
    pub fn form_text(self, form: String) -> Self {
        self.body("application/x-www-form-urlencoded", form)
    }

    /// Sends a JSON document.
    #[must_use]
    pub fn json(self, document: &Value) -> Self {
        self.json_text(document.to_string())
    }

    /// Sends the text of a JSON document.
    #[must_use]
    pub fn json_text(self, document: impl Into<Bytes>) -> Self {
        self.body("application/json", document)
    }

    /// Sends a body of any media type.
    #[must_use]
    pub fn body(mut self, kind: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        self.body = body.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_marked_so_that_no_log_shows_it() {
        let post = || Request::post("https://a.example/".parse().unwrap());
        let token = "t0ken-t0ken".parse().unwrap();
        for request in [post().bearer(&token), post().basic("me", "hush-hush")] {
            let shown = format!("{request:?}");
            assert!(request.headers[header::AUTHORIZATION].is_sensitive());
            assert!(!shown.contains("t0ken") && !shown.contains("bWU6"), "{shown}");
        }
        assert_eq!(post().basic("a", "b").headers[header::AUTHORIZATION], "Basic YTpi");
    }

    #[test]
    fn a_form_is_encoded() {
        let request = Request::post("https://a.example/".parse().unwrap()).form(&[("a b", "c&d")]);
        assert_eq!(request.body, "a+b=c%26d");
    }
}
