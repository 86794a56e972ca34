//! The answer to a request that is not shown to a user: a redirect to the client where that is
//! safe, otherwise a page for people and JSON for programs.
//!
//! A browser is not redirected to a website or a private-use scheme before its user did anything,
//! unless an operator added the client: everybody can register one, and our address would lead to
//! theirs (RFC 9700 §4.11.2). A page says where the link leads.
//!
//! Some programs ask the endpoint before a browser does, to see whether they are still known: they
//! accept JSON and no page.

use std::error::Error;

use auth_core::oauth::{
    ErrorCode, MetadataUrl, OAuthError, PageError, RedirectTarget, RedirectUri,
};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};

use super::{CheckError, UnknownClient, view};
use crate::{
    AuthorizationServer,
    pages::{Destination, Label, Problem},
    respond,
};

/// The answer to a request that cannot be shown to a user.
pub(crate) fn refuse(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    error: CheckError,
) -> Response {
    match error {
        CheckError::Redirected { error, is_operators } => {
            let location = error.location(&server.config().issuer);
            send_back(server, headers, error.redirect_uri(), is_operators, location)
        }
        CheckError::Unavailable(fault) if is_program(headers) => fault.into_response(),
        CheckError::Unavailable(fault) => view::unavailable(server, &fault),
        CheckError::Client(client) if is_program(headers) => {
            let text =
                client.fault.unwrap_or_else(|| "the client is unknown: register it again".into());
            bad_request(&OAuthError::new(ErrorCode::InvalidClient, text))
        }
        CheckError::Client(client) => view::problem(server, unknown(&client)),
        CheckError::Unreachable(_, fault) if is_program(headers) => {
            respond::busy(&OAuthError::new(ErrorCode::TemporarilyUnavailable, fault))
        }
        CheckError::Unreachable(id, fault) => {
            let client = UnknownClient { id, fault: Some(fault), name: None, redirect_uri: None };
            view::problem(server, unknown(&client))
        }
        CheckError::Page { error, .. } if is_program(headers) => {
            bad_request(&OAuthError::new(ErrorCode::InvalidRequest, with_source(&error)))
        }
        CheckError::Page { error, name } => {
            view::problem(server, malformed(&error, called(name.as_deref())))
        }
    }
}

/// Brings the client an error that no user has caused: `location` is `uri` with it.
pub(super) fn send_back(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    uri: &RedirectUri,
    is_operators: bool,
    location: String,
) -> Response {
    let is_loopback = matches!(uri.target(), RedirectTarget::Loopback(_));
    if is_loopback || is_operators || is_program(headers) {
        return respond::redirect(&location);
    }
    view::refused(server, uri, location)
}

/// Whether the one who asks is a program.
fn is_program(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let types = accept.flat_map(|text| text.split(','));
    let types = types.map(|item| item.split(';').next().unwrap_or_default().trim());
    let types: Vec<&str> = types.collect();
    types.contains(&"application/json") && !types.contains(&"text/html")
}

fn bad_request(error: &OAuthError) -> Response {
    respond::json(StatusCode::BAD_REQUEST, error)
}

fn unknown(client: &UnknownClient) -> Problem {
    let client_id = Label::long(client.id.as_str());
    match (client.id.as_str().parse::<MetadataUrl>(), &client.fault) {
        (Ok(url), Some(fault)) => Problem::Document {
            host: Label::host(url.host()),
            client_id,
            message: Label::long(fault),
        },
        _ => Problem::UnknownClient {
            name: called(client.name.as_deref()),
            client_id,
            destination: client.redirect_uri.as_ref().map(Destination::from),
        },
    }
}

fn malformed(error: &PageError, name: Label) -> Problem {
    match error {
        PageError::RedirectUriUnknown(uri) => {
            Problem::RedirectUri { name, uri: Label::long(uri.as_str()) }
        }
        _ => Problem::Request { name, message: Label::long(&with_source(error)) },
    }
}

/// What a client calls itself, if that is known.
fn called(name: Option<&str>) -> Label {
    name.map(Label::name).unwrap_or_default()
}

fn with_source(error: &PageError) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_program_accepts_json_and_no_page() {
        for (accept, expected) in [
            ("application/json", true),
            ("application/json, text/plain;q=0.5, */*", true),
            ("application/json;q=0.9", true),
            ("text/html,application/xhtml+xml,*/*;q=0.8", false),
            ("text/html, application/json", false),
            ("*/*", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(is_program(&headers), expected, "{accept}");
        }
        assert!(!is_program(&HeaderMap::new()));
    }
}
