//! Dynamic client registration: the request and its answer (RFC 7591 §3.1, §3.2).
//!
//! 1. At most 16 KiB of JSON without repeated members.
//! 2. `none` is answered by `none`, without a secret. No `token_endpoint_auth_method` means
//!    `client_secret_basic` (RFC 7591 §2), with one. A supported method is kept. One that is not
//!    supported becomes `client_secret_basic`: the answer says so (RFC 7591 §3.2.1), and most
//!    clients follow it.
//! 3. What the client says of a `client_id` or a secret is ignored: the server chooses them.
//! 4. The answer has all metadata as it was registered (RFC 7591 §3.2.1). There is no
//!    `registration_access_token`: a registration is not changed, a new one is made.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::{AuthMethod, ClientMetadata, GrantType, metadata::invalid, metadata::present};
use crate::{
    ClientId, NumericDate,
    oauth::{ClientSecret, OAuthError},
    parse_strict,
};

/// The longest registration that is read, in bytes.
pub const MAX_REGISTRATION_BYTES: usize = 16 * 1024;

/// Reads the body of a registration request. `supported` are the grants that the server has.
///
/// ```
/// use auth_core::oauth::{AuthMethod, GrantType, parse_registration};
///
/// let body = br#"{
///     "redirect_uris": ["http://127.0.0.1/callback"],
///     "token_endpoint_auth_method": "none"
/// }"#;
/// let client = parse_registration(body, &GrantType::ALL.into())?;
/// assert_eq!(client.auth_method(), AuthMethod::None);
/// # Ok::<(), auth_core::oauth::OAuthError>(())
/// ```
pub fn parse_registration(
    body: &[u8],
    supported: &BTreeSet<GrantType>,
) -> Result<ClientMetadata, OAuthError> {
    if body.len() > MAX_REGISTRATION_BYTES {
        return Err(invalid(format!("a registration has at most {MAX_REGISTRATION_BYTES} bytes")));
    }
    let Ok(Value::Object(members)) = parse_strict(body) else {
        return Err(invalid("a registration is a JSON object without repeated members"));
    };
    let auth_method = match present(&members, "token_endpoint_auth_method") {
        None => AuthMethod::ClientSecretBasic,
        Some(Value::String(text)) => text.parse().unwrap_or(AuthMethod::ClientSecretBasic),
        Some(_) => return Err(invalid("token_endpoint_auth_method must be a text")),
    };
    ClientMetadata::read(&members, auth_method, supported)
}

/// The answer to a registration, with which a client knows who it is (RFC 7591 §3.2.1).
#[derive(Debug, Clone, Serialize)]
pub struct Registration<'a> {
    client_id: &'a ClientId,
    client_id_issued_at: NumericDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<ExposedSecret<'a>>,
    /// 0: the secret does not expire. Required beside a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
}

/// A secret as it is sent, once.
#[derive(Debug, Clone, Copy)]
struct ExposedSecret<'a>(&'a ClientSecret);

