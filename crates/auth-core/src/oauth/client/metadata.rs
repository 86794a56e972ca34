//! What a client says about itself, read and bounded (RFC 7591 §2). A registration and a metadata
//! document have the same shape; each adds rules of its own.
//!
//! 1. Members that are not known here are ignored (RFC 7591 §2).
//! 2. A redirect URI that is not usable is left out; the others stay. At most 16 are read. A client
//!    that uses authorization codes needs at least one; one that does not may have none.
//! 3. Grants that the server does not have are left out, and, for a public client, those that need
//!    a credential. No `grant_types` means `authorization_code` (RFC 7591 §2). One must remain.
//! 4. `response_types`, if it is there and the client uses codes, contains `code`.
//! 5. Keys are `jwks` or `jwks_uri`, never both (RFC 7591 §2). They are read for `private_key_jwt`
//!    alone. A set has public keys only, and one that can be used.
//! 6. `scope` is what the client asks for first. It limits nothing. One that is malformed is
//!    ignored.
//! 7. `client_name` and `client_uri` are for people. A `client_uri` that is not `https` is ignored.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};
use url::Url;

use super::{AuthMethod, ClientName, GrantType};
use crate::{
    Jwks, KeyError, ScopeSet,
    oauth::{ErrorCode, OAuthError, RedirectUri},
    parse_strict,
};

/// The most redirect URIs that are read.
const MAX_REDIRECT_URIS: usize = 16;

/// The longest address in metadata, in bytes.
const MAX_URL_BYTES: usize = 2048;

/// The metadata of a client. In JSON it is what the answer to a registration says (RFC 7591
/// §3.2.1).
///
/// **Invariant:** a client with the grant `authorization_code` has a redirect URI; one with the
/// method `private_key_jwt` has keys; a public client has no grant that needs a credential.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientMetadata {
    redirect_uris: Vec<RedirectUri>,
    grant_types: BTreeSet<GrantType>,
    auth_method: AuthMethod,
    keys: Option<ClientKeys>,
    name: Option<ClientName>,
    uri: Option<String>,
    scopes: Option<ScopeSet>,
}

/// Where the public keys of a client are.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientKeys {
    /// `jwks`: in the metadata itself, a JWK Set (RFC 7517 §5).
    Inline(Value),
    /// `jwks_uri`: at an `https` address.
    Uri(String),
}

impl ClientMetadata {
    /// Reads `members` for a client that authenticates by `auth_method`; `supported` are the grants
    /// that the server has.
    pub(super) fn read(
        members: &Map<String, Value>,
        auth_method: AuthMethod,
        supported: &BTreeSet<GrantType>,
    ) -> Result<Self, OAuthError> {
        let grant_types = grant_types(members, auth_method, supported)?;
        let uses_codes = grant_types.contains(&GrantType::AuthorizationCode);
        let response_types = texts(members, "response_types")?;
        if uses_codes && response_types.is_some_and(|types| !types.contains(&"code")) {
            return Err(invalid("response_types must contain code"));
        }
        let redirect_uris = redirect_uris(members)?;
        if uses_codes && redirect_uris.is_empty() {
            return Err(OAuthError::new(
                ErrorCode::InvalidRedirectUri,
                "no usable redirect URI: https, http to a loopback host, or a private-use scheme",
            ));
        }
        let keys = match auth_method {
            AuthMethod::PrivateKeyJwt => Some(keys(members)?),
            _ => None,
        };
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        Ok(Self {
            redirect_uris,
            grant_types,
            auth_method,
            keys,
            name: text("client_name").and_then(ClientName::new),
            uri: text("client_uri").filter(|uri| is_https(uri)).map(str::to_owned),
            scopes: text("scope").and_then(|scope| scope.parse().ok()),
        })
    }

    /// The metadata as JSON, for storing it. [`restore`](Self::restore) reads it.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The metadata that was stored as `json`. It is judged as when it was read first: what a
    /// client may not have any more, because the rules have become stricter, is left out or an
    /// error.
    pub fn restore(json: &str) -> Result<Self, OAuthError> {
        let Ok(Value::Object(members)) = parse_strict(json.as_bytes()) else {
            return Err(invalid("client metadata is a JSON object without repeated members"));
        };
        let method = present(&members, "token_endpoint_auth_method").and_then(Value::as_str);
        let method = method.and_then(|text| text.parse().ok());
        let method = method.ok_or_else(|| invalid("token_endpoint_auth_method is not known"))?;
        Self::read(&members, method, &GrantType::ALL.into())
    }

