//! Which client sends a request, and the credential that it shows (RFC 6749 §2.3, RFC 7521 §4.2).
//!
//! ```text
//! credentials = "Basic" 1*SP base64( form(client_id) ":" form(client_secret) )
//! ```
//!
//! 1. One credential: a secret in the header, a secret in the body, or an assertion. Two are
//!    refused (RFC 6749 §2.3), whether they agree or not. Nothing is read from the query.
//! 2. Both halves of the header are form-encoded (RFC 6749 §2.3.1). An empty secret is none.
//! 3. A `client_id` in the body beside the header or an assertion names the same client.
//! 4. A client that was registered with a secret may send it either way: several send it by the
//!    other one than the answer to their registration says. All else is as registered: no
//!    credential where one is registered, or a credential where none is, is refused.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::AuthMethod;
use crate::{
    AccessToken, ClientId, base64url,
    oauth::{AssertionError, ClientSecret, ErrorCode, Form, OAuthError, UnverifiedAssertion, form},
    parse_strict,
};

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who a client says it is, and how it proves it. **Nothing is verified yet.**
#[derive(Debug, Clone)]
pub struct PresentedClient {
    id: ClientId,
    credential: ClientCredential,
}

/// What a client shows.
#[derive(Debug, Clone)]
pub enum ClientCredential {
    /// Nothing: a public client.
    None,
    /// A secret, in the header or in the body.
    Secret(ClientSecret),
    /// A signed assertion.
    Assertion(ClientAssertion),
}

/// A JWT with which a client authenticates (RFC 7523 §2.2). `Debug` prints no part of it.
#[derive(Clone)]
pub struct ClientAssertion(AccessToken);

impl PresentedClient {
    /// Reads the client out of the values of the `Authorization` header and the body of a request.
    pub fn parse<'a>(
        authorization: impl IntoIterator<Item = &'a [u8]>,
        form: &Form,
    ) -> Result<Self, OAuthError> {
        let mut headers = authorization.into_iter();
        let basic = match (headers.next(), headers.next()) {
            (_, Some(_)) => return Err(several()),
            (Some(header), None) => Some(basic(header)?),
            (None, None) => None,
        };
        let named = form.get("client_id").map(str::parse).transpose();
        let named: Option<ClientId> = named.map_err(|_| malformed("client_id is malformed"))?;
        let secret = form.get("client_secret");
        let assertion = assertion(form)?;

        let (id, credential) = match (basic, secret, assertion) {
            (None, None, None) => (None, ClientCredential::None),
            // An empty secret in the header names a public client, which may not add another
            // credential.
            (Some((id, secret)), None, None) => {
                (Some(id), secret.map_or(ClientCredential::None, ClientCredential::Secret))
            }
            (None, Some(secret), None) => {
                let secret = secret.parse().map_err(|_| invalid_client())?;
                (None, ClientCredential::Secret(secret))
            }
            (None, None, Some(assertion)) => {
                (Some(assertion.unverified_subject()?), ClientCredential::Assertion(assertion))
            }
            _ => return Err(several()),
        };
        match (id, named) {
            (Some(id), Some(named)) if id != named => {
                Err(malformed("client_id is not the client that authenticates"))
            }
            (Some(id), _) | (None, Some(id)) => Ok(Self { id, credential }),
            (None, None) => Err(malformed("client_id is missing")),
        }
    }

    /// The client that this says it is.
    #[must_use]
    pub const fn id(&self) -> &ClientId {
        &self.id
    }

    /// What it shows. To be verified after [`check_method`](Self::check_method).
    #[must_use]
    pub const fn credential(&self) -> &ClientCredential {
        &self.credential
    }

    /// The one answer to a client that is unknown, or whose credential is wrong: it does not say
    /// which clients exist.
    #[must_use]
    pub fn refused() -> OAuthError {
        invalid_client()
    }

    /// Refuses a credential of another kind than the client was registered with (rule 4).
    pub fn check_method(&self, registered: AuthMethod) -> Result<(), OAuthError> {
        let is_permitted = match &self.credential {
            ClientCredential::None => registered == AuthMethod::None,
            ClientCredential::Secret(_) => registered.has_secret(),
            ClientCredential::Assertion(_) => registered == AuthMethod::PrivateKeyJwt,
        };
        if is_permitted { Ok(()) } else { Err(invalid_client()) }
    }
}

