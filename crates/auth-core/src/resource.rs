//! The canonical URI of a protected server: its `resource`, and the `aud` of its tokens.
//!
//! RFC 8707 §2, RFC 9728 §1.2 and the MCP authorization page ("Canonical Server URI"): scheme and
//! host in lower case, no fragment, no default port, no trailing slash where the path is empty.

use std::{fmt, str::FromStr};

use url::Url;

use crate::{Audience, is_loopback_host};

/// A canonical resource URI.
///
/// ```
/// # use auth_core::ResourceUri;
/// let resource: ResourceUri = "https://mcp.example/mcp".parse()?;
/// assert_eq!(
///     resource.metadata_url(),
///     "https://mcp.example/.well-known/oauth-protected-resource/mcp"
/// );
/// assert!("HTTPS://mcp.example/mcp".parse::<ResourceUri>().is_err());
/// # Ok::<(), auth_core::ResourceUriError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUri {
    audience: Audience,
    url: Url,
}

/// Why a text is no canonical resource URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceUriError {
    /// Not an absolute `http` or `https` URL.
    #[error("not an absolute http or https URL")]
    NotAnUrl,
    /// Plain HTTP to another host than this one (MCP authorization, communication security).
    #[error("plain http is for localhost only: use https")]
    NotHttps,
    /// A user, a password, a query or a fragment.
    #[error("a resource URI has no user, password, query or fragment")]
    ExtraParts,
    /// Written in another way than the canonical one.
    #[error("not canonical: write it as {0}")]
    NotCanonical(String),
}

impl ResourceUri {
    /// The URI's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.audience.as_str()
    }

    /// What a token's `aud` must contain.
    #[must_use]
    pub const fn audience(&self) -> &Audience {
        &self.audience
    }

    /// The path, `/` if there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The host without brackets or port, for example `mcp.example`, `127.0.0.1` or `::1`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port, the scheme's own if none is written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Scheme, host and port as a browser's `Origin` header writes them (RFC 6454 §6.2).
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether the host is this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// Where the metadata lies: the well-known name put in front of the path (RFC 9728 §3.1).
    #[must_use]
    pub fn metadata_path(&self) -> String {
        format!("{WELL_KNOWN}{}", self.path().trim_end_matches('/'))
    }

    /// The absolute URL of the metadata (RFC 9728 §3.1).
    #[must_use]
    pub fn metadata_url(&self) -> String {
        format!("{}{}", self.origin(), self.metadata_path())
    }
}

/// The well-known name of RFC 9728 §3.
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

impl FromStr for ResourceUri {
    type Err = ResourceUriError;

    fn from_str(text: &str) -> Result<Self, ResourceUriError> {
        let url = Url::parse(text).map_err(|_| ResourceUriError::NotAnUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ResourceUriError::NotAnUrl);
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.query().is_some() || url.fragment().is_some() {
            return Err(ResourceUriError::ExtraParts);
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(ResourceUriError::NotHttps);
        }
        let canonical = match url.path() {
            "/" => url.as_str().trim_end_matches('/'),
            _ => url.as_str(),
        };
        if text != canonical {
            return Err(ResourceUriError::NotCanonical(canonical.to_owned()));
        }
        let audience = text.parse().map_err(|_| ResourceUriError::NotAnUrl)?;
        Ok(Self { audience, url })
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_uris_are_taken_apart() {
        let uri: ResourceUri = "https://mcp.example:8443/a/mcp".parse().unwrap();
        assert_eq!((uri.host(), uri.port(), uri.path()), ("mcp.example", 8443, "/a/mcp"));
        assert_eq!(uri.origin(), "https://mcp.example:8443");
        assert_eq!(
            uri.metadata_url(),
            "https://mcp.example:8443/.well-known/oauth-protected-resource/a/mcp"
        );
        assert_eq!(uri.audience().as_str(), uri.to_string());
        assert!(!uri.is_loopback());
        let root: ResourceUri = "https://mcp.example".parse().unwrap();
        assert_eq!(root.metadata_path(), "/.well-known/oauth-protected-resource");
        assert_eq!(root.port(), 443);
        let v6: ResourceUri = "http://[::1]:8000/mcp".parse().unwrap();
        assert_eq!((v6.host(), v6.is_loopback()), ("::1", true));
    }

    #[test]
    fn other_spellings_are_refused_with_the_right_one() {
        let not_canonical = |text: &str, canonical: &str| {
            let expected = Err(ResourceUriError::NotCanonical(canonical.into()));
            assert_eq!(text.parse::<ResourceUri>(), expected);
        };
        not_canonical("HTTPS://mcp.example/mcp", "https://mcp.example/mcp");
        not_canonical("https://MCP.example/mcp", "https://mcp.example/mcp");
        not_canonical("https://mcp.example:443/mcp", "https://mcp.example/mcp");
        not_canonical("https://mcp.example/", "https://mcp.example");
        not_canonical("https://mcp.example/a/../mcp", "https://mcp.example/mcp");
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        let fault = |text: &str| text.parse::<ResourceUri>().unwrap_err();
        assert_eq!(fault("mcp.example/mcp"), ResourceUriError::NotAnUrl);
        assert_eq!(fault("ftp://mcp.example/mcp"), ResourceUriError::NotAnUrl);
        assert_eq!(fault("http://mcp.example/mcp"), ResourceUriError::NotHttps);
        assert_eq!(fault("http://localhost.example/mcp"), ResourceUriError::NotHttps);
        for extra in ["u@", "u:p@", ":p@"] {
            let uri = format!("https://{extra}mcp.example/mcp");
            assert_eq!(fault(&uri), ResourceUriError::ExtraParts, "{uri}");
        }
        assert_eq!(fault("https://mcp.example/mcp?x"), ResourceUriError::ExtraParts);
        assert_eq!(fault("https://mcp.example/mcp#x"), ResourceUriError::ExtraParts);
        for fine in [
            "http://localhost:8000/mcp",
            "http://mcp.localhost:8000/mcp",
            "http://127.0.0.2:1/mcp",
            "http://[::1]:1/mcp",
        ] {
            assert!(fine.parse::<ResourceUri>().is_ok(), "{fine}");
        }
    }
}
