//! The second step of signing in: a code of the second factor, or a recovery code; or, where the
//! user's role needs a second factor and there is none, setting one up.

use axum::{extract::State, response::Response};
use directory::authorization::SecondFactor;
use secrecy::SecretString;

use super::{
    browser::{Browser, FormKind},
    factor, known,
    next::Next,
    one_time::OneTimeCode,
    posted::Posted,
    step::{FirstStep, Kind},
    throttle::Attempt,
    totp, view,
};
use crate::{AuthorizationServer, respond::Unavailable};

/// `POST /sign-in/second`
pub(super) async fn post(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    let Some((step, next)) = first_step(&server, &posted, Kind::Second) else {
        return Ok(posted.browser.remember(&server, view::expired()));
    };
    let proof = use_proof(&server, &posted, &step).await?;
    let Some(proof) = proof else {
        let sealed = posted.form.get("step").unwrap_or_default();
        let fault = Some(view::Fault::Wrong);
        let csrf = posted.browser.form_token(&server, FormKind::SignIn);
        let page = view::second_step(&server, &csrf, &step.user, sealed, &next, fault);
        return Ok(page);
    };
    let method = format!("{}+{proof}", step.method);
    let onward = view::redirect(&next.location(server.config()));
    posted.browser.sign_in(&server, &posted.headers, &step.user, &method, onward).await
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
        return Ok(browser.remember(server, view::refused()));
    }
    Ok(browser.remember(server, set_up_page(server, browser, step, &key, next, false)))
}

/// `POST /sign-in/second-factor`: the first code of a second factor that the user needs.
pub(super) async fn confirm(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    let Some((step, next)) = first_step(&server, &posted, Kind::SetUp) else {
        return Ok(posted.browser.remember(&server, view::expired()));
    };
    let code = posted.form.get("code").unwrap_or_default();
    let factor = server.store().second_factor(&step.user).await?;
    let Some(factor) = factor.filter(|factor| !factor.is_confirmed) else {
        return Ok(view::expired());
    };
    let key = &factor.secret;
    let counted = count(&server, &posted, &step).await?;
    let found = totp::step_of(key, code, server.now()).filter(|_| counted.is_some());
    let Some(found) = found else {
        return Ok(set_up_page(&server, &posted.browser, &step, key, &next, true));
    };
    let (codes, digests) = factor::recovery_codes()?;
    if !server.store().confirm_second_factor(&step.user, found, &digests).await? {
        return Ok(view::expired());
    }
    if let Some(counted) = counted {
        server.store().clear_attempts(&counted).await?;
    }
    let method = format!("{}+totp", step.method);
    let page = view::recovery_codes(&server, &step.user, &codes, &next);
    posted.browser.sign_in(&server, &posted.headers, &step.user, &method, page).await
}

/// Who has done the first step, and where they go, if the form is of this browser.
fn first_step(
    server: &AuthorizationServer,
    posted: &Posted,
    kind: Kind,
) -> Option<(FirstStep, Next)> {
    let sealed = posted.form.get("step")?;
    let step = FirstStep::open(server, &posted.browser, kind, sealed)?;
    posted.is_genuine(server, FormKind::SignIn).then_some((step, posted.next()?))
}

/// Uses the code of the form: `totp` or `recovery` if it is one of the user's.
async fn use_proof(
    server: &AuthorizationServer,
    posted: &Posted,
    step: &FirstStep,
) -> Result<Option<&'static str>, Unavailable> {
    let Some(counted) = count(server, posted, step).await? else { return Ok(None) };
    let factor = server.store().second_factor(&step.user).await?;
    let Some(factor) = factor.filter(|factor| factor.is_confirmed) else { return Ok(None) };
    let used = use_code(server, step, &factor, posted).await?;
    if used.is_some() {
        server.store().clear_attempts(&counted).await?;
    }
    Ok(used)
}

async fn use_code(
    server: &AuthorizationServer,
    step: &FirstStep,
    factor: &SecondFactor,
    posted: &Posted,
) -> Result<Option<&'static str>, Unavailable> {
    let (store, user) = (server.store(), &step.user);
    let typed = posted.form.get("code").or(posted.form.get("recovery")).unwrap_or_default();
    if let Ok(code) = typed.parse::<OneTimeCode>() {
        let is_used = store.use_recovery_code(user, &code.recovery_digest()).await?;
        return Ok(is_used.then_some("recovery"));
    }
    match totp::step_of(&factor.secret, typed, server.now()) {
        Some(found) if store.use_step(user, found).await? => Ok(Some("totp")),
        _ => Ok(None),
    }
}

/// Counts an attempt of the user; its key, or `None` beyond the budget.
async fn count(
    server: &AuthorizationServer,
    posted: &Posted,
    step: &FirstStep,
) -> Result<Option<String>, Unavailable> {
    let known = known::budget(server, &posted.headers, &step.user);
    let attempt = Attempt::Second;
    let key = attempt.key(&step.user, known.as_deref());
    let counted = server.store().count_attempt(&key, attempt.window(), server.now()).await?;
    if counted.failures > attempt.limit() {
        tracing::warn!(address = %posted.address, "Too many second steps of one user");
        return Ok(None);
    }
    Ok(Some(key))
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
    let picture = factor::picture(server, key, step.user.subject.as_str());
    let csrf = browser.form_token(server, FormKind::SignIn);
    view::set_up(server, &csrf, &sealed, key, picture.as_ref(), next, is_wrong)
}
