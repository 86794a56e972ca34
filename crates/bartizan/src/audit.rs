//! What the operator reads: each step that was passed, and the one that was not, with its reason.
//!
//! Never written here: tokens, secrets, the `Authorization` header, arguments of tools. Texts that
//! callers chose (actions, subjects) are shown so that they cannot forge a line.
//!
//! What is decided about a request has the target `bartizan::audit`, and is for a log that keeps it as long as it can. Of
//! these, what anybody may cause without a good token has targets of its own, so that a log can bound it:
//! `bartizan::audit::no_token` and `bartizan::audit::invalid_token`. The steps on the way to a decision have
//! the target `bartizan::request`.

use std::error::Error;

use auth_core::{Ceiling, Denial, DenialReason, Issuer, Owner, Permit, Principal};

use crate::{
    AuthenticateError, InvalidToken, RequestId, request::body::BodyFault, response::Refusal,
};

/// The target of what is no decision.
const REQUEST: &str = "bartizan::request";
/// The targets of decisions about callers who show no token, and about those who show one with which they are
/// not let in.
const NO_TOKEN: &str = "bartizan::audit::no_token";
pub(crate) const INVALID_TOKEN: &str = "bartizan::audit::invalid_token";

pub(crate) fn authenticated(id: RequestId, principal: &Principal) {
    let (subject, issuer) = (principal.subject().as_str(), principal.issuer().as_str());
    tracing::info!(target: REQUEST, request_id = %id, subject, issuer, "Valid token, proceeding...");
    // Without a directory there is no user whose existence could have been checked.
    if matches!(principal.ceiling(), Ceiling::Roles(_)) {
        tracing::info!(
            target: REQUEST, request_id = %id, subject, issuer, "User exists, proceeding..."
        );
    }
}

pub(crate) fn permitted(id: RequestId, permit: &Permit) {
    let action = permit.action();
    let Some(principal) = permit.principal() else {
        tracing::info!(
            target: NO_TOKEN, request_id = %id, %action, "Public, proceeding without a token..."
        );
        return;
    };
    let subject = principal.subject().as_str();
    tracing::info!(request_id = %id, subject, %action, "User has required scope, proceeding...");
}

pub(crate) fn denied(id: RequestId, principal: &Principal, denial: &Denial) {
    let subject = principal.subject().as_str();
    let (action, required, granted) = (denial.action(), denial.required(), denial.granted());
    match denial.reason() {
        DenialReason::MissingScope => tracing::warn!(
            request_id = %id, subject, %action, %required, %granted,
            reason = "the token lacks a scope", "-> Missing required scope!"
        ),
        DenialReason::BeyondCeiling => tracing::warn!(
            request_id = %id, subject, %action, %required, %granted,
            reason = "the user's roles do not allow it", "-> Missing required scope!"
        ),
        DenialReason::NoRule | DenialReason::NoToken => tracing::warn!(
            request_id = %id, subject, %action,
            reason = "the policy has no rule for it", "-> No rule permits this action!"
        ),
    }
}

/// A stream was ended because its caller may no longer have it.
pub(crate) fn ended(id: RequestId, owner: &Owner, reason: &dyn std::fmt::Display) {
    let subject = match owner {
        Owner::Anonymous => None,
        Owner::Principal { subject, .. } => Some(subject.as_str()),
    };
    tracing::warn!(request_id = %id, subject, %reason, "-> Stream ended!");
}

/// The server behind panicked. Where is for its panic hook.
pub(crate) fn panicked(id: RequestId) {
    tracing::error!(request_id = %id, "-> Panic in the protected server!");
}

/// A list could not be read, and so not be filtered.
pub(crate) fn unreadable_list(id: RequestId, reason: &(dyn Error + 'static)) {
    tracing::error!(request_id = %id, reason, "-> Unreadable list from the server!");
}

/// `is_known` says whether the caller has shown a good token.
pub(crate) fn refused(id: RequestId, refusal: &Refusal, is_known: bool) {
    let what = match refusal {
        Refusal::Authenticate(fault) => return unauthenticated(id, fault),
        Refusal::NoToken => "-> Missing Authorization header!",
        Refusal::Origin(_) => "-> Forbidden host or origin!",
        Refusal::Seal(..) | Refusal::UnknownTask(..) | Refusal::NeedsTasks(..) => {
            "-> Not this caller's!"
        }
        Refusal::Body(BodyFault::NoMemory(_)) | Refusal::TooManyStreams(_) => "-> Limit reached!",
        _ => "-> Malformed request!",
    };
    if is_known {
        tracing::warn!(request_id = %id, reason = %refusal, "{what}");
    } else {
        tracing::warn!(target: NO_TOKEN, request_id = %id, reason = %refusal, "{what}");
    }
}

fn unauthenticated(id: RequestId, fault: &AuthenticateError) {
    match fault {
        AuthenticateError::InvalidToken(InvalidToken { fault, issuer, facts }) => {
            let issuer = issuer.as_ref().map(Issuer::as_str);
            let facts = facts.as_ref();
            let found = facts.map(|facts| facts.found.as_str()).filter(|found| !found.is_empty());
            let expected = facts.map(|facts| facts.expected.as_str());
            tracing::warn!(
                target: INVALID_TOKEN, request_id = %id, issuer, found, expected, reason = %fault,
                "-> Invalid token!"
            );
        }
        AuthenticateError::RevokedToken { issuer, subject } => {
            let (subject, issuer) = (subject.as_str(), issuer.as_str());
            tracing::warn!(
                target: INVALID_TOKEN, request_id = %id, subject, issuer, reason = "revoked",
                "-> Invalid token!"
            );
        }
        AuthenticateError::UnknownUser { issuer, subject, remedy } => {
            let (subject, issuer) = (subject.as_str(), issuer.as_str());
            tracing::info!(
                target: REQUEST, request_id = %id, subject, issuer, "Valid token, proceeding..."
            );
            tracing::warn!(
                target: INVALID_TOKEN, request_id = %id, subject, issuer, reason = "not in the directory",
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
                target: INVALID_TOKEN, request_id = %id, subject, issuer, reason = "disabled in the directory",
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