    /// `redirect_uris`.
    #[must_use]
    pub fn redirect_uris(&self) -> &[RedirectUri] {
        &self.redirect_uris
    }

    /// `grant_types`.
    #[must_use]
    pub const fn grant_types(&self) -> &BTreeSet<GrantType> {
        &self.grant_types
    }

    /// Whether the client may use `grant`. The device grant is for each client that has a user:
    /// some ask for it only after a browser did not open.
    #[must_use]
    pub fn may_use(&self, grant: GrantType) -> bool {
        let has_user = self.grant_types.contains(&GrantType::AuthorizationCode);
        self.grant_types.contains(&grant) || (grant == GrantType::DeviceCode && has_user)
    }

    /// `token_endpoint_auth_method`.
    #[must_use]
    pub const fn auth_method(&self) -> AuthMethod {
        self.auth_method
    }

    /// `jwks` or `jwks_uri`.
    #[must_use]
    pub const fn keys(&self) -> Option<&ClientKeys> {
        self.keys.as_ref()
    }

    /// `client_name`.
    #[must_use]
    pub const fn name(&self) -> Option<&ClientName> {
        self.name.as_ref()
    }

    /// `client_uri`: an `https` URL.
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }
}

impl Serialize for ClientMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let uses_codes = self.grant_types.contains(&GrantType::AuthorizationCode);
        let response_types: &[&str] = if uses_codes { &["code"] } else { &[] };
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("redirect_uris", &self.redirect_uris)?;
        members.serialize_entry("grant_types", &self.grant_types)?;
        members.serialize_entry("response_types", response_types)?;
        members.serialize_entry("token_endpoint_auth_method", &self.auth_method)?;
        match &self.keys {
            Some(ClientKeys::Inline(keys)) => members.serialize_entry("jwks", keys)?,
            Some(ClientKeys::Uri(uri)) => members.serialize_entry("jwks_uri", uri)?,
            None => {}
        }
        if let Some(name) = &self.name {
            members.serialize_entry("client_name", name)?;
        }
        if let Some(uri) = &self.uri {
            members.serialize_entry("client_uri", uri)?;
        }
        if let Some(scopes) = &self.scopes {
            members.serialize_entry("scope", scopes)?;
        }
        members.end()
    }
}

fn grant_types(
    members: &Map<String, Value>,
    auth_method: AuthMethod,
    supported: &BTreeSet<GrantType>,
) -> Result<BTreeSet<GrantType>, OAuthError> {
    let asked = texts(members, "grant_types")?
        .unwrap_or_else(|| vec![GrantType::AuthorizationCode.as_str()]);
    let is_usable = |grant: &GrantType| {
        supported.contains(grant) && (auth_method != AuthMethod::None || !grant.needs_credential())
    };
    let usable: BTreeSet<GrantType> =
        asked.iter().filter_map(|text| text.parse().ok()).filter(is_usable).collect();
    // A refresh token comes from another grant.
    if usable.iter().all(|grant| *grant == GrantType::RefreshToken) {
        return Err(invalid("no grant type is left that this server permits to this client"));
    }
    Ok(usable)
}

fn redirect_uris(members: &Map<String, Value>) -> Result<Vec<RedirectUri>, OAuthError> {
    let asked = texts(members, "redirect_uris")?.unwrap_or_default();
    if asked.len() > MAX_REDIRECT_URIS {
        return Err(OAuthError::new(
            ErrorCode::InvalidRedirectUri,
            format!("at most {MAX_REDIRECT_URIS} redirect URIs are permitted"),
        ));
    }
    let mut usable = Vec::new();
    for uri in asked.iter().filter_map(|text| text.parse::<RedirectUri>().ok()) {
        if !usable.contains(&uri) {
            usable.push(uri);
        }
    }
    Ok(usable)
}

