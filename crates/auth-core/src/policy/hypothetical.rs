//! What would be decided about a hypothetical caller: for tables, comparisons and tests of
//! a policy. The answer is that of [`Policy::decide`], without a permit in it.

use std::{collections::BTreeSet, sync::Arc};

use super::{Action, Decision, DenialReason, Policy, Query};
use crate::{Ceiling, Principal, RoleName, ScopeSet};

/// A caller with these scopes and roles in the token, within this ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hypothetical {
    /// The scopes in the token.
    pub scopes: ScopeSet,
    /// The roles in the token, which are trusted.
    pub roles: BTreeSet<RoleName>,
    /// What bounds them.
    pub ceiling: Ceiling,
}

/// What would be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Permitted.
    Permit,
    /// Denied without a token.
    NoToken,
    /// Denied, with the scopes that are needed.
    Deny(DenialReason, ScopeSet),
}

impl Hypothetical {
    /// A user with `roles` whose token holds all that they allow.
    #[must_use]
    pub fn with_roles(roles: impl IntoIterator<Item = RoleName>) -> Self {
        let roles: BTreeSet<_> = roles.into_iter().collect();
        Self { scopes: ScopeSet::empty(), ceiling: Ceiling::Roles(Arc::new(roles.clone())), roles }
    }
}

impl Policy {
    /// What would be decided about `who` (`None`: a caller without a token) and `action`.
    #[must_use]
    pub fn evaluate(&self, who: Option<&Hypothetical>, action: &Action) -> Verdict {
        let principal = who.cloned().map(|Hypothetical { scopes, roles, ceiling }| {
            Arc::new(Principal::hypothetical(scopes, roles, ceiling))
        });
        match self.decide(&Query::new(principal.as_ref(), action)) {
            Decision::Permit(_) => Verdict::Permit,
            Decision::Deny(denial) if denial.reason() == DenialReason::NoToken => Verdict::NoToken,
            Decision::Deny(denial) => Verdict::Deny(denial.reason(), denial.required().clone()),
        }
    }

    /// What `who` may do, in order: what [`evaluate`](Self::evaluate) permits.
    #[must_use]
    pub fn permitted_to(&self, who: &Hypothetical) -> Vec<&Action> {
        let Hypothetical { scopes, roles, ceiling } = who.clone();
        let principal = Some(Arc::new(Principal::hypothetical(scopes, roles, ceiling)));
        let mut actions = self.actions();
        actions.retain(|action| self.permits(principal.as_ref(), action));
        actions
    }

    /// The roles each of which alone is enough for `action`, given a token that holds all that the
    /// role allows.
    #[must_use]
    pub fn roles_that_may(&self, action: &Action) -> Vec<&RoleName> {
        let may = |role: &RoleName| {
            let who = Hypothetical::with_roles([role.clone()]);
            self.evaluate(Some(&who), action) == Verdict::Permit
        };
        self.roles.keys().filter(|role| may(role)).collect()
    }

    /// The actions whose rule no user can meet, whatever roles they have all at once.
    #[must_use]
    pub fn unreachable(&self) -> Vec<&Action> {
        let everything = Hypothetical::with_roles(self.roles.keys().cloned());
        let mut actions = self.actions();
        actions.retain(|action| {
            [None, Some(&everything)]
                .into_iter()
                .all(|who| self.evaluate(who, action) != Verdict::Permit)
        });
        actions
    }
}
