//! What to do about a refusal: the one place where that is decided.

use auth_core::ScopeSet;

use crate::{Exit, failure::Failure, store::Entry};

/// The most sign-ins in one run.
const MAX_SIGN_INS: u32 = 3;
/// Why there is no further one.
const LIMIT: &str =
    "stopped: after three sign-ins the server still refuses. Another one would not help";
const ALREADY_REQUESTED: &str = "stopped: these scopes were just requested, and the server still \
     refuses. Another sign-in would not help";
/// Why a new token is not followed by another one.
pub(super) const NEW_TOKEN_REFUSED: &str =
    "stopped: the server refuses the token that was just issued. `{client} explain` says more";

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Renew the stored token.
    Renew,
    /// Sign in; for these scopes, if it is for more of them.
    SignIn {
        /// The union of the scopes that there were and those that are needed.
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
#[derive(Debug, Default, Clone)]
pub(crate) struct History {
    /// How many sign-ins there were.
    pub(crate) sign_ins: u32,
    /// The scopes that the last sign-in was for, or gave.
    pub(super) requested: ScopeSet,
    /// Whether the token was renewed since.
    pub(super) is_renewed: bool,
    /// Whether the issuer refused to renew it.
    pub(super) has_ended: bool,
    /// Whether a token was sent.
    pub(crate) was_sent: bool,
}

/// Decides from the failure, the stored entry, and what happened before.
pub(super) fn next_action(failure: &Failure, entry: Option<&Entry>, history: &History) -> Action {
    match failure.exit() {
        Exit::Unauthorized if history.sign_ins >= MAX_SIGN_INS => Action::Stop(LIMIT),
        Exit::Unauthorized if history.sign_ins > 0 => Action::SignInElsewhere,
        Exit::Unauthorized if history.was_sent && !history.is_renewed => Action::Renew,
        Exit::Unauthorized => Action::SignIn { wanted: None },
        Exit::Forbidden if failure.lacks_scope() => {
            let Some(required) = failure.required().filter(|required| !required.is_empty()) else {
                return Action::Fail;
            };
            if history.sign_ins >= MAX_SIGN_INS {
                Action::Stop(LIMIT)
            } else if history.sign_ins > 0 && history.requested.satisfies(required) {
                Action::Stop(ALREADY_REQUESTED)
            } else {
                let had = entry.map(Entry::scopes).unwrap_or_default();
                Action::SignIn { wanted: Some(had.union(required)) }
            }
        }
        _ => Action::Fail,
    }
}
