//! Client ID metadata documents: a client whose id is the address of its metadata
//! (draft-ietf-oauth-client-id-metadata-document §3, §4).
//!
//! 1. The address is `https` with a path, without user information, fragment or dot segments, and
//!    written in its canonical form. It is compared byte for byte (§3).
//! 2. The document has at most 5 KiB, is a JSON object without repeated members, and its
//!    `client_id` is the address (§4).
//! 3. There is no shared secret: `client_secret` and `client_secret_expires_at` are refused, and
//!    methods other than `none` and `private_key_jwt` (§4.1). No method means `none`.
//! 4. There is no private key (§4.1), whatever the method.
//! 5. All else is read as in a registration.
//!
//! Fetching the document, with its limits, is the HTTP layer's task.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde_json::Value;
use url::Url;

use super::{AuthMethod, ClientMetadata, GrantType, metadata::present};
use crate::{
    ClientId, Jwks, KeyError,
    oauth::{
        OAuthError,
        redirect_uri::{has_dot_segment, has_uri_characters},
    },
    parse_strict,
};

/// The longest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 5 * 1024;

/// A client id that is the address of a metadata document.
///
/// ```
/// use auth_core::oauth::MetadataUrl;
///
/// assert!("https://client.example/oauth/client.json".parse::<MetadataUrl>().is_ok());
/// assert!("https://client.example".parse::<MetadataUrl>().is_err());
/// # Ok::<(), auth_core::oauth::MetadataUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetadataUrl(ClientId);

/// Why a text is not the address of a metadata document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the address of a metadata document is an https URL with a path, of at most 255 bytes, in its \
     canonical form, without user, fragment or dot segments"
)]
pub struct MetadataUrlError;

/// Why a metadata document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Longer than [`MAX_DOCUMENT_BYTES`].
    #[error("the document is longer than {MAX_DOCUMENT_BYTES} bytes")]
    TooLong,
    /// Not a JSON object, or a member twice.
    #[error("the document is not a JSON object without repeated members")]
    Json,
    /// `client_id` is missing or is not the address of the document.
    #[error("client_id of the document is not its address")]
    ClientId,
    /// A secret, or a method that needs one.
    #[error("the document has a client secret, or a method that needs one")]
    Secret,
    /// An authentication method other than `none` and `private_key_jwt`.
    #[error("token_endpoint_auth_method of the document is not none or private_key_jwt")]
    AuthMethod,
    /// A private or symmetric key.
    #[error("the document has a private key")]
    PrivateKey,
    /// Another member is not valid.
    #[error("the document is not valid client metadata")]
    Metadata(#[source] OAuthError),
}

impl MetadataUrl {
    /// The address as the client's id.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.0
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, which is what the document proves about the client.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.as_str().strip_prefix("https://").unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }
}

impl FromStr for MetadataUrl {
    type Err = MetadataUrlError;

    fn from_str(text: &str) -> Result<Self, MetadataUrlError> {
        let rest = text.strip_prefix("https://").ok_or(MetadataUrlError)?;
        let path = rest.find('/').and_then(|slash| rest.get(slash..)).ok_or(MetadataUrlError)?;
        let url = Url::parse(text).map_err(|_| MetadataUrlError)?;
        let is_good = has_uri_characters(text)
            && !text.contains(['#', '@'])
            && !has_dot_segment(path)
            && path.len() > 1
            && url.as_str() == text;
        match text.parse() {
            Ok(id) if is_good => Ok(Self(id)),
            _ => Err(MetadataUrlError),
        }
    }
}

