//! What the pages of this module show.

use std::time::Duration;

use axum::response::{Html, IntoResponse, Response};
use directory::UserName;
use http::{HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};

use super::{
    next::Next,
    one_time::{OneTimeCode, SignInLink},
};
use crate::AuthorizationServer;

/// What was wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Name and secret, or a code.
    Wrong,
    /// The form was open for too long, or is of another browser.
    Expired,
    /// Too many attempts: for how many seconds to wait.
    TooMany(u64),
    /// Too much is asked of this node.
    Busy,
}

impl Fault {
    /// The status of a page that shows it: the same whatever was wrong with name and secret.
    fn status(self) -> StatusCode {
        match self {
            Self::Wrong | Self::Expired => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Wrong => {
                "Name and secret do not match. After many attempts wait for a while, or ask for a \
                 one-time code."
                    .to_owned()
            }
            Self::Expired => "The page was open for too long, or cookies are off.".to_owned(),
            Self::TooMany(seconds) => format!("Too many attempts. Try again in {seconds} s."),
            Self::Busy => "The server is busy. Try again.".to_owned(),
        }
    }
}

fn page(status: StatusCode, body: &str) -> Response {
    let mut response = (status, Html(format!("<!doctype html>{body}"))).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

fn form(server: &AuthorizationServer, path: &str, hidden: &[(&str, &str)], rest: &str) -> String {
    let base = server.config().base_path();
    let hidden: String = hidden
        .iter()
        .map(|(name, value)| format!("<input type=hidden name={name} value=\"{}\">", escape(value)))
        .collect();
    format!("<form method=post action=\"{base}{path}\">{hidden}{rest}<button>Go on</button></form>")
}

/// See other (RFC 9110 §15.4.4): the next request is a `GET`.
pub(super) fn redirect(location: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // A location is made of our path and characters of a query.
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

pub(super) fn sign_in(
    server: &AuthorizationServer,
    csrf: &str,
    next: &Next,
    user: &str,
    fault: Option<Fault>,
) -> Response {
    let fields = format!(
        "<input name=user value=\"{}\" autocomplete=username><input name=secret type=password \
         autocomplete=current-password>",
        escape(user)
    );
    let request = next.to_field();
    let form = form(server, "/sign-in", &[("csrf", csrf), ("request", &request)], &fields);
    let text = fault.map(Fault::text).unwrap_or_default();
    page(fault.map_or(StatusCode::OK, Fault::status), &format!("<p>{text}</p>{form}"))
}

pub(super) fn second_step(
    server: &AuthorizationServer,
    csrf: &str,
    user: &UserName,
    step: &str,
    next: &Next,
    fault: Option<Fault>,
) -> Response {
    let request = next.to_field();
    let hidden = [("csrf", csrf), ("request", &request), ("step", step)];
    let fields = "<input name=code autocomplete=one-time-code>";
    let form = form(server, "/sign-in/second", &hidden, fields);
    let text = fault.map(Fault::text).unwrap_or_default();
    let user = escape(user.subject.as_str());
    page(fault.map_or(StatusCode::OK, Fault::status), &format!("<p>{user} {text}</p>{form}"))
}

pub(super) fn set_up(
    server: &AuthorizationServer,
    csrf: &str,
    step: &str,
    key: &SecretString,
    picture: Option<&SecretString>,
    next: &Next,
    is_wrong: bool,
) -> Response {
    let request = next.to_field();
    let hidden = [("csrf", csrf), ("request", &request), ("step", step)];
    let form = form(server, "/sign-in/second-factor", &hidden, "<input name=code>");
    let picture = picture.map(ExposeSecret::expose_secret).unwrap_or_default();
    let status = if is_wrong { StatusCode::FORBIDDEN } else { StatusCode::OK };
    page(status, &format!("{picture}<code>{}</code>{form}", key.expose_secret()))
}

pub(super) fn recovery_codes(
    server: &AuthorizationServer,
    user: &UserName,
    codes: &[OneTimeCode],
    next: &Next,
) -> Response {
    let codes: String =
        codes.iter().map(|code| format!("<li><code>{}</code>", code.expose())).collect();
    let (user, to) = (escape(user.subject.as_str()), escape(&next.location(server.config())));
    page(StatusCode::OK, &format!("<p>{user}<ul>{codes}</ul><a href=\"{to}\">Go on</a>"))
}

pub(super) fn link(server: &AuthorizationServer, csrf: &str, link: &SignInLink) -> Response {
    let hidden = [("csrf", csrf), ("request", "/account"), ("link", link.expose())];
    page(StatusCode::OK, &form(server, "/sign-in/link", &hidden, ""))
}

pub(super) fn signed_out(_: &AuthorizationServer) -> Response {
    page(StatusCode::OK, "<p>You are signed out.")
}

pub(super) fn used_link() -> Response {
    page(StatusCode::BAD_REQUEST, "<p>This link was used, or has expired.")
}

pub(super) fn expired() -> Response {
    page(StatusCode::FORBIDDEN, &format!("<p>{}", Fault::Expired.text()))
}

pub(super) fn refused() -> Response {
    page(StatusCode::FORBIDDEN, &format!("<p>{}", Fault::Wrong.text()))
}

pub(super) fn too_many(left: Duration) -> Response {
    let fault = Fault::TooMany(left.as_secs());
    page(fault.status(), &format!("<p>{}", fault.text()))
}

pub(super) fn busy() -> Response {
    page(Fault::Busy.status(), &format!("<p>{}", Fault::Busy.text()))
}

pub(super) fn unreadable() -> Response {
    page(StatusCode::BAD_REQUEST, "<p>The form cannot be read.")
}

pub(super) fn not_found() -> Response {
    page(StatusCode::NOT_FOUND, "<p>There is no such page.")
}
