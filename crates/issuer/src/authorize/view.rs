//! From what was found to an answer: pages for people, JSON for programs, redirects.

use std::{error::Error, fmt::Write};

use auth_core::{
    ClientId,
    oauth::{ErrorCode, OAuthError, PageError, RedirectUri},
};
use axum::response::{IntoResponse, Response};
use directory::User;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{CheckError, CheckedRequest, Offer, after_sign_in};
use crate::{
    AuthorizationServer,
    respond::{self, Unavailable},
    sign_in::{self, Browser, Next},
};

/// A redirect by `GET`, whatever the method was (RFC 9700 §4.12).
pub(super) fn redirect(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// To the sign-in page, for a user whose session has ended in between.
pub(super) fn again(server: &AuthorizationServer, checked: &CheckedRequest) -> Response {
    let base = server.config().base_path();
    redirect(&format!("{base}/authorize?{}", checked.text))
}

/// Whether the one who asks is a program: it accepts JSON, and no page.
fn is_program(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let types: Vec<&str> = accept.flat_map(|text| text.split(',')).map(media_type).collect();
    types.contains(&"application/json") && !types.contains(&"text/html")
}

fn media_type(item: &str) -> &str {
    item.split(';').next().unwrap_or_default().trim()
}

/// The answer to a request that cannot be shown to a user.
pub(crate) fn refuse(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    error: CheckError,
) -> Response {
    match error {
        CheckError::Redirected(error) => redirect(&error.location(&server.config().issuer)),
        CheckError::Unavailable(fault) if is_program(headers) => fault.into_response(),
        CheckError::Unavailable(fault) => unavailable(server, fault),
        CheckError::Client(..) if is_program(headers) => {
            let text = "the client is unknown: register it again";
            let error = OAuthError::new(ErrorCode::InvalidClient, text);
            respond::json(StatusCode::BAD_REQUEST, &error)
        }
        CheckError::Client(id, fault) => unknown_client(server, &id, fault.as_deref()),
        CheckError::Page(error) if is_program(headers) => {
            let error = OAuthError::new(ErrorCode::InvalidRequest, with_sources(&error));
            respond::json(StatusCode::BAD_REQUEST, &error)
        }
        CheckError::Page(error) => malformed(server, &error),
    }
}

fn with_sources(error: &PageError) -> String {
    let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}

// ---- what follows becomes the pages of `pages` ----

fn unknown_client(server: &AuthorizationServer, id: &ClientId, fault: Option<&str>) -> Response {
    let _ = server;
    let fault = fault.map(|fault| format!("<p>{}</p>", escape(fault))).unwrap_or_default();
    let text = format!(
        "<h1>Unknown program</h1><p>This server does not know the program with the client ID \
         <code>{}</code>.</p>{fault}<p>Delete what the program stored about this server, and \
         connect again.</p>",
        escape(id.as_str())
    );
    page(StatusCode::BAD_REQUEST, &text, None)
}

fn malformed(server: &AuthorizationServer, error: &PageError) -> Response {
    let _ = server;
    let text = format!("<h1>Malformed request</h1><p>{}</p>", escape(&with_sources(error)));
    page(StatusCode::BAD_REQUEST, &text, None)
}

/// Something is not there now.
pub(crate) fn unavailable(server: &AuthorizationServer, fault: Unavailable) -> Response {
    let _ = server;
    tracing::error!(fault = &fault as &dyn Error, "A page cannot be shown");
    page(StatusCode::SERVICE_UNAVAILABLE, "<h1>Try again shortly</h1>", None)
}

/// A form that is too old, or not of a page of ours in this browser.
pub(super) fn foreign_form(server: &AuthorizationServer) -> Response {
    let _ = server;
    page(StatusCode::FORBIDDEN, "<h1>The page has expired</h1><p>Start again.</p>", None)
}

/// The way back to the client: a redirect to a program on this computer, a page for others.
pub(super) fn onward(
    server: &AuthorizationServer,
    checked: &CheckedRequest,
    is_allowed: bool,
    location: &str,
) -> Response {
    let _ = (server, checked, is_allowed);
    redirect(location)
}

/// The sign-in page.
pub(super) fn sign_in(
    server: &AuthorizationServer,
    browser: &Browser,
    checked: &CheckedRequest,
) -> Response {
    let next = Next::Authorize(after_sign_in(&checked.text));
    let hint = checked.authorization.login_hint().unwrap_or_default();
    sign_in::page(server, browser, &next, hint, None)
}

/// The consent page.
pub(super) fn consent(
    server: &AuthorizationServer,
    checked: &CheckedRequest,
    user: &User,
    offer: &Offer,
    is_declined: bool,
    csrf: String,
) -> Response {
    let base = server.config().base_path();
    let mut text = format!(
        "<h1>Allow access?</h1><p>{} asks, for {}</p>",
        escape(checked.client.name().unwrap_or_default()),
        escape(user.subject().as_str())
    );
    if is_declined {
        text.push_str("<p>You declined</p>");
    } else if offer.is_narrowed() {
        text.push_str("<p>You did not allow all of this before</p>");
    }
    let _ = write!(
        text,
        "<form method=\"post\" action=\"{base}/authorize\">\
         <input type=\"hidden\" name=\"csrf\" value=\"{}\">\
         <input type=\"hidden\" name=\"request\" value=\"{}\">",
        escape(&csrf),
        escape(&checked.text)
    );
    for choice in &offer.choices {
        let checked = if choice.is_ticked { " checked" } else { "" };
        let scope = escape(choice.scope.as_str());
        let _ = write!(
            text,
            "<input type=\"checkbox\" name=\"scope:{scope}\" value=\"on\"{checked}> {scope}: {}",
            escape(&choice.about)
        );
        for action in &choice.opens {
            let _ = write!(text, " {}", escape(action.target().unwrap_or_default()));
        }
    }
    if offer.is_known() {
        text.push_str("<button name=\"decision\" value=\"continue\">Continue</button>");
    }
    for decision in ["allow", "read_only", "deny"] {
        let _ = write!(text, "<button name=\"decision\" value=\"{decision}\">{decision}</button>");
    }
    text.push_str("</form>");
    page(StatusCode::OK, &text, Some(checked.authorization.redirect_uri()))
}

fn page(status: StatusCode, text: &str, target: Option<&RedirectUri>) -> Response {
    let target = target.map(|uri| format!(" {uri}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self'{target}; frame-ancestors \
         'none'; base-uri 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, &policy),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, format!("<!doctype html>{text}")).into_response()
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
