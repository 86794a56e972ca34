//! Cross-origin requests (Fetch §3.2): programs that run in a browser call the endpoints for
//! programs from their own origins.
//!
//! 1. The endpoints for programs answer every origin, and never with
//!    `Access-Control-Allow-Credentials`: a browser adds no cookie, and these endpoints read none.
//!    What such a request can do, a request from any machine can do as well.
//! 2. The pages answer no other origin: they are for the user alone.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Answers preflight requests, and lets scripts of any origin read the answer.
pub(crate) async fn any_origin(request: Request, next: Next) -> Response {
    let is_preflight = request.method() == Method::OPTIONS;
    let mut response =
        if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if is_preflight {
        preflight(headers);
    } else {
        let exposed = HeaderValue::from_static("www-authenticate, retry-after");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

fn preflight(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "accept, authorization, content-type, mcp-protocol-version",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "7200"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
