//! The headers that a server behind the gateway gets.
//!
//! 1. Those that MCP defines, and those that say what the body is and what the answer may be. A
//!    link fills them from its messages; of the caller's request it has no headers.
//! 2. `Host`, `Content-Length` and `User-Agent` are the gateway's.
//! 3. What the operator's configuration adds has other names.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What the gateway calls itself (RFC 9110 §10.1.5).
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION")));

pub(crate) const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The names that a link may fill. A name that begins with [`PARAM`] is one, too.
const OF_LINKS: [HeaderName; 7] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    MCP_SESSION_ID,
    MCP_PROTOCOL_VERSION,
    MCP_METHOD,
    MCP_NAME,
    LAST_EVENT_ID,
];

/// Arguments of a tool that its schema repeats as headers (MCP 2026-07-28, custom headers).
const PARAM: &str = "mcp-param-";

/// The headers of a request to a server behind the gateway.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentHeaders(HeaderMap);

impl SentHeaders {
    /// Whether a name is one that links fill. A caller may choose the value, such as the name of a
    /// tool, so no credential and no identity may have the name.
    pub(crate) fn is_of_links(name: &HeaderName) -> bool {
        OF_LINKS.contains(name) || name.as_str().starts_with(PARAM)
    }

    /// Sets one of the headers that links fill; any other name is left out.
    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        if Self::is_of_links(&name) {
            self.0.insert(name, value);
        }
    }

    /// Whether a header is set.
    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.0.contains_key(name)
    }

    /// Adds what the operator's configuration says.
    pub(crate) fn add_own(&mut self, name: HeaderName, value: HeaderValue) {
        self.0.insert(name, value);
    }

    pub(super) fn into_map(mut self) -> HeaderMap {
        self.0.insert(header::USER_AGENT, USER_AGENT);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_fills_the_headers_of_mcp_and_no_others() {
        let mut headers = SentHeaders::default();
        let value = HeaderValue::from_static("x");
        for name in OF_LINKS.iter().map(HeaderName::as_str).chain(["mcp-param-region"]) {
            headers.set(name.parse().unwrap(), value.clone());
            assert!(headers.0.contains_key(name), "{name}");
        }
        for name in ["authorization", "cookie", "host", "x-api-key", "mcp-secret"] {
            headers.set(HeaderName::from_static(name), value.clone());
            assert!(!headers.0.contains_key(name), "{name}");
        }
    }
}
