//! The log: what the operator reads. Each step that was passed, and the one that was not, with its
//! reason.
//!
//! Never written here: tokens, secrets, the `Authorization` header, arguments of tools. Strings
//! that callers chose (actions, subjects) are escaped, so that they cannot forge a line.
//!
//! Decisions have the target `bartizan::audit`, which a log should not drop. Those that anyone can
//! cause without a valid token have targets of their own, so that a log can bound them:
//! `bartizan::audit::no_token` and `bartizan::audit::invalid_token`. The steps before a decision
//! have the target `bartizan::request`.

use std::error::Error;

use auth_core::{Ceiling, Denial, DenialReason, Issuer, Principal};

use super::event::{AuditEvent, Observer, Outcome, RefusalKind};
use crate::{AuthenticateError, InvalidTokenError, RequestId, request::origin::OriginFacts};

/// The target of decisions about callers whose token is valid.
const AUDIT: &str = "bartizan::audit";
/// The target of steps that are no decision.
const REQUEST: &str = "bartizan::request";
/// The target of decisions about callers without a token.
const NO_TOKEN: &str = "bartizan::audit::no_token";
/// The target of decisions about callers whose token is not accepted.
pub(crate) const INVALID_TOKEN: &str = "bartizan::audit::invalid_token";

/// Writes every event with [`tracing`].
#[derive(Debug, Clone, Copy, Default)]
pub struct LogObserver;

impl Observer for LogObserver {
    fn observe(&self, event: &AuditEvent<'_>) {
        let id = event.request_id;
        match event.outcome {
            Outcome::Authenticated => authenticated(id, event.principal),
            Outcome::Unauthenticated(error) => unauthenticated(event, error),
            Outcome::Refused(kind, reason) => refused(event, kind, reason),
            Outcome::Permitted => permitted(event),
            Outcome::Denied(denial) => denied(event, denial),
            Outcome::StreamEnded(reason) => {
                let subject = event.principal.map(|principal| principal.subject().as_str());
                tracing::warn!(
                    target: AUDIT, request_id = %id, subject, %reason, "-> Stream ended!"
                );
            }
            Outcome::Panicked => tracing::error!(
                target: AUDIT, request_id = %id, "-> Panic in the protected server!"
            ),
            Outcome::UnreadableList(reason) => tracing::error!(
                target: AUDIT, request_id = %id, reason, "-> Unreadable list from the server!"
            ),
            // The decision has a line.
            Outcome::Completed(_) => {}
        }
    }
}

/// Where it comes from, if the listener reports it: of callers who are not known by name.
fn address(event: &AuditEvent<'_>) -> Option<impl tracing::Value> {
    event.peer.map(tracing::field::display)
}

fn authenticated(id: RequestId, principal: Option<&Principal>) {
    let Some(principal) = principal else { return };
    let (subject, issuer) = (principal.subject().as_str(), principal.issuer().as_str());
    tracing::info!(target: REQUEST, request_id = %id, subject, issuer, "Valid token, proceeding...");
    // Without a directory there is no user whose existence could have been checked.
    if matches!(principal.ceiling(), Ceiling::Roles(_)) {
        tracing::info!(
            target: REQUEST, request_id = %id, subject, issuer, "User exists, proceeding..."
        );
    }
}

fn permitted(event: &AuditEvent<'_>) {
    let (id, Some(action)) = (event.request_id, event.action) else { return };
    let Some(principal) = event.principal else {
        tracing::info!(
            target: NO_TOKEN, request_id = %id, %action, "Public, proceeding without a token..."
        );
        return;
    };
    let subject = principal.subject().as_str();
    tracing::info!(
        target: AUDIT, request_id = %id, subject, %action, "User has required scope, proceeding..."
    );
}

