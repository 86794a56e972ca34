//! The second step of signing in: a code of the second factor, or a recovery code; or, where the
//! user's role needs a second factor and there is none, setting one up.

use axum::{extract::State, response::Response};
use directory::authorization::{SecondProof, SignInMethod};
use secrecy::SecretString;

use super::{
    browser::{Browser, FormKind},
    factor,
    next::Next,
    posted::Posted,
    proof::{Confirmed, SecondStep, confirm_factor, use_second_factor},
    step::{FirstStep, Kind},
    view,
};
use crate::{
    AuthorizationServer,
    pages::{Problem, SecondStepError},
    respond::{self, Unavailable},
};

/// `POST /sign-in/second`
pub(super) async fn post(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    let Some((step, next)) = first_step(&server, &posted, Kind::Second).await? else {
        return Ok(posted.browser.remember(&server, view::problem(&server, Problem::Expired)));
    };
    let error = match use_second_factor(&server, &posted, &step.user).await? {
        SecondStep::Done(proof) => {
            let method = SignInMethod { first: step.method, second: Some(proof) };
            let onward = respond::redirect(&next.location(server.config()));
            let browser = &posted.browser;
            return browser.sign_in(&server, &posted.headers, &step.user, method, onward).await;
        }
        SecondStep::Wrong => SecondStepError::Wrong,
        SecondStep::TooMany(seconds) => SecondStepError::TooMany(seconds),
    };
    let sealed = posted.form.get("step").unwrap_or_default().to_owned();
    let csrf = posted.browser.form_token(&server, FormKind::SignIn);
    Ok(view::second_step(&server, csrf, &step.user, sealed, &next, Some(error)))
}

/// Begins a second factor, and shows its key.
pub(super) async fn begin(
    server: &AuthorizationServer,
    browser: &Browser,
    step: &FirstStep,
    next: &Next,
) -> Result<Response, Unavailable> {
    let key = factor::new_key()?;
    if !server.store().begin_second_factor(&step.user, &key).await? {
        // Another browser was faster, or the user is gone.
        return Ok(browser.remember(server, view::problem(server, Problem::Expired)));
    }
    Ok(browser.remember(server, set_up_page(server, browser, step, &key, next, false)))
}

/// The first code of a second factor that the user needs in order to sign in.
pub(crate) async fn confirm_required(
    server: &AuthorizationServer,
    posted: &Posted,
) -> Result<Response, Unavailable> {
    let expired = || posted.browser.remember(server, view::problem(server, Problem::Expired));
    let Some((step, next)) = first_step(server, posted, Kind::SetUp).await? else {
        return Ok(expired());
    };
    let code = posted.form.get("code").unwrap_or_default();
    match confirm_factor(server, posted, &step.user, code).await? {
        Confirmed::Codes(codes) => {
            let method = SignInMethod { first: step.method, second: Some(SecondProof::Totp) };
            let page = view::recovery_codes(server, &step.user, &codes, &next);
            posted.browser.sign_in(server, &posted.headers, &step.user, method, page).await
        }
        Confirmed::Wrong(key) => Ok(set_up_page(server, &posted.browser, &step, &key, &next, true)),
        Confirmed::Nothing => Ok(expired()),
    }
}

/// Who has done the first step, and where they go, if the form is of this browser.
async fn first_step(
    server: &AuthorizationServer,
    posted: &Posted,
    kind: Kind,
) -> Result<Option<(FirstStep, Next)>, Unavailable> {
    let (Some(sealed), Some(next)) = (posted.form.get("step"), posted.next()) else {
        return Ok(None);
    };
    if !posted.is_genuine(server, FormKind::SignIn) {
        return Ok(None);
    }
    let step = FirstStep::open(server, &posted.browser, kind, sealed).await?;
    Ok(step.map(|step| (step, next)))
}

fn set_up_page(
    server: &AuthorizationServer,
    browser: &Browser,
    step: &FirstStep,
    key: &SecretString,
    next: &Next,
    is_wrong: bool,
) -> Response {
    let sealed = step.seal(server, browser, Kind::SetUp);
    let key = factor::shown(server, browser, &step.user, key);
    let csrf = browser.form_token(server, FormKind::SignIn);
    view::set_up(server, csrf, sealed, &key, next, is_wrong)
}
