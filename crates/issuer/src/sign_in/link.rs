//! `GET /sign-in/link` and `POST /sign-in/link`: a link that signs in once.
//!
//! Programs that scan mail open links. So opening one shows a page with a button, and pressing the
//! button uses it.

use axum::{extract::State, response::Response};
use directory::{Directory, authorization::FirstProof};
use http::{HeaderMap, Uri};

use super::{
    browser::{Browser, FormKind},
    finish::finish,
    next::Next,
    one_time::SignInLink,
    posted::Posted,
    throttle::Wait,
    view,
};
use crate::{AuthorizationServer, pages::Problem, respond::Unavailable};

/// `GET /sign-in/link?token=…`
pub(super) async fn get(
    State(server): State<AuthorizationServer>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Unavailable> {
    let token = uri.query().and_then(|query| query.strip_prefix("token="));
    let Some(link) = token.and_then(SignInLink::parse) else {
        return Ok(view::problem(&server, Problem::Link));
    };
    let Some(user) = server.store().find_link(&link.digest(), server.now()).await? else {
        return Ok(view::problem(&server, Problem::Link));
    };
    let browser = Browser::of(&server, &headers).await?;
    let csrf = browser.form_token(&server, FormKind::Link);
    Ok(browser.remember(&server, view::link(&server, csrf, &user, &link)))
}

/// `POST /sign-in/link`
pub(super) async fn post(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    if !posted.is_genuine(&server, FormKind::Link) {
        return Ok(posted.browser.remember(&server, view::problem(&server, Problem::Expired)));
    }
    let link = posted.form.get("link").and_then(SignInLink::parse);
    let Some(link) = link else { return Ok(view::problem(&server, Problem::Link)) };
    match server.sign_in().addresses.count(posted.address, server.now()) {
        Ok(()) => {}
        Err(Wait::Address(left)) => return Ok(view::too_many(&server, left)),
        Err(Wait::Node) => return Ok(view::problem(&server, Problem::Unavailable)),
    }
    let Some(name) = server.store().use_link(&link.digest(), server.now()).await? else {
        return Ok(view::problem(&server, Problem::Link));
    };
    server.sign_in().addresses.succeeded(posted.address);
    let user = server.users().find(&name.issuer, &name.subject).await?;
    let Some(user) = user.filter(|user| user.is_active()) else {
        return Ok(view::problem(&server, Problem::Link));
    };
    finish(&server, &posted.browser, &posted.headers, &user, FirstProof::Link, &Next::Account).await
}
