//! From what was found to a page.

use std::time::Duration;

use axum::response::Response;
use base64::{Engine, engine::general_purpose::STANDARD};
use directory::UserName;
use secrecy::ExposeSecret;

use super::{
    new_key::NewKey,
    next::Next,
    one_time::{OneTimeCode, SignInLink},
};
use crate::{
    AuthorizationServer,
    pages::{
        Done, DonePage, ErrorPage, Hidden, Label, Page, Problem, Purpose, RecoveryCodesPage,
        SecondStepError, SecondStepPage, SetUpPage, SignInError, SignInLinkPage, SignInPage,
    },
};

/// The page for something that went wrong.
pub(crate) fn problem(server: &AuthorizationServer, problem: Problem) -> Response {
    ErrorPage { frame: server.frame(), problem }.response()
}

pub(super) fn sign_in(
    server: &AuthorizationServer,
    csrf: String,
    next: &Next,
    purpose: Purpose,
    user: &str,
    error: Option<SignInError>,
) -> Response {
    let page = SignInPage {
        frame: server.frame(),
        form: hidden(csrf, next),
        purpose,
        providers: server.config().providers.buttons(),
        passwords: server.config().passwords,
        user: Label::long(user),
        error,
    };
    page.response()
}

pub(super) fn second_step(
    server: &AuthorizationServer,
    csrf: String,
    user: &UserName,
    step: String,
    next: &Next,
    error: Option<SecondStepError>,
) -> Response {
    let (form, user) = (hidden(csrf, next), Label::long(user.subject.as_str()));
    SecondStepPage { frame: server.frame(), form, step, user, error }.response()
}

pub(crate) fn set_up(
    server: &AuthorizationServer,
    csrf: String,
    step: String,
    key: &NewKey,
    next: &Next,
    is_wrong: bool,
) -> Response {
    let picture = STANDARD.encode(key.picture.expose_secret());
    let page = SetUpPage {
        frame: server.frame(),
        form: hidden(csrf, next),
        step,
        picture: format!("data:image/svg+xml;base64,{picture}"),
        key_proof: key.proof.clone(),
        key: key.key.expose_secret().to_owned(),
        is_wrong,
    };
    page.response()
}

pub(crate) fn recovery_codes(
    server: &AuthorizationServer,
    user: &UserName,
    codes: &[OneTimeCode],
    next: &Next,
) -> Response {
    let page = RecoveryCodesPage {
        frame: server.frame(),
        user: Label::long(user.subject.as_str()),
        codes: codes.iter().map(|code| code.expose().to_owned()).collect(),
        next: next.location(server.config()),
    };
    page.response()
}

pub(super) fn link(
    server: &AuthorizationServer,
    csrf: String,
    user: &UserName,
    link: &SignInLink,
) -> Response {
    let page = SignInLinkPage {
        frame: server.frame(),
        form: hidden(csrf, &Next::Account),
        user: Label::long(user.subject.as_str()),
        code: link.expose().to_owned(),
    };
    page.response()
}

pub(super) fn signed_out(server: &AuthorizationServer) -> Response {
    DonePage { frame: server.frame(), done: Done::SignedOut }.response()
}

pub(super) fn too_many(server: &AuthorizationServer, left: Duration) -> Response {
    problem(server, Problem::TooMany(left.as_secs().max(1)))
}

/// A form that is not one of ours.
pub(super) fn unreadable(server: &AuthorizationServer) -> Response {
    let message = Label::long("the form cannot be read");
    problem(server, Problem::Request { name: Label::default(), message })
}

fn hidden(csrf: String, next: &Next) -> Hidden {
    Hidden { csrf, request: next.to_field() }
}
