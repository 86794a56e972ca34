//! The access token response (RFC 6749 §5.1). Its error is an
//! [`OAuthError`](crate::oauth::OAuthError).
//!
//! 1. `scope` is always there, even if it is what was asked for: clients that remember it ask for
//!    it again.
//! 2. `expires_in` is always there: several clients never refresh without it.
//! 3. `token_type` is `Bearer`.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{AccessToken, ScopeSet, oauth::RefreshToken};

/// The scope with which clients ask for a refresh token (OpenID Connect Core §11). It permits
/// nothing.
pub const OFFLINE_ACCESS: &str = "offline_access";

/// What a client gets from the token endpoint. `Debug` prints no token.
#[derive(Debug, Clone)]
pub struct AccessTokenResponse {
    /// `access_token`.
    pub access_token: AccessToken,
    /// `expires_in`: how long the access token is valid, in whole seconds.
    pub expires_in: Duration,
    /// `refresh_token`.
    pub refresh_token: Option<RefreshToken>,
    /// `scope`: what the access token grants.
    pub scopes: ScopeSet,
}

impl Serialize for AccessTokenResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("access_token", self.access_token.expose())?;
        members.serialize_entry("token_type", "Bearer")?;
        members.serialize_entry("expires_in", &self.expires_in.as_secs())?;
        if let Some(token) = &self.refresh_token {
            members.serialize_entry("refresh_token", token.expose())?;
        }
        members.serialize_entry("scope", &self.scopes)?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_a_scope_and_an_end() {
        let response = AccessTokenResponse {
            access_token: "topsecret".parse().unwrap(),
            expires_in: Duration::from_mins(15),
            refresh_token: None,
            scopes: ScopeSet::empty(),
        };
        let expected = json!({
            "access_token": "topsecret", "token_type": "Bearer", "expires_in": 900, "scope": "",
        });
        assert_eq!(serde_json::to_value(&response).unwrap(), expected);
        let refresh_token = Some("topsecret2".parse().unwrap());
        let response = AccessTokenResponse { refresh_token, ..response };
        assert_eq!(serde_json::to_value(&response).unwrap()["refresh_token"], "topsecret2");
        assert!(!format!("{response:?}").contains("topsecret"));
    }
}
