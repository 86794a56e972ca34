//! Who may do what: pure, and denying by default.
//!
//! 1. An action without a rule is refused, whoever asks.
//! 2. `granted` = the token's scopes, and the scopes of the roles it carries (where its issuer's roles
//!    are trusted). `ceiling` = the scopes of the roles that the directory gives the user.
//! 3. `effective` = `granted` ∩ `ceiling`, after implied scopes are added to both: a token never holds
//!    more than its user does, and a role that is taken away stops counting in tokens already out.
//! 4. A denial names *all* the scopes that the action needs, and tells whether a new token could help.
//! 5. A resource is ruled by the rule that names its URI; failing that by every template that it is an
//!    expansion of, in each of its forms (see `template.rs`).
//! 6. Without a token there is what a rule calls public, and nothing else.
//!
//! **Invariant:** a [`Permit`] is made by [`Policy::decide`] and by nothing else.

mod action;
mod catalog;
mod decision;
mod document;
mod requirement;
mod suppose;
mod template;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

pub use action::Action;
pub use catalog::{PolicyError, PolicyFault};
pub use decision::{Decision, Denial, DenialReason, Permit};
pub use document::{
    FullRoleDocument, FullRuleDocument, FullScopeDocument, ListsDocument, PolicyDocument,
    RoleDocument, RuleDocument, ScopeDocument,
};
pub use requirement::Requirement;
pub use suppose::{Supposed, Verdict};
pub use template::TemplateError;

use self::template::Template;
use crate::{Ceiling, Principal, RoleName, Scope, ScopeSet};

/// The resolved catalog. Made from a [`PolicyDocument`], which is checked whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Every known scope, with what it implies, itself included.
    scopes: BTreeMap<Scope, ScopeSet>,
    /// Every role, with the scopes that it holds in the end.
    roles: BTreeMap<RoleName, ScopeSet>,
    rules: HashMap<Action, Requirement>,
    /// Those of the rules for resources that stand for more than one URI.
    templates: Vec<(Template, Requirement)>,
    /// What the URIs that rules name come down to, with these rules' requirements.
    plain: HashMap<String, Vec<Requirement>>,
    show_scopes: bool,
    has_public_rules: bool,
}

impl Policy {
    /// May `principal` do `action`?
    pub fn decide(&self, principal: &Arc<Principal>, action: Action) -> Decision {
        self.decide_with(principal, action, &[])
    }

    /// May `principal` do `action`, for which it must be allowed all of `also` too? A denial names what
    /// all of them need together.
    pub fn decide_with(
        &self,
        principal: &Arc<Principal>,
        action: Action,
        also: &[Action],
    ) -> Decision {
        let granted = || principal.scopes().clone();
        let Some(requirements) = self.requirements_of_all(&action, also) else {
            let (reason, required) = (DenialReason::NoRule, ScopeSet::empty());
            return Decision::Deny(Denial { reason, required, granted: granted(), action });
        };
        let ceiling = |scope: &Scope| self.ceiling_holds(principal, scope);
        let effective = |scope: &Scope| ceiling(scope) && self.grants(principal, scope);
        if requirements.iter().all(|requirement| requirement.is_met_by(effective)) {
            return Decision::Permit(Permit { principal: Some(Arc::clone(principal)), action });
        }
        let reason = if requirements.iter().all(|requirement| requirement.is_met_by(ceiling)) {
            DenialReason::MissingScope
        } else {
            DenialReason::BeyondCeiling
        };
        let mut required = ScopeSet::empty();
        for requirement in requirements {
            required.extend(requirement.to_ask_for(effective, ceiling).iter().cloned());
        }
        Decision::Deny(Denial { reason, required, granted: granted(), action })
    }

    /// May somebody without a token do `action`, for which all of `also` must be allowed too? Only if
    /// every rule for it calls it public.
    #[must_use]
    pub fn decide_anonymous(&self, action: Action, also: &[Action]) -> Option<Permit> {
        let requirements = self.requirements_of_all(&action, also)?;
        let public = requirements.iter().all(|requirement| requirement.is_public());
        public.then_some(Permit { principal: None, action })
    }