impl Serialize for ExposedSecret<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'a> Registration<'a> {
    /// The answer for the client `client_id`, registered at `issued_at`. `secret` is left out
    /// unless the client's method has one.
    #[must_use]
    pub fn new(
        client_id: &'a ClientId,
        secret: Option<&'a ClientSecret>,
        metadata: &'a ClientMetadata,
        issued_at: NumericDate,
    ) -> Self {
        let secret = secret.filter(|_| metadata.auth_method().has_secret());
        Self {
            client_id,
            client_id_issued_at: issued_at,
            client_secret: secret.map(ExposedSecret),
            client_secret_expires_at: secret.map(|_| 0),
            metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::{ClientKeys, ErrorCode};

    fn read(body: &Value) -> Result<ClientMetadata, OAuthError> {
        parse_registration(body.to_string().as_bytes(), &GrantType::ALL.into())
    }

    fn code(body: &Value) -> ErrorCode {
        read(body).unwrap_err().code()
    }

    const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

    #[test]
    fn what_real_clients_register_is_answered_in_kind() {
        let vscode = json!({
            "client_name": "Visual Studio Code",
            "client_uri": "https://code.visualstudio.com",
            "grant_types": ["authorization_code", "refresh_token", DEVICE],
            "response_types": ["code"],
            "redirect_uris": [
                "https://insiders.vscode.dev/redirect",
                "https://vscode.dev/redirect",
                "http://127.0.0.1/",
                "http://127.0.0.1:33418/",
            ],
            "scope": "Admin.Write User.Read",
            "token_endpoint_auth_method": "none",
        });
        let mut asked = vscode.clone();
        asked["application_type"] = json!("native");
        asked["software_id"] = json!("2e6dc280-f3c3-4e01-99a7-8181dbd1d23d");
        let client = read(&asked).unwrap();
        assert_eq!(serde_json::to_value(&client).unwrap(), vscode);
        // Cursor.
        let redirects = json!([
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ]);
        let client = read(&json!({"redirect_uris": redirects})).unwrap();
        assert_eq!(serde_json::to_value(client.redirect_uris()).unwrap(), redirects);
        // Our own client, for the device grant.
        let client = read(&json!({
            "grant_types": [DEVICE, "refresh_token"], "redirect_uris": [], "response_types": [],
            "token_endpoint_auth_method": "none", "scope": "",
        }));
        let answer = serde_json::to_value(client.unwrap()).unwrap();
        assert_eq!((&answer["response_types"], &answer["scope"]), (&json!([]), &json!("")));
    }

    #[test]
    fn what_is_answered_reads_back_as_itself() {
        let client = read(&json!({
            "redirect_uris": ["app:/cb", "http://localhost/cb", "app:/cb"],
            "client_name": " A  b ", "scope": "b a",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://client.example/jwks.json",
        }))
        .unwrap();
        let answer = serde_json::to_value(&client).unwrap();
        assert_eq!(read(&answer).unwrap(), client);
        assert_eq!(answer["redirect_uris"], json!(["app:/cb", "http://localhost/cb"]));
    }

    #[test]
    fn the_authentication_method_is_negotiated() {
        let method = |asked: Value| {
            let uris = json!(["http://localhost/cb"]);
            let client = json!({"redirect_uris": uris, "token_endpoint_auth_method": asked});
            read(&client).map(|client| client.auth_method())
        };
        assert_eq!(method(json!("none")), Ok(AuthMethod::None));
        assert_eq!(method(json!(null)), Ok(AuthMethod::ClientSecretBasic));
        assert_eq!(method(json!("client_secret_basic")), Ok(AuthMethod::ClientSecretBasic));
        assert_eq!(method(json!("client_secret_post")), Ok(AuthMethod::ClientSecretPost));
        assert_eq!(method(json!("client_secret_jwt")), Ok(AuthMethod::ClientSecretBasic));
        assert_eq!(method(json!("tls_client_auth")), Ok(AuthMethod::ClientSecretBasic));
        assert!(method(json!("private_key_jwt")).is_err(), "without keys");
        assert!(method(json!(["none"])).is_err());
    }

    #[test]
    fn a_secret_is_answered_only_to_a_client_that_has_one() {
        let (id, secret) = ("c1".parse().unwrap(), ClientSecret::from_random([7; 32]));
        let answer = |method: &str| {
            let uris = json!(["http://localhost/cb"]);
            let client = json!({"redirect_uris": uris, "token_endpoint_auth_method": method});
            let now = NumericDate::from_secs(1_800_000_000).unwrap();
            let client = read(&client).unwrap();
            serde_json::to_value(Registration::new(&id, Some(&secret), &client, now)).unwrap()
        };
        let public = answer("none");
        assert_eq!(public["client_id"], "c1");
        assert_eq!(public["client_id_issued_at"], 1_800_000_000);
        assert!(public.get("client_secret").is_none());
        assert!(public.get("client_secret_expires_at").is_none());
        let confidential = answer("client_secret_post");
        assert_eq!(confidential["client_secret"], secret.expose());
        assert_eq!(confidential["client_secret_expires_at"], 0);
        assert_eq!(confidential["token_endpoint_auth_method"], "client_secret_post");
    }

    #[test]
    fn one_bad_redirect_uri_does_not_spoil_the_set_and_none_is_refused() {
        let uris = |uris: Value| json!({"redirect_uris": uris});
        let client =
            read(&uris(json!(["javascript:alert(1)", "http://x.example/", "app:/cb"]))).unwrap();
        assert_eq!(client.redirect_uris(), ["app:/cb".parse().unwrap()]);
        for none in [json!([]), json!(null), json!(["data:/x"])] {
            assert_eq!(code(&uris(none)), ErrorCode::InvalidRedirectUri);
        }
        let many = |count: usize| {
            let many: Vec<String> = (0..count).map(|index| format!("app:/{index}")).collect();
            uris(json!(many))
        };
        assert!(read(&many(MAX_REDIRECT_URIS)).is_ok());
        assert_eq!(code(&many(MAX_REDIRECT_URIS + 1)), ErrorCode::InvalidRedirectUri);
    }

    const MAX_REDIRECT_URIS: usize = 16;

    #[test]
    fn grants_are_those_that_the_server_has_and_the_client_may_use() {
        let grants = |asked: Value, method: &str| {
            let body = json!({
                "redirect_uris": ["app:/cb"], "grant_types": asked,
                "token_endpoint_auth_method": method,
            });
            read(&body).map(|client| serde_json::to_value(client.grant_types()).unwrap())
        };
        let code_only = json!(["authorization_code"]);
        assert_eq!(grants(json!(null), "none"), Ok(code_only.clone()));
        assert_eq!(grants(json!(["authorization_code", "password", "x"]), "none"), Ok(code_only));
        assert!(grants(json!(["client_credentials"]), "none").is_err());
        // Its assertion is the credential.
        let assertion = json!(["urn:ietf:params:oauth:grant-type:jwt-bearer"]);
        assert_eq!(grants(assertion.clone(), "none"), Ok(assertion));
        assert!(grants(json!(["refresh_token"]), "none").is_err());
        assert!(grants(json!([]), "none").is_err());
        let own = json!(["client_credentials"]);
        assert_eq!(grants(own.clone(), "client_secret_post"), Ok(own));
        let few = [GrantType::RefreshToken, GrantType::ClientCredentials].into();
        let body = br#"{"redirect_uris":["app:/cb"]}"#;
        let error = parse_registration(body, &few).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidClientMetadata);
    }

    #[test]
    fn the_device_grant_is_for_clients_with_users() {
        let client = read(&json!({"redirect_uris": ["app:/cb"]})).unwrap();
        assert!(client.may_use(GrantType::AuthorizationCode));
        assert!(client.may_use(GrantType::DeviceCode));
        assert!(!client.may_use(GrantType::RefreshToken));
        assert!(!client.may_use(GrantType::ClientCredentials));
        let machine = read(&json!({"grant_types": ["client_credentials"]})).unwrap();
        assert!(!machine.may_use(GrantType::DeviceCode));
    }

    #[test]
    fn keys_are_public_and_in_one_place() {
        let ec = json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let keys = |members: Value| {
            let mut body = json!({
                "redirect_uris": ["app:/cb"], "token_endpoint_auth_method": "private_key_jwt",
            });
            body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            read(&body).map(|client| client.keys().cloned().unwrap())
        };
        let set = json!({"keys": [ec]});
        assert_eq!(keys(json!({"jwks": set})), Ok(ClientKeys::Inline(set.clone())));
        let uri = "https://client.example/jwks.json";
        assert_eq!(keys(json!({"jwks_uri": uri})), Ok(ClientKeys::Uri(uri.into())));
        let mut private = ec.clone();
        private["d"] = json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
        for bad in [
            json!({"jwks": set, "jwks_uri": uri}),
            json!({"jwks": {"keys": []}}),
            json!({"jwks": {"keys": [private]}}),
            json!({"jwks": {"keys": [ec, private]}}),
            json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}),
            json!({"jwks": "x"}),
            json!({"jwks_uri": "http://client.example/jwks.json"}),
            json!({"jwks_uri": "https://u:p@client.example/jwks.json"}),
            json!({"jwks_uri": 1}),
            json!({}),
        ] {
            assert_eq!(
                keys(bad.clone()).unwrap_err().code(),
                ErrorCode::InvalidClientMetadata,
                "{bad}"
            );
        }
        // A public client's keys are not read.
        let client =
            json!({"redirect_uris": ["app:/cb"], "jwks": 1, "token_endpoint_auth_method": "none"});
        assert_eq!(read(&client).unwrap().keys(), None);
    }

    #[test]
    fn what_is_no_registration_is_refused() {
        let supported = GrantType::ALL.into();
        for bad in
            ["", "[]", "null", "{", r#"{"redirect_uris":["app:/a"],"redirect_uris":["app:/b"]}"#]
        {
            let error = parse_registration(bad.as_bytes(), &supported).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidClientMetadata, "{bad}");
        }
        for (name, value) in [
            ("redirect_uris", json!("app:/cb")),
            ("redirect_uris", json!([1])),
            ("grant_types", json!("authorization_code")),
            ("response_types", json!(["token"])),
            ("response_types", json!([])),
        ] {
            let mut body = json!({"redirect_uris": ["app:/cb"]});
            body[name] = value;
            assert_eq!(code(&body), ErrorCode::InvalidClientMetadata, "{body}");
        }
        let padding =
            |count: usize| format!("{{\"redirect_uris\":[\"app:/cb\"]}}{}", " ".repeat(count));
        let rest = MAX_REGISTRATION_BYTES - padding(0).len();
        assert!(parse_registration(padding(rest).as_bytes(), &supported).is_ok());
        assert!(parse_registration(padding(rest + 1).as_bytes(), &supported).is_err());
    }

    #[test]
    fn what_is_for_people_is_harmless() {
        let client = read(&json!({
            "redirect_uris": ["app:/cb"], "client_name": "\u{202e}evil\n", "scope": "a  b",
            "client_uri": "javascript:alert(1)",
        }))
        .unwrap();
        assert_eq!(client.name().map(super::super::ClientName::as_str), Some("evil"));
        assert_eq!(client.uri(), None);
        assert!(serde_json::to_value(&client).unwrap().get("scope").is_none());
        let client = json!({"redirect_uris": ["app:/cb"], "client_uri": "https://client.example"});
        assert_eq!(read(&client).unwrap().uri(), Some("https://client.example"));
    }
}
