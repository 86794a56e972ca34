//! `GET /sign-in` and `POST /sign-in`: a name, and a password or a one-time code.

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::{
    browser::{Browser, FormKind},
    check::{Verdict, check},
    finish::finish,
    next::Next,
    page::{page, page_for_program},
    posted::Posted,
    view,
};
use crate::{
    AuthorizationServer, authorize,
    pages::{Asker, Problem, SignInError},
    respond::{self, Unavailable},
};

/// `GET /sign-in`: for people whom no program sends.
pub(super) async fn get(
    State(server): State<AuthorizationServer>,
    headers: HeaderMap,
) -> Result<Response, Unavailable> {
    let browser = Browser::of(&server, &headers).await?;
    if browser.session.is_some() {
        return Ok(respond::redirect(&Next::Account.location(server.config())));
    }
    Ok(page(&server, &browser, &Next::Account, "", None))
}

/// `POST /sign-in`
pub(super) async fn post(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    if !server.config().passwords {
        return Ok(view::problem(&server, Problem::NotFound));
    }
    let Some(next) = posted.next() else { return Ok(view::unreadable(&server)) };
    let user = posted.form.get("user").unwrap_or_default().trim();
    if !posted.is_genuine(&server, FormKind::SignIn) {
        return Ok(again(&server, &posted, &next, user, SignInError::Expired).await);
    }
    let secret = posted.form.get("secret").unwrap_or_default();
    let error = match check(&server, &posted, user, secret).await? {
        Verdict::User(user, method) => {
            let (browser, headers) = (&posted.browser, &posted.headers);
            return finish(&server, browser, headers, &user, method, &next).await;
        }
        Verdict::Wrong => SignInError::Wrong,
        Verdict::Wait(left) => SignInError::TooMany(left.as_secs().max(1)),
        Verdict::Busy => SignInError::Unavailable,
    };
    Ok(again(&server, &posted, &next, user, error).await)
}

/// The page once more. The request that is in it is checked anew, to say who asks.
async fn again(
    server: &AuthorizationServer,
    posted: &Posted,
    next: &Next,
    user: &str,
    error: SignInError,
) -> Response {
    let (browser, error) = (&posted.browser, Some(error));
    let Next::Authorize(query) = next else { return page(server, browser, next, user, error) };
    match authorize::check(server, posted.peer, query).await {
        Ok(checked) => page_for_program(server, browser, next, Asker::from(&checked), user, error),
        Err(error) => authorize::refuse(server, &posted.headers, error),
    }
}
