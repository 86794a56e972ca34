//! The URL of an MCP server behind the gateway, as the operator names it.

use std::fmt;

use auth_core::is_loopback_host;
use http::Uri;
use url::Url;

/// The longest URL, in bytes.
const MAX_LENGTH: usize = 2048;

/// The URL of an MCP server, for example `http://127.0.0.1:9000/mcp`. Its query may hold a key, so
/// it is shown without.
#[derive(Clone, PartialEq, Eq)]
pub struct UpstreamUrl {
    url: Url,
    uri: Uri,
}

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamUrlError {
    /// Not an absolute `http` or `https` URL of at most 2048 bytes.
    #[error("not an absolute http or https URL")]
    NotAnUrl,
    /// A user, a password or a fragment.
    #[error("the URL has a user, a password or a fragment")]
    ExtraParts,
    /// Plain HTTP to another host than a loopback one.
    #[error("plain http is for loopback hosts only: use https, or allow plain http")]
    PlainHttp,
}

impl UpstreamUrl {
    /// Reads a URL: `https`, or `http` to a loopback host.
    pub fn parse(text: &str) -> Result<Self, UpstreamUrlError> {
        let url = Self::parse_with_plain_http(text)?;
        if url.is_https() || is_loopback_host(url.host()) {
            Ok(url)
        } else {
            Err(UpstreamUrlError::PlainHttp)
        }
    }

    /// Reads a URL that may be `http` to any host: for a network that the operator trusts with what
    /// callers send, as between containers of one machine.
    pub fn parse_with_plain_http(text: &str) -> Result<Self, UpstreamUrlError> {
        if text.len() > MAX_LENGTH {
            return Err(UpstreamUrlError::NotAnUrl);
        }
        let url = Url::parse(text).map_err(|_| UpstreamUrlError::NotAnUrl)?;
        Self::from_url(url)
    }

    fn from_url(url: Url) -> Result<Self, UpstreamUrlError> {
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(UpstreamUrlError::NotAnUrl);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(UpstreamUrlError::ExtraParts);
        }
        let uri = url.as_str().parse().map_err(|_| UpstreamUrlError::NotAnUrl)?;
        Ok(Self { url, uri })
    }

    /// What `reference` names relative to this URL, if it has the same scheme, host and port
    /// (RFC 3986 §5, RFC 6454 §5): a server cannot send us to another.
    #[must_use]
    pub(crate) fn join_same_origin(&self, reference: &str) -> Option<Self> {
        if reference.len() > MAX_LENGTH {
            return None;
        }
        let joined = self.url.join(reference).ok()?;
        if joined.origin() == self.url.origin() { Self::from_url(joined).ok() } else { None }
    }

    pub(crate) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether TLS is used.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host, for example `mcp.example` or `[::1]`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

impl fmt::Display for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url.clone();
        shown.set_query(None);
        shown.fmt(f)
    }
}

impl fmt::Debug for UpstreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UpstreamUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_to_another_machine_has_to_be_allowed() {
        for fine in ["https://mcp.example/mcp?key=1", "http://127.0.0.1:9/mcp", "http://[::1]/"] {
            assert!(UpstreamUrl::parse(fine).is_ok(), "{fine}");
        }
        for plain in ["http://mcp.example/", "http://10.0.0.1/", "http://0.0.0.0:9000/mcp"] {
            assert_eq!(UpstreamUrl::parse(plain), Err(UpstreamUrlError::PlainHttp), "{plain}");
            assert!(UpstreamUrl::parse_with_plain_http(plain).is_ok(), "{plain}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        for extra in ["https://u@a.example/", "https://:p@a.example/", "https://a.example/#f"] {
            assert_eq!(UpstreamUrl::parse(extra), Err(UpstreamUrlError::ExtraParts), "{extra}");
        }
        for other in ["a.example", "ftp://a.example/", "file:///etc/passwd", "/mcp", "", "https:"] {
            assert_eq!(UpstreamUrl::parse(other), Err(UpstreamUrlError::NotAnUrl), "{other}");
        }
        let long = format!("https://a.example/{}", "a".repeat(MAX_LENGTH));
        assert_eq!(UpstreamUrl::parse(&long), Err(UpstreamUrlError::NotAnUrl));
    }

    #[test]
    fn a_query_is_sent_and_never_shown() {
        let url = UpstreamUrl::parse("https://a.example/mcp?key=secret").unwrap();
        assert_eq!(url.uri().query(), Some("key=secret"));
        assert_eq!(format!("{url} {url:?}").matches("secret").count(), 0);
    }

    #[test]
    fn a_reference_stays_on_the_same_origin() {
        let url = UpstreamUrl::parse("https://a.example/x/sse").unwrap();
        let to = |reference| url.join_same_origin(reference).map(|url| url.uri().to_string());
        assert_eq!(to("/messages?id=1").as_deref(), Some("https://a.example/messages?id=1"));
        assert_eq!(to("post").as_deref(), Some("https://a.example/x/post"));
        assert_eq!(to("https://a.example:443/y").as_deref(), Some("https://a.example/y"));
        for other in ["//b.example/", "http://a.example/", "https://a.example:8443/", "file:/x"] {
            assert_eq!(to(other), None, "{other}");
        }
    }
}
