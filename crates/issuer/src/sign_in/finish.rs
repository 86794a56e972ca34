//! From the first step to a session: the second step, where the user has one or needs one.

use axum::response::Response;
use directory::{
    User, UserName,
    authorization::{FirstProof, SignInMethod},
};
use http::HeaderMap;

use super::{
    browser::{Browser, FormKind},
    next::Next,
    second,
    step::{FirstStep, Kind},
    view,
};
use crate::{
    AuthorizationServer,
    respond::{self, Unavailable},
    users,
};

/// Goes on after the first step of `user` by `method`: to the second one, or to a session and
/// `next`. It is for every way of signing in.
pub(crate) async fn finish(
    server: &AuthorizationServer,
    browser: &Browser,
    headers: &HeaderMap,
    user: &User,
    method: FirstProof,
    next: &Next,
) -> Result<Response, Unavailable> {
    let name = UserName { issuer: user.issuer().clone(), subject: user.subject().clone() };
    let factor = server.store().second_factor(&name).await?;
    let step = FirstStep::new(server, name, method).await?;
    if factor.is_some_and(|factor| factor.is_confirmed) {
        let sealed = step.seal(server, browser, Kind::Second);
        let csrf = browser.form_token(server, FormKind::SignIn);
        let page = view::second_step(server, csrf, &step.user, sealed, next, None);
        return Ok(browser.remember(server, page));
    }
    if users::needs_second_factor(server, user) {
        return second::begin(server, browser, &step, next).await;
    }
    let onward = respond::redirect(&next.location(server.config()));
    let method = SignInMethod { first: step.method, second: None };
    browser.sign_in(server, headers, &step.user, method, onward).await
}
