//! The headers that a server behind the gateway gets.
//!
//! 1. Of the caller's request those that MCP defines, those that say what its body is and what its
//!    answer may be, and the trace context (W3C Trace Context). Any other is left out, so that no
//!    credential, cookie, address or identity that a caller writes can arrive, under whatever name.
//! 2. `Host`, `Content-Length` and `User-Agent` are the gateway's.
//! 3. What the operator's configuration adds replaces what the caller has sent.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What the gateway calls itself (RFC 9110 §10.1.5).
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION")));

pub(crate) const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The names that are passed on. A name that begins with [`PARAM`] is, too.
const PASSED: [HeaderName; 10] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    MCP_SESSION_ID,
    MCP_PROTOCOL_VERSION,
    MCP_METHOD,
    MCP_NAME,
    LAST_EVENT_ID,
    TRACEPARENT,
    TRACESTATE,
];

/// Arguments of a tool that its schema repeats as headers (MCP 2026-07-28, custom headers).
const PARAM: &str = "mcp-param-";

/// The headers of a request to a server behind the gateway.
#[derive(Debug, Clone, Default)]
pub struct SentHeaders(HeaderMap);

impl SentHeaders {
    /// Those of `headers` that are passed on.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut passed = HeaderMap::with_capacity(16);
        for (name, value) in headers {
            if is_passed(name) {
                passed.append(name, value.clone());
            }
        }
        Self(passed)
    }

    /// Whether a name is one that callers may fill, so that no credential and no identity may have
    /// it.
    pub(crate) fn is_of_callers(name: &HeaderName) -> bool {
        is_passed(name)
    }

    /// Sets one of the headers that callers may fill; any other name is left out.
    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        if is_passed(&name) {
            self.0.insert(name, value);
        }
    }

    /// Whether a header is set.
    pub(crate) fn has(&self, name: &HeaderName) -> bool {
        self.0.contains_key(name)
    }

    /// Whether the request asks for a stream that stays open, as its header says.
    pub(crate) fn is_listen(&self) -> bool {
        self.0.get(MCP_METHOD).is_some_and(|method| method == "subscriptions/listen")
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

fn is_passed(name: &HeaderName) -> bool {
    PASSED.contains(name) || name.as_str().starts_with(PARAM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_left_out() {
        let mut headers = HeaderMap::new();
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "dpop",
            "x-api-key",
            "host",
            "origin",
            "referer",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-user",
            "x-real-ip",
            "via",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "expect",
            "accept-encoding",
            "content-length",
            "user-agent",
            "baggage",
            "mcp-secret",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        assert_eq!(SentHeaders::of(&headers).0.len(), 0);
    }

    #[test]
    fn what_mcp_defines_is_passed_on_with_all_its_values() {
        let mut headers = HeaderMap::new();
        for name in PASSED.iter().map(HeaderName::as_str).chain(["mcp-param-region"]) {
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), "1".parse().unwrap());
        }
        headers.append(header::ACCEPT, HeaderValue::from_static("2"));
        assert_eq!(SentHeaders::of(&headers).0, headers);
    }
}
