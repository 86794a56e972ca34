//! `GET /sign-in` and `POST /sign-in`: a name, and a password or a one-time code.

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::{
    browser::{Browser, FormKind},
    check::{Verdict, check},
    finish::finish,
    next::Next,
    posted::Posted,
    view::{self, Fault},
};
use crate::{AuthorizationServer, respond::Unavailable};

/// The page on which a user signs in, to go on to `next`.
pub(crate) fn page(
    server: &AuthorizationServer,
    browser: &Browser,
    next: &Next,
    user: &str,
    fault: Option<Fault>,
) -> Response {
    let csrf = browser.form_token(server, FormKind::SignIn);
    browser.remember(server, view::sign_in(server, &csrf, next, user, fault))
}

/// `GET /sign-in`: for people who come by themselves.
pub(super) async fn get(
    State(server): State<AuthorizationServer>,
    headers: HeaderMap,
) -> Result<Response, Unavailable> {
    let browser = Browser::of(&server, &headers).await?;
    if browser.session.is_some() {
        return Ok(view::redirect(&Next::Account.location(server.config())));
    }
    Ok(page(&server, &browser, &Next::Account, "", None))
}

/// `POST /sign-in`
pub(super) async fn post(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    if !server.config().passwords {
        return Ok(view::not_found());
    }
    let Some(next) = posted.next() else { return Ok(view::unreadable()) };
    let user = posted.form.get("user").unwrap_or_default().trim();
    let again = |fault| Ok(page(&server, &posted.browser, &next, user, Some(fault)));
    if !posted.is_genuine(&server, FormKind::SignIn) {
        return again(Fault::Expired);
    }
    let secret = posted.form.get("secret").unwrap_or_default();
    match check(&server, &posted, user, secret).await? {
        Verdict::User(user, method) => {
            finish(&server, &posted.browser, &posted.headers, &user, method, &next).await
        }
        Verdict::Wrong => again(Fault::Wrong),
        Verdict::Wait(left) => again(Fault::TooMany(left.as_secs().max(1))),
        Verdict::Busy => again(Fault::Busy),
    }
}
