//! What a person sees when a sign-in does not go on, and what the log says.

use std::error::Error;

use auth_core::{
    display,
    openid::{CallbackError, NotAdmittedError, ProviderIdentity, ProviderRefusal},
};
use axum::response::Response;

use super::{fault::ProviderFault, provider::Provider};
use crate::{
    AuthorizationServer,
    pages::{
        self, ErrorPage, Label, Onward, OnwardPage, Page, ProviderProblem, ProviderProblemPage,
    },
    sign_in::Next,
};

/// Why a sign-in does not go on.
#[derive(Debug)]
pub(super) enum Problem {
    /// There is no provider of this name.
    NoSuchProvider,
    /// The form is too old, or not of our sign-in page in this browser.
    Form,
    /// The request is too long to be carried.
    TooLong,
    /// The answer belongs to no sign-in of this browser: it is too old, was used, or began in
    /// another browser.
    Over,
    /// The provider's answer in the browser.
    Callback(CallbackError),
    /// The provider cannot be asked, or what it says cannot be used.
    Fault(ProviderFault),
    /// The rules do not admit the user.
    NotAdmitted(NotAdmittedError),
    /// The user is not here.
    Unknown(ProviderIdentity),
    /// The user is disabled.
    Disabled(ProviderIdentity),
}

/// The page.
pub(super) fn page(
    server: &AuthorizationServer,
    provider: Option<&Provider>,
    problem: &Problem,
    next: Option<&Next>,
) -> Response {
    log(provider.map_or("?", |provider| provider.config.name.as_str()), problem);
    let frame = server.frame();
    let shown = match problem {
        Problem::NoSuchProvider => {
            return ErrorPage { frame, problem: pages::Problem::NotFound }.response();
        }
        Problem::Form => return ErrorPage { frame, problem: pages::Problem::Expired }.response(),
        Problem::TooLong => ProviderProblem::TooLong,
        Problem::Over => ProviderProblem::Over,
        Problem::Callback(CallbackError::Refused { refusal, .. }) => match refusal {
            ProviderRefusal::Denied => ProviderProblem::Denied,
            ProviderRefusal::Unavailable => ProviderProblem::Unavailable,
            ProviderRefusal::Other => ProviderProblem::Unconfirmed,
        },
        Problem::Fault(fault) if fault.is_temporary() => ProviderProblem::Unavailable,
        Problem::Callback(_) | Problem::Fault(_) => ProviderProblem::Unconfirmed,
        Problem::NotAdmitted(_) => ProviderProblem::NotAdmitted,
        Problem::Unknown(_) => ProviderProblem::NoAccount,
        Problem::Disabled(_) => ProviderProblem::Disabled,
    };
    let user = match problem {
        Problem::Unknown(identity) | Problem::Disabled(identity) => {
            Some(Label::long(identity.local_subject().as_str()))
        }
        _ => None,
    };
    let page = ProviderProblemPage {
        frame,
        provider: provider.map(label).unwrap_or_default(),
        problem: shown,
        user,
        back: next.map(|next| next.location(server.config())),
    };
    page.response()
}

/// The page that leads on to the provider.
pub(super) fn onward(server: &AuthorizationServer, provider: &Provider, url: String) -> Response {
    let to = Onward::Provider(label(provider));
    OnwardPage { frame: server.frame(), to, url }.response()
}

fn label(provider: &Provider) -> Label {
    Label::name(&provider.config.label)
}

/// What the operator needs. Nothing of it is a secret.
fn log(provider: &str, problem: &Problem) {
    let fault: &dyn Error = match problem {
        Problem::NoSuchProvider | Problem::Form | Problem::TooLong | Problem::Over => {
            tracing::debug!(provider, ?problem, "A sign-in through a provider did not go on");
            return;
        }
        Problem::Unknown(identity) | Problem::Disabled(identity) => {
            let subject = display::escape(identity.local_subject().as_str());
            let reason = match problem {
                Problem::Unknown(_) => "not a user here, and none is added",
                _ => "disabled",
            };
            tracing::warn!(provider, %subject, reason, "A user of a provider was refused");
            return;
        }
        Problem::NotAdmitted(fault) => {
            tracing::warn!(
                provider,
                fault = fault as &dyn Error,
                "A user of a provider was refused"
            );
            return;
        }
        Problem::Callback(fault) => fault,
        Problem::Fault(fault) => fault,
    };
    tracing::warn!(provider, fault, "A sign-in through a provider failed");
}
