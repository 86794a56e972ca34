//! One stored token with what it takes to renew it.

use std::{path::PathBuf, time::Duration};

use auth_core::{AccessToken, NumericDate, ScopeSet};
use oauth2::TokenResponse;
use rmcp::transport::auth::{AuthorizationMetadata, StoredCredentials};
use serde::{Deserialize, Serialize};

/// A token is renewed this long before it expires, or at half its life if that is shorter.
const AHEAD: Duration = Duration::from_mins(1);

/// A token for one resource of one issuer.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The MCP server's URL: the one place where the token is sent.
    pub(crate) server: String,
    /// What the token is for (RFC 8707), as the server's metadata spells it.
    pub(crate) resource: String,
    /// Who issued it.
    pub(crate) issuer: String,
    /// How it was got, and so how it is renewed.
    pub(crate) grant: Grant,
    /// Who we are to the issuer.
    pub(crate) client: Client,
    /// Where the issuer's endpoints are, as they were when the token was issued. A refresh token
    /// goes there and nowhere else.
    pub(crate) metadata: AuthorizationMetadata,
    /// The tokens.
    pub(crate) credentials: StoredCredentials,
}

/// The ways to a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grant {
    /// A person, in a browser.
    AuthorizationCode,
    /// A person, in a browser somewhere else (RFC 8628).
    DeviceCode,
    /// A program with a secret.
    ClientSecret,
    /// A program with a key (RFC 7523 §2.2), which stays in its file.
    PrivateKey {
        /// The PEM file.
        file: PathBuf,
        /// How it signs.
        algorithm: String,
    },
    /// A workload with a JWT of its platform (RFC 7523 §2.1), which the platform renews in its
    /// file.
    Workload {
        /// The file.
        file: PathBuf,
    },
    /// An ID token of the enterprise (RFC 8693), not kept.
    Enterprise,
}

/// A client of an issuer.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    /// Where the browser was sent back to.
    pub(crate) redirect_uri: Option<String>,
    /// Whether we registered ourselves (RFC 7591).
    pub(crate) dynamic: bool,
    /// How it shows who it is, if its registration says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<AuthMethod>,
    /// Whether the issuer may not know it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_doubtful: bool,
}

/// How a client shows who it is at the token endpoint (RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuthMethod {
    /// By its name alone.
    None,
    /// In `Authorization`.
    Basic,
    /// In the form.
    Post,
}

impl Client {
    /// A client with a name, and perhaps a secret.
    pub(crate) fn new(id: impl Into<String>, secret: Option<String>) -> Self {
        let (redirect_uri, method) = (None, None);
        Self { id: id.into(), secret, redirect_uri, dynamic: false, method, is_doubtful: false }
    }

    /// Whether to register anew rather than be this one once more.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.dynamic && self.is_doubtful
    }
}

impl Entry {
    /// What it is stored under.
    pub(crate) fn key(&self) -> Key {
        Key { issuer: self.issuer.clone(), resource: self.resource.clone() }
    }

    /// The access token, if it is one that can be sent.
    pub(crate) fn token(&self) -> Option<AccessToken> {
        self.credentials.token_response.as_ref()?.access_token().secret().parse().ok()
    }

    /// The refresh token.
    pub(crate) fn refresh_token(&self) -> Option<String> {
        let response = self.credentials.token_response.as_ref()?;
        response.refresh_token().map(|token| token.secret().clone())
    }

    /// Whether it can be renewed without a person.
    pub(crate) fn is_renewable(&self) -> bool {
        match self.grant {
            Grant::AuthorizationCode | Grant::DeviceCode => self.refresh_token().is_some(),
            Grant::ClientSecret | Grant::PrivateKey { .. } | Grant::Workload { .. } => true,
            Grant::Enterprise => false,
        }
    }

    /// When the access token expires, if the issuer said so.
    pub(crate) fn expires(&self) -> Option<NumericDate> {
        let life = self.credentials.token_response.as_ref()?.expires_in()?;
        Some(self.received()?.plus(life))
    }

