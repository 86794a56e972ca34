//! From a page to a response: the headers.
//!
//! | header | value | why |
//! |---|---|---|
//! | `Content-Security-Policy` | nothing but the style sheet and forms to us | markup that got in does nothing |
//! | `X-Frame-Options` | `DENY` | as `frame-ancestors`, for old browsers |
//! | `Referrer-Policy` | `no-referrer` | addresses of pages have requests in them |
//! | `Cache-Control` | `no-store` | pages have tokens in them |
//! | `X-Content-Type-Options` | `nosniff` | a page is HTML and nothing else |
//! | `Cross-Origin-Opener-Policy` | `same-origin` | on pages for the account only |
//!
//! A page of the authorization flow keeps its opener: web applications open it in a window and wait
//! for a message from their redirect URI, which a separated window could not send.

use std::borrow::Cow;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

use super::FormTarget;

/// `Cross-Origin-Opener-Policy` (HTML Living Standard, "Cross-origin opener policies").
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A page.
pub trait Page: Template {
    /// Its heading, which is also the title of the document.
    fn heading(&self) -> Cow<'static, str>;

    /// The status of the response.
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }

    /// Where a form may lead, beside this server.
    fn form_target(&self) -> Option<&FormTarget> {
        None
    }

    /// Whether it shows a picture, which is in the page itself.
    fn has_picture(&self) -> bool {
        false
    }

    /// Whether the window that opened this one may go on to see it.
    fn keeps_opener(&self) -> bool {
        true
    }

    /// In how many seconds the person may try again.
    fn retry_after(&self) -> Option<u64> {
        None
    }

    /// The response with this page.
    fn response(&self) -> Response {
        let Ok(html) = self.render() else {
            tracing::error!("A page cannot be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = (self.status(), Html(html)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy(self.form_target(), self.has_picture()));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if !self.keeps_opener() {
            headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn policy(target: Option<&FormTarget>, has_picture: bool) -> HeaderValue {
    let picture = if has_picture { " img-src data:;" } else { "" };
    let target = target.map(|target| format!(" {target}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self';{picture} form-action 'self'{target}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    // A redirect URI is ASCII; what is not may not be redirected to.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'",
    ))
}
