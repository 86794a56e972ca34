//! What to do about a refusal: the one place where that is decided.

use auth_core::ScopeSet;

use crate::{Exit, failure::Failure, store::Entry};

/// The most sign-ins in one run.
const MAX_SIGN_INS: u32 = 3;
/// Why there is no further one.
const LIMIT: &str =
    "stopped: you signed in three times, and the server refuses it still. Once more would not help";
const ASKED_ALREADY: &str = "stopped: these scopes were just asked for, and the server refuses it still. Once more would \
     not help";
/// Why a new token is not followed by another one.
pub(super) const REFUSED_ALREADY: &str =
    "stopped: the server refuses the token that was just issued. `client explain` says more";

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Renew the stored token.
    Renew,
    /// Sign in; for these scopes, if it is for more of them.
    SignIn {
        /// The union of what there was and what is needed.
        wanted: Option<ScopeSet>,
    },
    /// Sign in, if the server names another issuer now.
    SignInElsewhere,
    /// Nothing, and say why.
    Stop(&'static str),
    /// Nothing: it is not about tokens, or the failure says it all.
    Fail,
}

/// What happened in this run.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// How often somebody signed in.
    pub(super) sign_ins: u32,
    /// What the last sign-in was for, or what it gave.
    pub(super) asked: ScopeSet,
    /// Whether the token was renewed since.
    pub(super) is_renewed: bool,
    /// Whether the issuer refused to renew it.
    pub(super) has_ended: bool,
    /// Whether a token was sent.
    pub(super) was_sent: bool,
}

/// Decides from what went wrong, the stored entry, and what happened before.
pub(super) fn next(failure: &Failure, entry: Option<&Entry>, past: &Past) -> Step {
    match failure.exit() {
        Exit::Unauthorized if past.sign_ins >= MAX_SIGN_INS => Step::Stop(LIMIT),
        Exit::Unauthorized if past.sign_ins > 0 => Step::SignInElsewhere,
        Exit::Unauthorized if past.was_sent && !past.is_renewed => Step::Renew,
        Exit::Unauthorized => Step::SignIn { wanted: None },
        Exit::Forbidden if failure.lacks_scope() => {
            let Some(required) = failure.required().filter(|required| !required.is_empty()) else {
                return Step::Fail;
            };
            if past.sign_ins >= MAX_SIGN_INS {
                Step::Stop(LIMIT)
            } else if past.sign_ins > 0 && past.asked.satisfies(required) {
                Step::Stop(ASKED_ALREADY)
            } else {
                let had = entry.map(Entry::scopes).unwrap_or_default();
                Step::SignIn { wanted: Some(had.union(required)) }
            }
        }
        _ => Step::Fail,
    }
}