impl fmt::Display for MetadataUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the document that came from `url`. `supported` are the grants that the server has.
pub fn parse_document(
    url: &MetadataUrl,
    body: &[u8],
    supported: &BTreeSet<GrantType>,
) -> Result<ClientMetadata, DocumentError> {
    if body.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentError::TooLong);
    }
    let Ok(Value::Object(members)) = parse_strict(body) else { return Err(DocumentError::Json) };
    if members.get("client_id").and_then(Value::as_str) != Some(url.as_str()) {
        return Err(DocumentError::ClientId);
    }
    if ["client_secret", "client_secret_expires_at"].iter().any(|it| members.contains_key(*it)) {
        return Err(DocumentError::Secret);
    }
    let auth_method = match present(&members, "token_endpoint_auth_method").map(Value::as_str) {
        None => AuthMethod::None,
        Some(text) => match text.and_then(|text| text.parse().ok()) {
            Some(method @ (AuthMethod::None | AuthMethod::PrivateKeyJwt)) => method,
            Some(_) => return Err(DocumentError::Secret),
            None => return Err(DocumentError::AuthMethod),
        },
    };
    let inline = present(&members, "jwks").map(|keys| Jwks::parse(&keys.to_string()));
    if let Some(Ok(keys)) = inline
        && keys.unusable.iter().any(|(_, fault)| *fault == KeyError::Private)
    {
        return Err(DocumentError::PrivateKey);
    }
    ClientMetadata::read(&members, auth_method, supported).map_err(DocumentError::Metadata)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://client.example/oauth/client.json";

    fn document() -> Value {
        json!({
            "client_id": URL,
            "client_name": "Example",
            "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        })
    }

    fn read(body: &Value) -> Result<ClientMetadata, DocumentError> {
        let url = URL.parse().unwrap();
        parse_document(&url, body.to_string().as_bytes(), &GrantType::ALL.into())
    }

    #[test]
    fn addresses_of_documents_are_read_and_others_are_not() {
        for good in [
            "https://chatgpt.com/oauth/codex/client.json",
            "https://vscode.dev/oauth/client-metadata.json",
            "https://claude.ai/oauth/claude-code-client-metadata",
            "https://client.example:8443/client.json?v=1",
            "https://client.example/a/",
        ] {
            assert_eq!(good.parse::<MetadataUrl>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "c1",
            "http://client.example/client.json",
            "http://localhost/client.json",
            "HTTPS://client.example/client.json",
            "https://Client.example/client.json",
            "https://client.example",
            "https://client.example/",
            "https://client.example:443/client.json",
            "https://client.example?/client.json",
            "https://user@client.example/client.json",
            "https://client.example/client.json#a",
            "https://client.example/client.json#",
            "https://client.example/a/../client.json",
            "https://client.example/./client.json",
            "https://client.example/%2e%2E/client.json",
            "https://client.example/client json",
            "https://client.example\\client.json",
            "https://client.example/é",
            "https:///client.json",
            "https://127.1/client.json",
        ] {
            assert_eq!(bad.parse::<MetadataUrl>(), Err(MetadataUrlError), "{bad}");
        }
        let long = format!("https://client.example/{}", "a".repeat(233));
        assert!(long.parse::<MetadataUrl>().is_err(), "longer than a client id");
    }

    #[test]
    fn the_host_is_what_is_proven() {
        for (url, host) in [
            (URL, "client.example"),
            ("https://client.example:8443/a", "client.example"),
            ("https://[2001:db8::1]/a", "[2001:db8::1]"),
            ("https://[2001:db8::1]:8443/a", "[2001:db8::1]"),
        ] {
            assert_eq!(url.parse::<MetadataUrl>().unwrap().host(), host);
        }
    }

    #[test]
    fn a_document_is_read_as_a_public_client_by_default() {
        let client = read(&document()).unwrap();
        assert_eq!(client.auth_method(), AuthMethod::None);
        assert_eq!(client.redirect_uris().len(), 2);
        let mut keyed = document();
        keyed["token_endpoint_auth_method"] = json!("private_key_jwt");
        keyed["jwks_uri"] = json!("https://client.example/jwks.json");
        assert_eq!(read(&keyed).unwrap().auth_method(), AuthMethod::PrivateKeyJwt);
    }

    #[test]
    fn what_a_document_must_not_say_is_refused() {
        let private = json!({
            "kty": "EC", "crv": "P-256", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        for (name, value, expected) in [
            (
                "client_id",
                json!("https://client.example/oauth/other.json"),
                DocumentError::ClientId,
            ),
            (
                "client_id",
                json!("https://client.example/oauth/client.json/"),
                DocumentError::ClientId,
            ),
            (
                "client_id",
                json!("https://CLIENT.example/oauth/client.json"),
                DocumentError::ClientId,
            ),
            ("client_id", json!(null), DocumentError::ClientId),
            ("client_id", json!([URL]), DocumentError::ClientId),
            ("client_secret", json!("x"), DocumentError::Secret),
            ("client_secret", json!(null), DocumentError::Secret),
            ("client_secret_expires_at", json!(0), DocumentError::Secret),
            ("token_endpoint_auth_method", json!("client_secret_basic"), DocumentError::Secret),
            ("token_endpoint_auth_method", json!("client_secret_post"), DocumentError::Secret),
            ("token_endpoint_auth_method", json!("client_secret_jwt"), DocumentError::AuthMethod),
            ("token_endpoint_auth_method", json!(1), DocumentError::AuthMethod),
            ("jwks", json!({"keys": [private]}), DocumentError::PrivateKey),
        ] {
            let mut body = document();
            body[name] = value;
            assert_eq!(read(&body), Err(expected), "{body}");
        }
        for (name, value) in [
            ("redirect_uris", json!([])),
            ("redirect_uris", json!(["javascript:alert(1)"])),
            ("grant_types", json!(["client_credentials"])),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
        ] {
            let mut body = document();
            body[name] = value;
            assert!(matches!(read(&body), Err(DocumentError::Metadata(_))), "{body}");
        }
        let url = URL.parse().unwrap();
        let parse = |body: &str| parse_document(&url, body.as_bytes(), &GrantType::ALL.into());
        for bad in ["", "<html>", "[]", r#"{"client_id":1,"client_id":1}"#] {
            assert_eq!(parse(bad), Err(DocumentError::Json), "{bad}");
        }
        let text = document().to_string();
        let rest = MAX_DOCUMENT_BYTES - text.len();
        assert!(parse(&format!("{text}{}", " ".repeat(rest))).is_ok());
        assert_eq!(parse(&format!("{text}{}", " ".repeat(rest + 1))), Err(DocumentError::TooLong));
    }
}