    /// Whether the access token is still good, and will be for a while.
    pub(crate) fn is_fresh(&self, now: NumericDate) -> bool {
        let life = self.credentials.token_response.as_ref().and_then(TokenResponse::expires_in);
        match (self.expires(), life) {
            (Some(expires), Some(life)) => expires.since(now) > AHEAD.min(life / 2),
            _ => true,
        }
    }

    /// Whether the access token may still be tried.
    pub(crate) fn is_alive(&self, now: NumericDate) -> bool {
        self.expires().is_none_or(|expires| expires > now)
    }

    /// What was granted.
    pub(crate) fn scopes(&self) -> ScopeSet {
        self.credentials.granted_scopes.join(" ").parse().unwrap_or_default()
    }

    /// The tokens and their kinds (RFC 7009 §2.1), the refresh token first.
    pub(crate) fn secrets(&self) -> Vec<(String, &'static str)> {
        let response = self.credentials.token_response.as_ref();
        let refresh = response.and_then(TokenResponse::refresh_token);
        let refresh = refresh.map(|token| (token.secret().clone(), "refresh_token"));
        let access = response.map(|all| (all.access_token().secret().clone(), "access_token"));
        refresh.into_iter().chain(access).collect()
    }

    fn received(&self) -> Option<NumericDate> {
        let secs = i64::try_from(self.credentials.token_received_at?).ok()?;
        NumericDate::from_secs(secs).ok()
    }
}

/// What an entry is stored under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) issuer: String,
    pub(crate) resource: String,
}

/// What may be shown of an entry: no secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    #[serde(flatten)]
    pub(crate) key: Key,
    pub(crate) server: String,
    pub(crate) client_id: String,
    pub(crate) grant: Grant,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: Option<i64>,
    pub(crate) renewable: bool,
}

impl From<&Entry> for Summary {
    fn from(entry: &Entry) -> Self {
        Self {
            key: entry.key(),
            server: entry.server.clone(),
            client_id: entry.client.id.clone(),
            grant: entry.grant.clone(),
            scopes: entry.credentials.granted_scopes.clone(),
            expires: entry.expires().map(NumericDate::as_secs),
            renewable: entry.is_renewable(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// An entry whose token was received at second 1000 and lives for `life` seconds.
    pub(crate) fn entry(server: &str, token: &str, life: u64) -> Entry {
        serde_json::from_value(json!({
            "server": server,
            "resource": server,
            "issuer": "https://as.example",
            "grant": "authorization_code",
            "client": { "id": "c", "secret": null, "redirect_uri": null, "dynamic": true },
            "metadata": {
                "authorization_endpoint": "https://as.example/a",
                "token_endpoint": "https://as.example/t",
            },
            "credentials": {
                "client_id": "c",
                "token_response": {
                    "access_token": token, "token_type": "bearer", "expires_in": life,
                    "refresh_token": "r",
                },
                "granted_scopes": ["b", "a"],
                "token_received_at": 1000,
                "issuer": "https://as.example",
            },
        }))
        .unwrap()
    }

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(secs).unwrap()
    }

    #[test]
    fn a_token_is_renewed_a_minute_ahead_or_at_half_its_life() {
        let long = entry("https://mcp.example/mcp", "t", 3600);
        assert!(long.is_fresh(at(1000 + 3539)));
        assert!(!long.is_fresh(at(1000 + 3540)));
        assert!(long.is_alive(at(1000 + 3599)));
        assert!(!long.is_alive(at(1000 + 3600)));
        let short = entry("https://mcp.example/mcp", "t", 10);
        assert!(short.is_fresh(at(1004)));
        assert!(!short.is_fresh(at(1005)));
    }

    #[test]
    fn a_summary_has_no_secret() {
        let mut entry = entry("https://mcp.example/mcp", "hush-hush", 60);
        entry.client.secret = Some("hush-hush".to_owned());
        let text = serde_json::to_string(&Summary::from(&entry)).unwrap();
        assert!(!text.contains("hush-hush"), "{text}");
        assert!(!text.contains("\"r\""), "{text}");
        assert_eq!(entry.scopes().to_string(), "a b");
    }
}
