//! The second factor of a user who is signed in.

use auth_core::display;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use super::{show, signed_in::SignedIn};
use crate::{
    AuthorizationServer, ChangeKind,
    pages::{Notice, Problem},
    respond::Unavailable,
    sign_in::{self, FormKind, Next, Posted, SecondStep, factor},
    users,
};

/// `POST /account/second-factor`: shows a new key. It counts once a code of it was typed.
pub(super) async fn begin(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    if !form.is_fresh(&server) {
        return Ok(form.sign_in_again(&server));
    }
    let key = factor::new_key()?;
    if !server.store().begin_second_factor(&form.session.begun.user, &key).await? {
        // There is a confirmed one.
        return show::after(&server, &form, Notice::Expired).await;
    }
    Ok(set_up_page(&server, &form, &key, false))
}

/// `POST /account/second-factor/confirm`: the first code, of a user who is signed in, or of one who
/// needs a second factor to do so.
pub(super) async fn confirm(
    State(server): State<AuthorizationServer>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    if posted.form.get("step").is_some() {
        return sign_in::confirm_required(&server, &posted).await;
    }
    let form = match SignedIn::of(&server, posted).await {
        Ok(form) => form,
        Err(response) => return Ok(response),
    };
    let user = &form.session.begun.user;
    let code = form.posted.form.get("code").unwrap_or_default();
    match sign_in::confirm_factor(&server, &form.posted, user, code).await? {
        sign_in::Confirmed::Codes(codes) => {
            Ok(sign_in::recovery_codes(&server, user, &codes, &Next::Account))
        }
        sign_in::Confirmed::Wrong(key) => Ok(set_up_page(&server, &form, &key, true)),
        sign_in::Confirmed::Nothing => show::after(&server, &form, Notice::Expired).await,
    }
}

/// `POST /account/second-factor/off`
pub(super) async fn turn_off(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    if users::needs_second_factor(&server, &form.user) {
        return Ok(sign_in::problem(&server, Problem::NotFound));
    }
    if let Err(notice) = prove(&server, &form).await? {
        return show::after(&server, &form, notice).await;
    }
    let user = &form.session.begun.user;
    // First, so that none is left if the second fails: the user can do it again.
    form.end_other_sessions(&server).await?;
    server.store().remove_second_factor(user).await?;
    let subject = display::escape(user.subject.as_str());
    tracing::info!(%subject, "A user has turned the second factor off");
    server.changed_account(user, ChangeKind::SecondFactorRemoved, None);
    show::after(&server, &form, Notice::SecondFactorOff).await
}

/// `POST /account/recovery-codes`
pub(super) async fn new_codes(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    if let Err(notice) = prove(&server, &form).await? {
        return show::after(&server, &form, notice).await;
    }
    let user = &form.session.begun.user;
    let (codes, digests) = factor::recovery_codes()?;
    if !server.store().replace_recovery_codes(user, &digests).await? {
        return show::after(&server, &form, Notice::Expired).await;
    }
    server.changed_account(user, ChangeKind::RecoveryCodesRenewed, None);
    Ok(sign_in::recovery_codes(&server, user, &codes, &Next::Account))
}

/// Uses the code of the form; what the page says if it is none of the user's.
async fn prove(
    server: &AuthorizationServer,
    form: &SignedIn,
) -> Result<Result<(), Notice>, Unavailable> {
    let user = &form.session.begun.user;
    Ok(match sign_in::use_second_factor(server, &form.posted, user).await? {
        SecondStep::Done(_) => Ok(()),
        SecondStep::Wrong => Err(Notice::WrongCode),
        SecondStep::TooMany(seconds) => Err(Notice::TooMany(seconds)),
    })
}

fn set_up_page(
    server: &AuthorizationServer,
    form: &SignedIn,
    key: &secrecy::SecretString,
    is_wrong: bool,
) -> Response {
    let csrf = form.posted.browser.form_token(server, FormKind::Account);
    let key = factor::shown(server, &form.posted.browser, &form.session.begun.user, key);
    sign_in::set_up(server, csrf, String::new(), &key, &Next::Account, is_wrong).into_response()
}
