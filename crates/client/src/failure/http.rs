//! Faults of the HTTP layer.

use http::StatusCode;
use outbound::{ConnectFault, OutboundError, transport::HttpError};
use rmcp::transport::{
    DynamicTransportError,
    streamable_http_client::{HttpStatusError, StreamableHttpError},
};

use super::{Context, Failure, body::ErrorBody, certificate, denied};
use crate::Exit;

/// What rmcp writes before the body of an answer with an unexpected status: `HTTP 404 Not Found:
/// ...`.
const STATUS_PREFIX: &str = "HTTP ";

/// A fault that rmcp handed on in a box.
pub(super) fn from_transport(error: &DynamicTransportError, context: &Context) -> Failure {
    let Some(fault) = error.error.downcast_ref::<StreamableHttpError<HttpError>>() else {
        return Failure::not_mcp(context);
    };
    match fault {
        StreamableHttpError::Client(error) => from_outbound(&error.into(), context),
        StreamableHttpError::AuthRequired(error) => denied::unauthorized(
            Some(&error.www_authenticate_header),
            ErrorBody::default(),
            context,
        ),
        StreamableHttpError::InsufficientScope(error) => {
            denied::forbidden(Some(&error.www_authenticate_header), ErrorBody::default(), context)
        }
        StreamableHttpError::HttpStatus(error) => from_status_error(error, context),
        StreamableHttpError::UnexpectedServerResponse(text) => match status_and_body(text) {
            Some((401, _, body)) => denied::unauthorized(None, ErrorBody::parse(body), context),
            Some((403, _, body)) => denied::forbidden(None, ErrorBody::parse(body), context),
            Some((code, status, body)) => {
                let body = ErrorBody::parse(body);
                let mut failure = status_failure(code, status, context);
                failure.named.request_id = body.request_id;
                failure.with_server(body.description)
            }
            None => Failure::not_mcp(context),
        },
        StreamableHttpError::UnexpectedContentType(Some(found)) => {
            let mut failure = Failure::not_mcp(context);
            failure.message = format!("{}: it sent {found}", failure.message);
            failure
        }
        StreamableHttpError::ResponseBodyTooLarge { max_size } => {
            let message = format!("the answer is longer than {} MiB", max_size >> 20);
            Failure::new(Exit::Protocol, message).with_hint(
                "an answer has at most that much: request less, such as one page or part of a file",
            )
        }
        StreamableHttpError::SessionExpired => {
            Failure::new(Exit::Protocol, "the server has forgotten the session")
        }
        _ => Failure::not_mcp(context),
    }
}

/// A fault of the HTTP client.
pub(super) fn from_outbound(error: &OutboundError, context: &Context) -> Failure {
    let endpoint = &context.endpoint;
    let unreachable = |hint: String| {
        Failure::new(Exit::Unreachable, format!("cannot reach {endpoint}: {error}")).with_hint(hint)
    };
    let is_url_right = "is the URL right? --url or MCP_URL sets it";
    if let OutboundError::Connect { fault, .. } = error
        && let Some(hint) = certificate::server_hint(*fault, context)
    {
        return unreachable(hint);
    }
    match error {
        OutboundError::Redirect(redirect) => Failure::new(
            Exit::Protocol,
            format!(
                "{endpoint} redirects to {} ({}), and redirects are not followed",
                redirect.location, redirect.status
            ),
        )
        .with_hint("if you trust that place, give it as --url or MCP_URL"),
        OutboundError::ClientCertificate(refused) => {
            let (refused, hint) = certificate::refused(*refused, context);
            let message = format!("cannot reach {endpoint}: {refused}");
            Failure::new(Exit::Unreachable, message).with_hint(hint)
        }
        OutboundError::NotHttp => {
            let hint = if endpoint.is_https() {
                is_url_right.to_owned()
            } else {
                let encrypted = endpoint.to_string().replacen("http:", "https:", 1);
                format!("if the server there uses TLS: try {encrypted}")
            };
            let message = format!("what {endpoint} answers is not HTTP");
            Failure::new(Exit::Protocol, message).with_hint(hint)
        }
        OutboundError::Connect { fault: ConnectFault::NotTls, .. } if endpoint.is_https() => {
            let plain = endpoint.to_string().replacen("https:", "http:", 1);
            unreachable(format!("the server there does not use TLS: try {plain}"))
        }
        OutboundError::Connect { .. } | OutboundError::Setup(_) if endpoint.is_loopback() => {
            unreachable("is the server running? start it with `{server}`".to_owned())
        }
        OutboundError::Connect { .. } | OutboundError::Setup(_) | OutboundError::Address(_) => {
            unreachable(is_url_right.to_owned())
        }
        OutboundError::Timeout(_) | OutboundError::TimedOut => Failure::timeout(context),
        OutboundError::Interrupted(_)
        | OutboundError::HeadTooLarge(_)
        | OutboundError::BodyTooLarge(_)
        | OutboundError::ContentCoding => {
            let message =
                format!("the connection to {endpoint} broke before the answer was there: {error}");
            let failure = Failure::new(Exit::Protocol, message);
            match certificate::broken_hint(context) {
                Some(hint) => failure.with_hint(hint),
                None => failure,
            }
        }
    }
}

fn from_status_error(error: &HttpStatusError, context: &Context) -> Failure {
    let mut failure = status_failure(error.status, &error.status.to_string(), context);
    // rmcp does not read the body, which may say which limit it is.
    let is_limit = error.status == StatusCode::TOO_MANY_REQUESTS.as_u16();
    if is_limit {
        let endpoint = &context.endpoint;
        failure.message = format!("{endpoint} limits how often you may ask (HTTP 429)");
    }
    match &error.retry_after {
        Some(after) => failure.with_hint(try_again(after)),
        None if is_limit => failure.with_hint("try again later, or less often"),
        None => failure,
    }
}

/// What `Retry-After` asks for: seconds, or a date (RFC 9110 §10.2.3).
fn try_again(after: &str) -> String {
    match after.trim().parse::<u64>() {
        Ok(seconds) => format!("try again in {seconds} s"),
        Err(_) => format!("try again later (Retry-After: {after})"),
    }
}

fn status_failure(code: u16, status: &str, context: &Context) -> Failure {
    let message = format!("{} answered with HTTP {status}", context.endpoint);
    let mut failure = Failure::new(Exit::Protocol, message);
    failure.named.status = Some(code);
    if matches!(code, 404 | 405 | 410) { failure.with_hint(elsewhere(context)) } else { failure }
}

/// Where the server may be instead.
pub(super) fn elsewhere(context: &Context) -> String {
    let right = "is the URL right? --url or MCP_URL sets it";
    match context.endpoint.path() {
        "/" => format!("{right}. Many servers are at {}mcp", context.endpoint),
        path if path.ends_with('/') => {
            let shown = context.endpoint.to_string();
            format!("{right}. Without the slash at its end it is {}", shown.trim_end_matches('/'))
        }
        _ => right.to_owned(),
    }
}

/// Takes `HTTP 403 Forbidden: body` apart.
fn status_and_body(text: &str) -> Option<(u16, &str, &str)> {
    let (status, body) = text.strip_prefix(STATUS_PREFIX)?.split_once(": ")?;
    let code = status.split(' ').next()?.parse().ok()?;
    Some((code, status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_taken_apart() {
        let text = "HTTP 403 Forbidden: Host: no";
        assert_eq!(status_and_body(text), Some((403, "403 Forbidden", "Host: no")));
        assert_eq!(status_and_body("could not parse: HTTP 401 x: y"), None);
        assert_eq!(status_and_body("HTTP x: y"), None);
    }
}
