//! Web pages of other origins (CORS, Fetch §3.3): those that are let in may also read what they are
//! answered.
//!
//! 1. A preflight of an allowed origin is answered without a token, which it never has: 204.
//! 2. Every answer to an allowed origin, refusals too, says that its pages may read it, with the
//!    headers that they need. There are no cookies here, so none are allowed.
//! 3. To all others nothing is said: they are refused by their `Origin`
//!    ([`origin`](crate::request::origin)).

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, VARY,
    },
};
use http_body_util::Full;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");
/// The headers of MCP, for a page that does not say which it sends.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, accept, last-event-id, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, X-Request-Id, Retry-After",
);
/// How long a browser may remember a preflight, in seconds: an origin that is taken off the list is
/// refused anyway.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
/// The longest list of headers that is repeated, in bytes.
const MAX_LIST: usize = 1024;

/// Whether a browser asks what a page may send.
pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a page of an allowed origin may send. It may send any header: what it says there is judged
/// when it comes.
pub(crate) fn preflight(asked: &HeaderMap) -> Response<Full<Bytes>> {
    let wanted = asked.get(ACCESS_CONTROL_REQUEST_HEADERS);
    let wanted = wanted.filter(|wanted| wanted.len() <= MAX_LIST && wanted.to_str().is_ok());
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.cloned().unwrap_or(HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    response
}

/// Lets pages of the allowed `origin` read the answer with these headers.
pub(crate) fn expose(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(VARY, HeaderValue::from_static("Origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_headers_is_repeated_up_to_a_bound() {
        let allowed = |wanted: Option<String>| {
            let mut asked = HeaderMap::new();
            let wanted = wanted.map(|wanted| HeaderValue::try_from(wanted).unwrap());
            asked.extend(wanted.map(|wanted| (ACCESS_CONTROL_REQUEST_HEADERS, wanted)));
            preflight(&asked).headers()[ACCESS_CONTROL_ALLOW_HEADERS].clone()
        };
        assert_eq!(allowed(Some("mcp-param-x".into())), "mcp-param-x");
        assert_eq!(allowed(Some("x".repeat(MAX_LIST))), "x".repeat(MAX_LIST));
        assert_eq!(allowed(Some("x".repeat(MAX_LIST + 1))), HEADERS);
        assert_eq!(allowed(None), HEADERS);
    }
}