    /// Whether the caller, somebody without a token if there is none, would be permitted `action`: for
    /// filtering lists.
    #[must_use]
    pub fn permits(&self, principal: Option<&Arc<Principal>>, action: Action) -> bool {
        match principal {
            Some(principal) => matches!(self.decide(principal, action), Decision::Permit(_)),
            None => self.decide_anonymous(action, &[]).is_some(),
        }
    }

    /// Whether anything at all needs no token.
    #[must_use]
    pub const fn has_public_rules(&self) -> bool {
        self.has_public_rules
    }

    /// Whether lists are to say what each of their entries needs.
    #[must_use]
    pub const fn shows_scopes(&self) -> bool {
        self.show_scopes
    }

    /// What `action` needs, all of it together; `None` if it has no rule. Several only for a resource
    /// that several templates stand for.
    #[must_use]
    pub fn requirements(&self, action: &Action) -> Option<Vec<&Requirement>> {
        match (self.rules.get(action), action) {
            (Some(requirement), _) => Some(vec![requirement]),
            (None, Action::ReadResource(uri)) => self.requirements_by_template(uri),
            (None, _) => None,
        }
    }

    /// Those of `actions` that have no rule: a server that offers them must not start.
    pub fn without_rule<'a>(
        &self,
        actions: impl IntoIterator<Item = &'a Action>,
    ) -> Vec<&'a Action> {
        actions.into_iter().filter(|action| self.requirements(action).is_none()).collect()
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

    /// What the ceiling of `principal` holds of the catalog; all of it if nothing bounds it.
    #[must_use]
    pub fn ceiling_of(&self, principal: &Principal) -> ScopeSet {
        self.scopes.keys().filter(|scope| self.ceiling_holds(principal, scope)).cloned().collect()
    }

    /// What the token of `principal` grants of the catalog, implied scopes and those of its roles too.
    #[must_use]
    pub fn granted_to(&self, principal: &Principal) -> ScopeSet {
        self.scopes.keys().filter(|scope| self.grants(principal, scope)).cloned().collect()
    }

    /// The same policy with a rule for one more method, for what a server offers beside MCP.
    #[must_use]
    pub fn with_method(mut self, method: &str, scope: Scope) -> Self {
        let requirement =
            Requirement { all: ScopeSet::from_iter([scope]), ..Requirement::default() };
        self.rules.insert(Action::Method(method.into()), requirement);
        self
    }

    fn requirements_of_all(&self, action: &Action, also: &[Action]) -> Option<Vec<&Requirement>> {
        let mut requirements = self.requirements(action)?;
        for other in also {
            requirements.extend(self.requirements(other)?);
        }
        Some(requirements)
    }

    /// What a URI needs that no rule names as it stands.
    fn requirements_by_template<'a>(&'a self, uri: &str) -> Option<Vec<&'a Requirement>> {
        // Most policies have no templates, and most that do no URI that is one of theirs.
        if !self.templates.iter().any(|(template, _)| template.matches(uri)) {
            return None;
        }
        let mut requirements: Vec<&'a Requirement> = Vec::new();
        let mut add = |requirement: &'a Requirement| {
            if !requirements.iter().any(|it| std::ptr::eq::<Requirement>(*it, requirement)) {
                requirements.push(requirement);
            }
        };
        for form in template::forms(uri)? {
            let own = self.rules.get(&Action::ReadResource(form.clone()));
            if let Some(own) = own {
                add(own);
            } else {
                let mut fitting = self.templates.iter().filter(|it| it.0.matches(&form)).peekable();
                fitting.peek()?;
                fitting.for_each(|(_, requirement)| add(requirement));
            }
            for reading in template::plain_readings(&form) {
                self.plain.get(&reading).into_iter().flatten().for_each(&mut add);
            }
            let readings = template::loose(&form);
            let meant = self.templates.iter().filter(|it| it.0.matches_one_of(&readings));
            meant.for_each(|(_, requirement)| add(requirement));
        }
        Some(requirements)
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