impl ClientAssertion {
    /// The JWT, taken apart for verifying it.
    pub fn unverified(&self) -> Result<UnverifiedAssertion<'_>, AssertionError> {
        UnverifiedAssertion::parse(&self.0)
    }

    /// `sub`, which is the client (RFC 7523 §3), read before the signature is verified: for finding
    /// the client's keys and for nothing else.
    fn unverified_subject(&self) -> Result<ClientId, OAuthError> {
        let claims = self.0.expose().split('.').nth(1).unwrap_or_default();
        let claims = base64url::decode(claims).map_err(|_| invalid_client())?;
        let claims = parse_strict(&claims).map_err(|_| invalid_client())?;
        let subject = claims.get("sub").and_then(serde_json::Value::as_str);
        subject.and_then(|subject| subject.parse().ok()).ok_or_else(invalid_client)
    }
}

impl fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientAssertion(..)")
    }
}

fn basic(header: &[u8]) -> Result<(ClientId, Option<ClientSecret>), OAuthError> {
    let credentials = || {
        let (scheme, rest) = str::from_utf8(header).ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(rest.trim_matches(' ')).ok()?;
        let colon = decoded.iter().position(|&byte| byte == b':')?;
        let (id, secret) = (decoded.get(..colon)?, decoded.get(colon + 1..)?);
        let id = form::decode(id).ok()?.parse().ok()?;
        let secret = form::decode(secret).ok()?;
        let secret = if secret.is_empty() { None } else { Some(secret.parse().ok()?) };
        Some((id, secret))
    };
    credentials().ok_or_else(invalid_client)
}

fn assertion(form: &Form) -> Result<Option<ClientAssertion>, OAuthError> {
    match (form.get("client_assertion_type"), form.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(CLIENT_ASSERTION_TYPE), Some(jwt)) => {
            let jwt = jwt.parse().map_err(|_| invalid_client())?;
            Ok(Some(ClientAssertion(jwt)))
        }
        (Some(_), Some(_)) => Err(malformed("client_assertion_type must be jwt-bearer")),
        _ => Err(malformed("client_assertion and client_assertion_type belong together")),
    }
}

/// The one error for every fault of a credential, so that none says which clients exist.
fn invalid_client() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidClient,
        "client authentication failed: register the client again, or check its credential",
    )
}

fn several() -> OAuthError {
    malformed("the client authenticates in more than one way: send one credential")
}

