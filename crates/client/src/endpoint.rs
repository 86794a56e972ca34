//! Where the server is, and whether a token may travel there.

use std::fmt;

use auth_core::is_loopback_host;
use url::Url;

/// The URL of an MCP server. Prints without its query, which may hold a secret.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint(Url);

/// Why a text is no endpoint. The text itself is not shown: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    /// Not a URL.
    #[error("is not a URL such as http://localhost:8000/mcp")]
    Syntax,
    /// Another scheme.
    #[error("must begin with https:// or http://")]
    Scheme,
    /// `user:password@`.
    #[error("must not hold a user name or a password")]
    UserInfo,
}

impl Endpoint {
    /// Reads a URL.
    pub(crate) fn parse(text: &str) -> Result<Self, EndpointError> {
        let mut url = Url::parse(text).map_err(|_| EndpointError::Syntax)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::UserInfo);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// The whole URL, for the request.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, for messages.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL.
    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    /// Whether the server is on this machine, by [`is_loopback_host`].
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback_host(self.host())
    }

    /// Whether a token may be sent there: no one can listen in.
    pub(crate) fn keeps_secrets(&self) -> bool {
        self.is_https() || self.is_loopback()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        shown.set_query(None);
        write!(f, "{shown}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_over_https_or_to_this_machine() {
        let keeps = |url: &str| Endpoint::parse(url).unwrap().keeps_secrets();
        for safe in [
            "https://mcp.example/mcp",
            "http://localhost:8000/mcp",
            "http://127.0.0.1/mcp",
            "http://127.9.9.9/mcp",
            "http://[::1]:1/mcp",
            "http://[::ffff:127.0.0.1]/mcp",
            "http://mcp.localhost/mcp",
        ] {
            assert!(keeps(safe), "{safe}");
        }
        for unsafe_url in [
            "http://mcp.example/mcp",
            "http://192.168.0.1/mcp",
            "http://localhost.example/mcp",
            "http://127.0.0.1.example/mcp",
            "http://0.0.0.0/mcp",
            "http://[::]/mcp",
        ] {
            assert!(!keeps(unsafe_url), "{unsafe_url}");
        }
    }

    #[test]
    fn no_password_and_no_query_is_shown() {
        assert_eq!(Endpoint::parse("http://u:p@h/").unwrap_err(), EndpointError::UserInfo);
        assert_eq!(Endpoint::parse("ftp://h/").unwrap_err(), EndpointError::Scheme);
        assert_eq!(Endpoint::parse("localhost").unwrap_err(), EndpointError::Syntax);
        let endpoint = Endpoint::parse("http://h/mcp?key=secret#x").unwrap();
        assert_eq!(endpoint.to_string(), "http://h/mcp");
        assert_eq!(endpoint.as_str(), "http://h/mcp?key=secret");
    }
}
