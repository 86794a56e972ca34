//! From what was found to a page or a redirect.

use std::error::Error;

use axum::response::Response;
use directory::User;

use auth_core::oauth::{RedirectTarget, RedirectUri};

use super::{CheckedRequest, Offer, scope_choices};
use crate::{
    AuthorizationServer,
    pages::{
        Asker, ConsentPage, ConsentReason, ErrorPage, Hidden, Label, Onward, OnwardPage, Page,
        Problem,
    },
    respond::{self, Unavailable},
};

/// The page for something that went wrong.
pub(super) fn problem(server: &AuthorizationServer, problem: Problem) -> Response {
    ErrorPage { frame: server.frame(), problem }.response()
}

/// Something is not there now.
pub(super) fn unavailable(server: &AuthorizationServer, fault: &Unavailable) -> Response {
    tracing::error!(fault = fault as &dyn Error, "A page cannot be shown");
    problem(server, Problem::Unavailable)
}

/// The way from the consent page back to the client: a redirect to a program on this computer, and
/// a page that leads on to a website or another program ([`OnwardPage`] says why).
pub(super) fn onward(
    server: &AuthorizationServer,
    checked: &CheckedRequest,
    to: Onward,
    location: String,
) -> Response {
    match checked.authorization.redirect_uri().target() {
        RedirectTarget::Loopback(_) => respond::redirect(&location),
        RedirectTarget::Web(_) | RedirectTarget::PrivateUse(_) => {
            OnwardPage { frame: server.frame(), to, url: location }.response()
        }
    }
}

/// The way back to the client with an error that no user has caused: the user decides.
pub(super) fn refused(
    server: &AuthorizationServer,
    uri: &RedirectUri,
    location: String,
) -> Response {
    let to = Onward::Refused(uri.into());
    OnwardPage { frame: server.frame(), to, url: location }.response()
}

/// The consent page.
pub(super) fn consent(
    server: &AuthorizationServer,
    checked: &CheckedRequest,
    user: &User,
    offer: &Offer,
    is_declined: bool,
    csrf: String,
) -> Response {
    let authorization = &checked.authorization;
    let name = match &**user.display_name() {
        "" => user.subject().as_str(),
        name => name,
    };
    let resource = server.config().resource(authorization.resource());
    let resource = resource.map(|resource| &*resource.name).filter(|name| !name.is_empty());
    let page = ConsentPage {
        frame: server.frame(),
        form: Hidden { csrf, request: checked.text.clone() },
        client: Asker::from(checked),
        user: Label::name(name),
        resource: Label::long(resource.unwrap_or(authorization.resource().as_str())),
        scopes: scope_choices(offer),
        reason: reason(offer, is_declined),
        target: authorization.redirect_uri().into(),
    };
    page.response()
}

fn reason(offer: &Offer, is_declined: bool) -> ConsentReason {
    if is_declined {
        ConsentReason::Declined
    } else if offer.is_known() {
        ConsentReason::Known
    } else if offer.is_moved() {
        ConsentReason::Moved
    } else if offer.is_narrowed() {
        ConsentReason::Narrowed
    } else if offer.is_grown() {
        ConsentReason::Grew
    } else {
        ConsentReason::First
    }
}
