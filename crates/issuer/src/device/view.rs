//! From what was found to the pages for devices.

use auth_core::oauth::UserCode;
use axum::response::Response;
use directory::User;

use super::waiting::Waiting;
use crate::{
    AuthorizationServer,
    authorize::scope_choices,
    pages::{
        Asker, Destination, DeviceCodeError, DeviceCodePage, DeviceConfirmPage, Done, DonePage,
        ErrorPage, Hidden, Label, Page, Problem, Proof,
    },
    respond::Unavailable,
    sign_in::{Browser, FormKind, Next},
};

/// The page for the code.
pub(super) fn code(
    server: &AuthorizationServer,
    browser: &Browser,
    code: Option<&UserCode>,
    error: Option<DeviceCodeError>,
) -> Response {
    let csrf = browser.form_token(server, FormKind::Device);
    let request = Next::Device(code.cloned()).to_field();
    let shown = code.map(ToString::to_string).unwrap_or_default();
    let page = DeviceCodePage {
        frame: server.frame(),
        form: Hidden { csrf, request },
        code: Label::name(&shown),
        error,
    };
    browser.remember(server, page.response())
}

/// The page for the decision.
pub(super) fn confirm(
    server: &AuthorizationServer,
    waiting: &Waiting,
    code: &UserCode,
    user: &User,
    csrf: String,
) -> Response {
    let request = Next::Device(Some(code.clone())).to_field();
    let page = DeviceConfirmPage {
        frame: server.frame(),
        form: Hidden { csrf, request },
        client: asker(waiting),
        user: Label::name(user.subject().as_str()),
        resource: Label::name(&waiting.resource),
        code: code.to_string(),
        scopes: scope_choices(&waiting.offer),
    };
    page.response()
}

/// The page after the decision.
pub(super) fn done(server: &AuthorizationServer, waiting: &Waiting, is_approved: bool) -> Response {
    let name = Label::name(waiting.client.name().unwrap_or_default());
    let done = if is_approved { Done::DeviceApproved(name) } else { Done::DeviceDenied(name) };
    DonePage { frame: server.frame(), done }.response()
}

/// A form that is too old, or not of a page of ours in this browser.
pub(super) fn expired(server: &AuthorizationServer) -> Response {
    ErrorPage { frame: server.frame(), problem: Problem::Expired }.response()
}

/// Something is not there now.
pub(super) fn unavailable(server: &AuthorizationServer, fault: &Unavailable) -> Response {
    let fault: &dyn std::error::Error = fault;
    tracing::error!(fault, "A page cannot be shown");
    ErrorPage { frame: server.frame(), problem: Problem::Unavailable }.response()
}

fn asker(waiting: &Waiting) -> Asker {
    let client = &waiting.client;
    let proof = match &client.document {
        Some(url) => Proof::Domain(Label::host(url.host())),
        None if client.is_operators => Proof::Operator,
        None => Proof::None,
    };
    let name = Label::name(client.name().unwrap_or_default());
    Asker { name, proof, destination: Destination::Device }
}
