//! The host of a request, where HTTP/1.1 has it (RFC 9113 §8.3.1).
//!
//! 1. HTTP/2 names the host in `:authority`. What is behind this reads `Host`, as an intermediary
//!    would have written it. So `Host` is made of `:authority`, and the target has a path alone.
//! 2. If both are there, they must be the same. If they are not, both stay, and the one who checks
//!    the host sees both.

use axum::http::{HeaderValue, Request, Uri, header};

/// `request` with its host in `Host`, and nowhere else.
pub(super) fn moved<B>(mut request: Request<B>) -> Request<B> {
    let Some(authority) = request.uri().authority() else { return request };
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => {
            let Ok(host) = HeaderValue::from_str(authority.as_str()) else { return request };
            request.headers_mut().insert(header::HOST, host);
        }
        (Some(host), None) if host.as_bytes() == authority.as_str().as_bytes() => {}
        (Some(_), _) => return request,
    }
    // CONNECT has an authority alone, and nothing here accepts it.
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = Uri::from(path);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_moves_to_its_header_unless_two_differ() {
        let both = "https://mcp.example/mcp?a=b";
        for (target, hosts, moved_target, moved_hosts) in [
            (both, &[][..], "/mcp?a=b", &["mcp.example"][..]),
            (both, &["mcp.example"], "/mcp?a=b", &["mcp.example"]),
            (both, &["evil.example"], both, &["evil.example"]),
            (both, &["mcp.example", "mcp.example"], both, &["mcp.example", "mcp.example"]),
            ("https://mcp.example:8443/", &[], "/", &["mcp.example:8443"]),
            ("/mcp", &["mcp.example"], "/mcp", &["mcp.example"]),
            ("/mcp", &[], "/mcp", &[]),
            ("mcp.example:443", &[], "mcp.example:443", &["mcp.example:443"]),
        ] {
            let request = Request::builder().uri(target);
            let request = hosts.iter().fold(request, |it, host| it.header(header::HOST, *host));
            let moved = moved(request.body(()).unwrap());
            assert_eq!(moved.uri().to_string(), moved_target, "{target} {hosts:?}");
            let found: Vec<_> = moved.headers().get_all(header::HOST).iter().collect();
            assert_eq!(found, moved_hosts, "{target} {hosts:?}");
        }
    }
}