fn keys(members: &Map<String, Value>) -> Result<ClientKeys, OAuthError> {
    match (present(members, "jwks"), present(members, "jwks_uri")) {
        (Some(_), Some(_)) => Err(invalid("send jwks or jwks_uri, not both")),
        (None, None) => Err(invalid("private_key_jwt needs jwks or jwks_uri")),
        (None, Some(uri)) => match uri.as_str() {
            Some(uri) if is_https(uri) => Ok(ClientKeys::Uri(uri.to_owned())),
            _ => Err(invalid("jwks_uri must be an https URL")),
        },
        (Some(set), None) => {
            let keys = Jwks::parse(&set.to_string())
                .map_err(|_| invalid("jwks is not a JSON Web Key Set"))?;
            if keys.unusable.iter().any(|(_, fault)| *fault == KeyError::Private) {
                return Err(invalid("jwks has a private or a symmetric key"));
            }
            if keys.keys.is_empty() {
                return Err(invalid("jwks has no key that can be used: RSA, P-256 or Ed25519"));
            }
            Ok(ClientKeys::Inline(set.clone()))
        }
    }
}

/// A member that is there and not `null`.
pub(super) fn present<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    members.get(name).filter(|value| !value.is_null())
}

/// A member that is a list of texts.
fn texts<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<&'a str>>, OAuthError> {
    let Some(value) = present(members, name) else { return Ok(None) };
    let list = value.as_array().map(|list| list.iter().map(Value::as_str).collect());
    match list {
        Some(Some(texts)) => Ok(Some(texts)),
        _ => Err(invalid(format!("{name} must be a list of texts"))),
    }
}

pub(super) fn is_https(text: &str) -> bool {
    text.len() <= MAX_URL_BYTES
        && text.starts_with("https://")
        && Url::parse(text).is_ok_and(|url| {
            url.has_host() && url.username().is_empty() && url.password().is_none()
        })
}

pub(super) fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A P-256 key (RFC 7517 appendix A.1).
    fn key_set() -> Value {
        json!({"keys": [{
            "kty": "EC", "crv": "P-256",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        }]})
    }

    fn read(members: &Value) -> ClientMetadata {
        let members = members.as_object().unwrap();
        let method = members["token_endpoint_auth_method"].as_str().unwrap().parse().unwrap();
        ClientMetadata::read(members, method, &GrantType::ALL.into()).unwrap()
    }

    #[test]
    fn what_is_stored_is_restored() {
        for client in [
            json!({
                "token_endpoint_auth_method": "none",
                "redirect_uris": [
                    "http://127.0.0.1/", "http://[::1]:33418/cb?a=%20b", "https://vscode.dev/redirect",
                    "cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/cb",
                ],
                "grant_types": ["authorization_code", "refresh_token",
                    "urn:ietf:params:oauth:grant-type:device_code"],
                "response_types": ["code"],
                "client_name": " Visual  Studio\u{202e} \"Code\" ",
                "client_uri": "https://code.visualstudio.com",
                "scope": "b a",
            }),
            json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "grant_types": ["client_credentials"], "redirect_uris": [], "scope": "",
                "jwks": key_set(),
            }),
            json!({
                "token_endpoint_auth_method": "private_key_jwt",
                "redirect_uris": ["https://app.example/cb"],
                "jwks_uri": "https://app.example/keys",
            }),
            json!({
                "token_endpoint_auth_method": "client_secret_post",
                "redirect_uris": ["https://app.example/cb"],
                "client_name": "é".repeat(200),
            }),
        ] {
            let client = read(&client);
            let json = client.to_json().unwrap();
            assert_eq!(ClientMetadata::restore(&json), Ok(client), "{json}");
        }
    }

    #[test]
    fn what_cannot_be_restored_is_an_error() {
        let good = json!({
            "token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/"],
        });
        assert!(ClientMetadata::restore(&good.to_string()).is_ok());
        for (name, value) in [
            ("token_endpoint_auth_method", json!(null)),
            ("token_endpoint_auth_method", json!("secret_handshake")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!(["http://app.example/"])),
            ("grant_types", json!(["client_credentials"])),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert!(ClientMetadata::restore(&bad.to_string()).is_err(), "{bad}");
        }
        for bad in ["", "[]", r#"{"redirect_uris":[],"redirect_uris":[]}"#] {
            assert!(ClientMetadata::restore(bad).is_err(), "{bad}");
        }
    }
}
