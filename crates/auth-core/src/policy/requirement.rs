//! What a rule asks for.

use std::{fmt, sync::Arc};

use super::RateLimit;
use crate::{Scope, ScopeSet};

/// All of one set, and at least one of the other (if that is not empty).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirement {
    pub(super) all: ScopeSet,
    pub(super) any: ScopeSet,
    pub(super) public: bool,
    pub(super) limit: Option<Arc<RateLimit>>,
}

impl Requirement {
    /// Every one of these is needed.
    #[must_use]
    pub const fn all(&self) -> &ScopeSet {
        &self.all
    }

    /// One of these is needed, unless there are none.
    #[must_use]
    pub const fn any(&self) -> &ScopeSet {
        &self.any
    }

    /// Whether no token is needed at all.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.public
    }

    /// How often each caller may do what the rule permits; `None` if there is no limit.
    #[must_use]
    pub fn limit(&self) -> Option<&RateLimit> {
        self.limit.as_deref()
    }

    /// The sets of scopes each of which is enough: `all` with each of `any`. One empty set if any
    /// signed-in user may.
    #[must_use]
    pub fn alternatives(&self) -> Vec<ScopeSet> {
        if self.any.is_empty() {
            return vec![self.all.clone()];
        }
        let with = |one: &Scope| self.all.iter().chain([one]).cloned().collect();
        self.any.iter().map(with).collect()
    }

    /// Every scope that the rule names.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.all.iter().chain(self.any.iter())
    }

    pub(super) fn is_met_by(&self, holds: impl Fn(&Scope) -> bool) -> bool {
        self.all.iter().all(&holds) && (self.any.is_empty() || self.any.iter().any(&holds))
    }

    /// The complete set to ask an issuer for (RFC 6750 §3.1): everything in `all`, and of `any` the
    /// first that the caller holds, else the first that the user may hold, else the first.
    pub(super) fn scopes_to_request(
        &self,
        holds: impl Fn(&Scope) -> bool,
        may_hold: impl Fn(&Scope) -> bool,
    ) -> ScopeSet {
        let mut scopes = self.all.clone();
        let held = self.any.iter().find(|scope| holds(scope));
        let choice = held.or_else(|| self.any.iter().find(|scope| may_hold(scope)));
        scopes.extend(choice.or_else(|| self.any.iter().next()).cloned());
        scopes
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |scopes: &ScopeSet, word: &str| {
            let names: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
            names.join(word)
        };
        match (self.public, self.all.is_empty(), self.any.is_empty()) {
            (true, _, _) => f.write_str("nothing, not even a token"),
            (_, true, true) => f.write_str("any signed-in user"),
            (_, false, true) => f.write_str(&list(&self.all, " and ")),
            (_, true, false) => f.write_str(&list(&self.any, " or ")),
            _ => write!(f, "{} and ({})", list(&self.all, " and "), list(&self.any, " or ")),
        }?;
        match self.limit() {
            Some(limit) => write!(f, ", at most {} for each caller", limit.rate),
            None => Ok(()),
        }
    }
}
