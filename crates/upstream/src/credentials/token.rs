//! A token for a server, and for how long it is used.

use std::{fmt, time::Duration};

use auth_core::{AccessToken, parse_strict};
use http::{HeaderValue, StatusCode};
use outbound::Response;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    error::{CredentialError, TokenEndpointError},
    mint::MintedToken,
};

/// How long before its end a token is not used any more, so that it is valid when it arrives.
const MARGIN: Duration = Duration::from_secs(30);
/// How long a token is used of which its issuer does not say when it ends (RFC 6749 §5.1).
const UNKNOWN_LIFETIME: Duration = Duration::from_mins(5);
/// How long a token is used, however long it is valid.
const LONGEST: Duration = Duration::from_hours(1);

/// The header with a token that the gateway has got for itself.
#[derive(Clone)]
pub(super) struct UpstreamToken {
    header: HeaderValue,
    since: Instant,
    use_until: Instant,
}

impl UpstreamToken {
    fn new(text: &SecretString, lifetime: Duration) -> Option<Self> {
        // The grammar of RFC 6750 §2.1 is that of a token wherever it comes from.
        text.expose_secret().parse::<AccessToken>().ok()?;
        let line = Zeroizing::new(format!("Bearer {}", text.expose_secret()));
        let mut header = HeaderValue::from_str(&line).ok()?;
        header.set_sensitive(true);
        let lifetime = lifetime.min(LONGEST);
        let used = lifetime.saturating_sub(MARGIN.min(lifetime / 2));
        let since = Instant::now();
        Some(Self { header, since, use_until: since + used })
    }

    /// A token that we have minted.
    pub(super) fn minted(token: &MintedToken) -> Result<Self, CredentialError> {
        Self::new(&token.text, token.lifetime).ok_or(CredentialError::NotAHeader)
    }

    /// The token in the answer of a token endpoint (RFC 6749 §5.1, RFC 8693 §2.2.1).
    pub(super) fn read(response: &Response) -> Result<Self, TokenEndpointError> {
        let malformed = || TokenEndpointError::Malformed(response.status);
        let Ok(Value::Object(mut members)) = parse_strict(&response.body) else {
            return Err(malformed());
        };
        if let Some(error) = members.get("error").filter(|error| !error.is_null()) {
            let code = error.as_str().unwrap_or("an error without a name");
            return Err(TokenEndpointError::Refused(auth_core::display::excerpt(code)));
        }
        if response.status != StatusCode::OK {
            return Err(malformed());
        }
        let lifetime = match members.get("expires_in") {
            None => UNKNOWN_LIFETIME,
            // One that has ended would be asked for again with each call.
            Some(seconds) => {
                let seconds = seconds.as_u64().filter(|seconds| *seconds > 0);
                Duration::from_secs(seconds.ok_or_else(malformed)?)
            }
        };
        let mut text = |name: &str| match members.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        // Of an exchange (RFC 8693 §2.2.1). An ID token is not for a server.
        let is_for_servers = text("issued_token_type").is_none_or(|kind| {
            [
                "urn:ietf:params:oauth:token-type:access_token",
                "urn:ietf:params:oauth:token-type:jwt",
            ]
            .contains(&kind.as_str())
        });
        let is_bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        let is_usable = is_bearer && is_for_servers;
        let token = text("access_token").filter(|_| is_usable).map(SecretString::from);
        token.and_then(|token| Self::new(&token, lifetime)).ok_or_else(malformed)
    }

    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.use_until
    }

    /// How long ago it was fetched or minted.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for UpstreamToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn read(status: u16, body: &str) -> Result<UpstreamToken, String> {
        let status = StatusCode::from_u16(status).unwrap();
        let response = Response::new(status, HeaderMap::new(), body.into());
        UpstreamToken::read(&response).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_token_that_is_not_for_a_server_or_has_ended_is_none() {
        let body = |more: &str| format!(r#"{{"access_token":"t","token_type":"Bearer"{more}}}"#);
        let kind = |kind: &str| {
            body(&format!(r#","issued_token_type":"urn:ietf:params:oauth:token-type:{kind}""#))
        };
        assert!(read(200, &body("")).is_ok());
        assert!(read(200, &kind("access_token")).is_ok() && read(200, &kind("jwt")).is_ok());
        assert!(read(200, &kind("id_token")).is_err());
        assert!(read(200, &kind("refresh_token")).is_err());
        assert!(read(200, &body(r#","expires_in":0"#)).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_shortly_before_its_end() {
        for (member, used) in [
            (r#","expires_in":100"#, 70),
            (r#","expires_in":20"#, 10),
            ("", 270),
            (r#","expires_in":1000000"#, 3570),
        ] {
            let body = format!(r#"{{"access_token":"t0k","token_type":"bearer"{member}}}"#);
            let token = read(200, &body).unwrap();
            assert_eq!(token.use_until - Instant::now(), Duration::from_secs(used), "{member}");
            assert!(!format!("{token:?} {:?}", token.header).contains("t0k"));
            assert_eq!(token.header(), "Bearer t0k");
        }
    }

    #[tokio::test]
    async fn what_is_no_token_is_an_error() {
        let refused = read(400, r#"{"error":"invalid\nclient"}"#).unwrap_err();
        assert_eq!(refused, "the token endpoint answers invalid\\nclient");
        assert!(read(200, r#"{"error":"x","access_token":"t","token_type":"Bearer"}"#).is_err());
        for (status, body) in [
            (200, ""),
            (200, "[]"),
            (200, r#"{"access_token":"t"}"#),
            (200, r#"{"access_token":"t","token_type":"DPoP"}"#),
            (200, r#"{"access_token":"a b","token_type":"Bearer"}"#),
            (200, r#"{"access_token":"t","token_type":"Bearer","expires_in":"9"}"#),
            (200, r#"{"access_token":"t","access_token":"u","token_type":"Bearer"}"#),
            (302, r#"{"access_token":"t","token_type":"Bearer"}"#),
        ] {
            assert!(read(status, body).is_err(), "{status} {body}");
        }
    }
}
