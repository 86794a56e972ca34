//! Who may do what: pure, and denying by default.
//!
//! 1. An action without a rule is refused, whoever asks.
//! 2. `granted` = the token's scopes, and the scopes of the roles it carries (where its issuer's roles
//!    are trusted). `ceiling` = the scopes of the roles that the directory gives the user.
//! 3. `effective` = `granted` ∩ `ceiling`, after implied scopes are added to both: a token never holds
//!    more than its user does, and a role that is taken away stops counting in tokens already out.
//! 4. A denial names *all* the scopes that the action needs, and tells whether a new token could help.
//!
//! **Invariant:** a [`Permit`] is made by [`Policy::decide`] and by nothing else.

mod action;
mod catalog;
mod decision;
mod document;
mod requirement;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

pub use action::Action;
pub use catalog::{PolicyError, PolicyFault};
pub use decision::{Decision, Denial, DenialReason, Permit};
pub use document::{
    FullRoleDocument, FullRuleDocument, FullScopeDocument, PolicyDocument, RoleDocument,
    RuleDocument, ScopeDocument,
};
pub use requirement::Requirement;

use crate::{Ceiling, Principal, RoleName, Scope, ScopeSet};

/// The resolved catalog. Made from a [`PolicyDocument`], which is checked whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Every known scope, with what it implies, itself included.
    scopes: BTreeMap<Scope, ScopeSet>,
    /// Every role, with the scopes that it holds in the end.
    roles: BTreeMap<RoleName, ScopeSet>,
    rules: HashMap<Action, Requirement>,
}

impl Policy {
    /// May `principal` do `action`?
    pub fn decide(&self, principal: &Arc<Principal>, action: Action) -> Decision {
        let Some(requirement) = self.rules.get(&action) else {
            return Decision::Deny(Denial {
                reason: DenialReason::NoRule,
                required: ScopeSet::empty(),
                granted: principal.scopes().clone(),
                action,
            });
        };
        let ceiling = |scope: &Scope| self.ceiling_holds(principal, scope);
        let effective = |scope: &Scope| ceiling(scope) && self.grants(principal, scope);
        if requirement.is_met_by(effective) {
            return Decision::Permit(Permit { principal: Arc::clone(principal), action });
        }
        let reason = if requirement.is_met_by(ceiling) {
            DenialReason::MissingScope
        } else {
            DenialReason::BeyondCeiling
        };
        Decision::Deny(Denial {
            reason,
            required: requirement.to_ask_for(effective, ceiling),
            granted: principal.scopes().clone(),
            action,
        })
    }

    /// Whether [`decide`](Self::decide) would permit `action`: for filtering lists.
    #[must_use]
    pub fn permits(&self, principal: &Arc<Principal>, action: Action) -> bool {
        matches!(self.decide(principal, action), Decision::Permit(_))
    }

    /// What `action` needs; `None` if it has no rule.
    #[must_use]
    pub fn requirement(&self, action: &Action) -> Option<&Requirement> {
        self.rules.get(action)
    }

    /// Those of `actions` that have no rule: a server that offers them must not start.
    pub fn without_rule<'a>(
        &self,
        actions: impl IntoIterator<Item = &'a Action>,
    ) -> Vec<&'a Action> {
        actions.into_iter().filter(|action| !self.rules.contains_key(*action)).collect()
    }

    /// Every action that has a rule, in order.
    #[must_use]
    pub fn actions(&self) -> Vec<&Action> {
        let mut actions: Vec<_> = self.rules.keys().collect();
        actions.sort();
        actions
    }

    /// The scopes that some rule names: what a client has reason to ask for. Never `offline_access`,
    /// which is between the client and its issuer (MCP authorization, scope selection).
    #[must_use]
    pub fn scopes_to_ask_for(&self) -> ScopeSet {
        let named = self.rules.values().flat_map(Requirement::scopes);
        named.filter(|scope| scope.as_str() != "offline_access").cloned().collect()
    }

    /// Every scope of the catalog.
    #[must_use]
    pub fn scopes(&self) -> ScopeSet {
        self.scopes.keys().cloned().collect()
    }

    /// The roles of the catalog, each with the scopes that it holds.
    pub fn roles(&self) -> impl Iterator<Item = (&RoleName, &ScopeSet)> {
        self.roles.iter()
    }

    /// Whether the catalog has this role.
    #[must_use]
    pub fn has_role(&self, role: &RoleName) -> bool {
        self.roles.contains_key(role)
    }

    fn grants(&self, principal: &Principal, scope: &Scope) -> bool {
        principal.scopes().iter().any(|held| self.implies(held, scope))
            || principal.roles().iter().any(|role| self.role_holds(role, scope))
    }

    fn ceiling_holds(&self, principal: &Principal, scope: &Scope) -> bool {
        match principal.ceiling() {
            Ceiling::IssuerDecides => true,
            Ceiling::Roles(roles) => roles.iter().any(|role| self.role_holds(role, scope)),
        }
    }

    /// Whether a holder of `held` holds `scope`.
    fn implies(&self, held: &Scope, scope: &Scope) -> bool {
        self.scopes.get(held).is_some_and(|implied| implied.contains(scope))
    }

    fn role_holds(&self, role: &RoleName, scope: &Scope) -> bool {
        self.roles.get(role).is_some_and(|scopes| scopes.contains(scope))
    }
}