fn denied(event: &AuditEvent<'_>, denial: &Denial) {
    let (id, address) = (event.request_id, address(event));
    let subject = event.principal.map(|principal| principal.subject().as_str());
    let (action, required, granted) = (denial.action(), denial.required(), denial.granted());
    match denial.reason() {
        DenialReason::MissingScope => tracing::warn!(
            target: AUDIT, request_id = %id, subject, %action, %required, %granted,
            reason = "the token lacks a scope", "-> Missing required scope!"
        ),
        DenialReason::BeyondCeiling => tracing::warn!(
            target: AUDIT, request_id = %id, subject, %action, %required, %granted,
            reason = "the user's roles do not allow it", "-> Missing required scope!"
        ),
        DenialReason::NoRule => tracing::warn!(
            target: AUDIT, request_id = %id, subject, %action,
            reason = "the policy has no rule for it", "-> No rule permits this action!"
        ),
        DenialReason::NoToken => tracing::warn!(
            target: NO_TOKEN, request_id = %id, address, %action,
            reason = %denial, "-> Missing Authorization header!"
        ),
    }
}

fn refused(event: &AuditEvent<'_>, kind: RefusalKind, reason: &dyn Error) {
    let (id, address) = (event.request_id, address(event));
    let what = match kind {
        RefusalKind::MissingToken => "-> Missing Authorization header!",
        RefusalKind::ForbiddenOrigin => "-> Forbidden host or origin!",
        RefusalKind::NotOwned => "-> Not this caller's!",
        RefusalKind::RateReached
        | RefusalKind::FailuresReached
        | RefusalKind::CallsReached
        | RefusalKind::StreamsReached
        | RefusalKind::MemoryReached => "-> Limit reached!",
        RefusalKind::Unrecordable => "-> Cannot be recorded!",
        RefusalKind::Malformed => "-> Malformed request!",
    };
    let facts = reason.source().and_then(|source| source.downcast_ref::<OriginFacts>());
    if let Some(OriginFacts { found, expected, remedy }) = facts {
        tracing::warn!(
            target: NO_TOKEN, request_id = %id, address, found, expected, remedy, %reason, "{what}"
        );
        return;
    }
    let action = event.action.map(tracing::field::display);
    if let Some(subject) = event.principal.map(|principal| principal.subject().as_str()) {
        tracing::warn!(target: AUDIT, request_id = %id, subject, action, %reason, "{what}");
    } else {
        tracing::warn!(target: NO_TOKEN, request_id = %id, address, action, %reason, "{what}");
    }
}

fn unauthenticated(event: &AuditEvent<'_>, error: &AuthenticateError) {
    let (id, address) = (event.request_id, address(event));
    match error {
        AuthenticateError::InvalidToken(InvalidTokenError { fault, issuer, facts }) => {
            let issuer = issuer.as_ref().map(Issuer::as_str);
            let facts = facts.as_ref();
            let found = facts.map(|facts| facts.found.as_str()).filter(|found| !found.is_empty());
            let expected = facts.map(|facts| facts.expected.as_str());
            tracing::warn!(
                target: INVALID_TOKEN, request_id = %id, address, issuer, found, expected,
                reason = %fault,
                "-> Invalid token!"
            );
        }
        AuthenticateError::RevokedToken { issuer, subject } => {
            let (subject, issuer) = (subject.as_str(), issuer.as_str());
            tracing::warn!(
                target: INVALID_TOKEN, request_id = %id, address, subject, issuer, reason = "revoked",
                "-> Invalid token!"
            );
        }
        AuthenticateError::UnknownUser { issuer, subject, remedy } => {
            let (subject, issuer) = (subject.as_str(), issuer.as_str());
            tracing::info!(
                target: REQUEST, request_id = %id, subject, issuer, "Valid token, proceeding..."
            );
            tracing::warn!(
                target: INVALID_TOKEN, request_id = %id, address, subject, issuer,
                reason = "not in the directory",
                remedy = remedy.as_deref(),
                "-> User does not exist!"
            );
        }
        AuthenticateError::DisabledUser { issuer, subject, remedy } => {
            let (subject, issuer) = (subject.as_str(), issuer.as_str());
            tracing::info!(
                target: REQUEST, request_id = %id, subject, issuer, "Valid token, proceeding..."
            );
            tracing::warn!(
                target: INVALID_TOKEN, request_id = %id, address, subject, issuer,
                reason = "disabled in the directory",
                remedy = remedy.as_deref(),
                "-> User is disabled!"
            );
        }
        AuthenticateError::Unavailable(source) => {
            let source: &(dyn Error + 'static) = source.as_ref();
            tracing::error!(
                target: INVALID_TOKEN, request_id = %id, reason = source,
                "-> Directory or issuer unavailable!"
            );
        }
    }
}
