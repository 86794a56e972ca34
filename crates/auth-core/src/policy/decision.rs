//! What came of asking: a permit that owns its action, or a denial that says what would be needed.

use std::{fmt, sync::Arc};

use super::Action;
use crate::{Principal, ScopeSet};

/// The answer of [`Policy::decide`](super::Policy::decide).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Yes.
    Permit(Permit),
    /// No.
    Deny(Denial),
}

/// The proof that one caller may do one action. Only a policy can make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    pub(super) principal: Option<Arc<Principal>>,
    pub(super) action: Action,
}

impl Permit {
    /// The caller; `None` if it sent no token: then the action is public.
    #[must_use]
    pub const fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.as_ref()
    }

    /// What they may.
    #[must_use]
    pub const fn action(&self) -> &Action {
        &self.action
    }
}

/// Why not, and what would be needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub(super) reason: DenialReason,
    pub(super) action: Action,
    pub(super) required: ScopeSet,
    pub(super) granted: ScopeSet,
}

/// Why an action is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialReason {
    /// The caller sent no token, and the action is not public.
    NoToken,
    /// No rule covers the action.
    NoRule,
    /// The token lacks a scope that its user may hold: a new token would help.
    MissingScope,
    /// The user may not hold what is needed: a new token would not help.
    BeyondCeiling,
}

impl Denial {
    /// Why.
    #[must_use]
    pub const fn reason(&self) -> DenialReason {
        self.reason
    }

    /// What was asked for.
    #[must_use]
    pub const fn action(&self) -> &Action {
        &self.action
    }

    /// All the scopes that the action needs, held or not.
    #[must_use]
    pub const fn required(&self) -> &ScopeSet {
        &self.required
    }

    /// The scopes in the token; none if there is no token.
    #[must_use]
    pub const fn granted(&self) -> &ScopeSet {
        &self.granted
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let required = named(&self.required);
        match self.reason {
            DenialReason::NoToken => f.write_str("this action needs a token"),
            DenialReason::NoRule => f.write_str("no rule permits this action to anyone"),
            DenialReason::MissingScope if self.granted.is_empty() => {
                write!(f, "this needs {required}; the token has none")
            }
            DenialReason::MissingScope => {
                write!(f, "this needs {required}; the token has {}", self.granted)
            }
            DenialReason::BeyondCeiling => {
                write!(
                    f,
                    "this needs {required}; the user's roles do not allow it, so a new token would not \
                     help"
                )
            }
        }
    }
}

fn named(scopes: &ScopeSet) -> String {
    format!("the scope{} {scopes}", if scopes.len() == 1 { "" } else { "s" })
}