fn malformed(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_TOKEN_BYTES;

    fn parse(headers: &[&str], body: &str) -> Result<PresentedClient, OAuthError> {
        let form = Form::parse(body.as_bytes()).unwrap();
        PresentedClient::parse(headers.iter().map(|header| header.as_bytes()), &form)
    }

    fn code(headers: &[&str], body: &str) -> ErrorCode {
        parse(headers, body).unwrap_err().code()
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.AA", base64url::encode(claims))
    }

    fn with_assertion(jwt: &str) -> String {
        form::encode([("client_assertion_type", CLIENT_ASSERTION_TYPE), ("client_assertion", jwt)])
    }

    fn secret(client: &PresentedClient) -> &str {
        match client.credential() {
            ClientCredential::Secret(secret) => secret.expose(),
            _ => "",
        }
    }

    #[test]
    fn each_method_names_its_client() {
        let client = parse(&[], "client_id=c1&client_secret=").unwrap();
        assert_eq!(client.id().as_str(), "c1");
        assert!(matches!(client.credential(), ClientCredential::None));
        let client = parse(&[], "client_id=c1&client_secret=s%2B").unwrap();
        assert_eq!((client.id().as_str(), secret(&client)), ("c1", "s+"));
        let client = parse(&[], &with_assertion(&jwt(r#"{"sub":"c1"}"#))).unwrap();
        assert_eq!(client.id().as_str(), "c1");
        assert!(matches!(client.credential(), ClientCredential::Assertion(_)));
        let text = format!("{}&client_id=c1", with_assertion(&jwt(r#"{"sub":"c1"}"#)));
        assert!(parse(&[], &text).is_ok());
    }

    #[test]
    fn the_header_is_form_decoded() {
        for (credentials, id, expected) in [
            ("c1:s1", "c1", "s1"),
            ("c%3A1:s%3A%2B1", "c:1", "s:+1"),
            ("c1:s:1", "c1", "s:1"),
            ("https%3A%2F%2Fa.example%2Fc:s", "https://a.example/c", "s"),
            ("c1:", "c1", ""),
        ] {
            let client = parse(&[&basic(credentials)], "").unwrap();
            assert_eq!((client.id().as_str(), secret(&client)), (id, expected), "{credentials}");
        }
        // Python sends its id in the body as well. The scheme's case does not matter (RFC 9110
        // §11.1).
        let header = basic("c1:s1").replace("Basic", "bAsIc");
        assert!(parse(&[&header], "client_id=c1").is_ok());
    }

    #[test]
    fn a_malformed_credential_is_invalid_client() {
        for header in [
            "",
            "Basic",
            "Basic ",
            "Bearer abc",
            "Basic ????",
            &STANDARD.encode("c1:s1"),
            &basic("c1"),
            &basic(":s1"),
            &basic("c1:s%"),
            &basic("c1:s 1"),
            &basic("c1:s\n"),
            &basic("c\u{7}:s1"),
        ] {
            assert_eq!(code(&[header], "client_id=c1"), ErrorCode::InvalidClient, "{header}");
        }
        assert_eq!(code(&[], "client_id=c1&client_secret=a+b"), ErrorCode::InvalidClient);
        for bad in [jwt("{}"), jwt("x"), jwt(r#"{"sub":1}"#), "a".into(), "a.b.c".into()] {
            assert_eq!(code(&[], &with_assertion(&bad)), ErrorCode::InvalidClient, "{bad}");
        }
        let long = jwt(&format!(r#"{{"sub":"c1","a":"{}"}}"#, "a".repeat(MAX_TOKEN_BYTES)));
        assert_eq!(code(&[], &with_assertion(&long)), ErrorCode::InvalidClient);
    }

    #[test]
    fn two_credentials_are_refused_even_if_they_agree() {
        let header = basic("c1:s1");
        let assertion = with_assertion(&jwt(r#"{"sub":"c1"}"#));
        assert_eq!(code(&[&header, &header], ""), ErrorCode::InvalidRequest);
        for body in [
            "client_id=c1&client_secret=s1".to_owned(),
            "client_secret=s1".to_owned(),
            assertion.clone(),
        ] {
            assert_eq!(code(&[&header], &body), ErrorCode::InvalidRequest, "{body}");
            assert_eq!(code(&[&basic("c1:")], &body), ErrorCode::InvalidRequest, "{body}");
        }
        let both = format!("client_id=c1&client_secret=s1&{assertion}");
        assert_eq!(code(&[], &both), ErrorCode::InvalidRequest);
    }

    #[test]
    fn one_client_is_named() {
        assert_eq!(code(&[], ""), ErrorCode::InvalidRequest);
        assert_eq!(code(&[], "client_secret=s1"), ErrorCode::InvalidRequest);
        assert_eq!(code(&[], "client_id=a%00b"), ErrorCode::InvalidRequest);
        assert_eq!(code(&[&basic("c1:s1")], "client_id=c2"), ErrorCode::InvalidRequest);
        let other = format!("client_id=c2&{}", with_assertion(&jwt(r#"{"sub":"c1"}"#)));
        assert_eq!(code(&[], &other), ErrorCode::InvalidRequest);
        for half in ["client_id=c1&client_assertion=a.b.c", "client_id=c1&client_assertion_type=x"]
        {
            assert_eq!(code(&[], half), ErrorCode::InvalidRequest);
        }
        let saml = "client_id=c1&client_assertion=a&client_assertion_type=saml2-bearer";
        assert_eq!(code(&[], saml), ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_credential_is_of_the_registered_kind() {
        let presented = [
            (parse(&[], "client_id=c1").unwrap(), [true, false, false, false]),
            (parse(&[&basic("c1:s1")], "").unwrap(), [false, true, true, false]),
            (parse(&[], "client_id=c1&client_secret=s1").unwrap(), [false, true, true, false]),
            (
                parse(&[], &with_assertion(&jwt(r#"{"sub":"c1"}"#))).unwrap(),
                [false, false, false, true],
            ),
        ];
        for (client, expected) in presented {
            let permitted = AuthMethod::ALL.map(|method| client.check_method(method).is_ok());
            assert_eq!(permitted, expected, "{client:?}");
        }
    }

    #[test]
    fn debug_shows_no_credential() {
        let text = format!("{:?}", parse(&[&basic("c1:topsecret")], "").unwrap());
        assert!(text.contains("c1") && !text.contains("topsecret"), "{text}");
        let client = parse(&[], &with_assertion(&jwt(r#"{"sub":"c1"}"#))).unwrap();
        assert!(format!("{client:?}").contains("ClientAssertion(..)"));
    }
}
