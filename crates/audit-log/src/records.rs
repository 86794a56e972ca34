//! What is recorded of an event of the guard.
//!
//! No token, no secret, and no value of an argument but those that the policy names. Texts that a
//! caller chose are bounded, and JSON escapes them.

use auth_core::{
    Principal,
    audit::{Change, Decision, Entry, Outcome as Recorded, What, Who},
};
use bartizan::{AuditEvent, AuthenticateError, InvalidTokenError, Outcome};

/// The longest reason, and the longest text of a change, in bytes.
const MAX_BYTES: usize = 512;

/// The record of an event; `None` for a step that is no decision.
pub(super) fn entry(event: &AuditEvent<'_>) -> Option<Entry> {
    let (outcome, reason, who) = match event.outcome {
        Outcome::Permitted => (Recorded::Permitted, None, None),
        Outcome::Denied(denial) => (Recorded::Denied, Some(denial.to_string()), None),
        Outcome::Unauthenticated(error) => {
            let (reason, who) = unauthenticated(error);
            (Recorded::Unauthenticated, Some(reason), who)
        }
        Outcome::Refused(_, reason) => (Recorded::Refused, Some(reason.to_string()), None),
        Outcome::StreamEnded(reason) => (Recorded::Ended, Some(reason.to_string()), None),
        Outcome::Panicked => {
            (Recorded::Failed, Some("a panic in the protected server".to_owned()), None)
        }
        Outcome::UnreadableList(_) => {
            let reason = "the protected server answered with a list that cannot be read";
            (Recorded::Failed, Some(reason.to_owned()), None)
        }
        // A step, and what later versions of the guard report.
        _ => return None,
    };
    Some(Entry::Decision(Box::new(Decision {
        outcome,
        reason: reason.map(bounded),
        who: event.principal.map(caller).or(who),
        what: What {
            resource: event.resource.as_str().to_owned(),
            method: event.action.map(|action| action.method().to_owned()),
            target: event.action.and_then(|action| action.target()).map(str::to_owned),
            arguments: event.details.arguments,
            values: event.details.values.clone(),
        },
        policy: event.policy.and_then(auth_core::Policy::source),
        request: event.request_id.to_string(),
        trace: event.details.trace.map(|trace| trace.to_string()),
        address: event.peer,
    })))
}

fn caller(principal: &Principal) -> Who {
    Who {
        issuer: principal.issuer().to_string(),
        subject: principal.subject().to_string(),
        client: principal.client_id().map(ToString::to_string),
        actors: principal.actors().to_vec(),
    }
}

/// Why a token or its user was not accepted, and whose token it was where its signature is right.
fn unauthenticated(error: &AuthenticateError) -> (String, Option<Who>) {
    let who = match error {
        AuthenticateError::RevokedToken { issuer, subject }
        | AuthenticateError::UnknownUser { issuer, subject, .. }
        | AuthenticateError::DisabledUser { issuer, subject, .. } => Some(Who {
            issuer: issuer.to_string(),
            subject: subject.to_string(),
            client: None,
            actors: Vec::new(),
        }),
        AuthenticateError::InvalidToken(_) | AuthenticateError::Unavailable(_) => None,
    };
    let reason = match error {
        AuthenticateError::InvalidToken(InvalidTokenError { fault, .. }) => fault.to_string(),
        other => other.to_string(),
    };
    (reason, who)
}

/// The record of a change.
pub(super) fn change(change: Change) -> Entry {
    let Change { by, command, object, issuer, detail } = change;
    let (by, command) = (bounded(by), bounded(command));
    let (object, detail) = (object.map(bounded), detail.map(bounded));
    let issuer = issuer.map(bounded);
    Entry::Change(Box::new(Change { by, command, object, issuer, detail }))
}

fn bounded(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_a_change_are_bounded() {
        let long = || "é".repeat(MAX_BYTES);
        let (object, detail) = (Some(long()), Some(long()));
        let (by, command, issuer) = (long(), long(), Some(long()));
        let entry = change(Change { by, command, object, issuer, detail });
        let Entry::Change(it) = entry else { panic!("{entry:?}") };
        for text in [Some(it.by), Some(it.command), it.object, it.issuer, it.detail] {
            assert_eq!(text.unwrap().len(), MAX_BYTES);
        }
    }

    #[test]
    fn a_text_is_cut_off_between_characters() {
        assert_eq!(bounded("short".into()), "short");
        let long = bounded("é".repeat(MAX_BYTES));
        assert_eq!(long.len(), MAX_BYTES);
        let odd = bounded(format!("a{}", "é".repeat(MAX_BYTES)));
        assert_eq!(odd.len(), MAX_BYTES - 1);
    }
}
