//! Who may do what: pure, and denying by default.
//!
//! 1. An action without a rule is denied to every caller.
//! 2. `granted` = the token's scopes, and the scopes of the roles it carries (where its issuer's
//!    roles are trusted). `ceiling` = the scopes of the roles that the directory gives the user.
//! 3. `effective` = `granted` ∩ `ceiling`, after implied scopes are added to both: a token never
//!    holds more than its user does, and a role that is taken away stops counting in tokens already
//!    out.
//! 4. A denial names *all* the scopes that the action needs, and whether a new token could
//!    help.
//! 5. A resource is ruled by the rule that names its URI; failing that by every template that it is
//!    an expansion of, in each of its forms (see `template.rs`).
//! 6. Without a token there is what a rule calls public, and nothing else.
//!
//! **Invariant:** a [`Permit`] is made by [`Policy::decide`] and by nothing else.

mod action;
mod catalog;
mod decision;
mod document;
mod hypothetical;
mod query;
mod rate;
mod requirement;
mod template;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

pub use action::Action;
pub use catalog::{PolicyError, PolicyFault};
pub use decision::{Decision, Denial, DenialReason, Permit};
pub use document::{
    FullRoleDocument, FullRuleDocument, FullScopeDocument, LimitsDocument, ListsDocument,
    PolicyDocument, RoleDocument, RuleDocument, ScopeDocument,
};
pub use hypothetical::{Hypothetical, Verdict};
pub use query::Query;
pub use rate::{Rate, RateError, RateLimit};
pub use requirement::Requirement;
pub use template::TemplateError;

use self::template::Template;
use crate::{Ceiling, Principal, RoleName, Scope, ScopeSet, audit::Digest};

/// The resolved catalog. Made from a [`PolicyDocument`], which is checked whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Every known scope, with what it implies, itself included.
    scopes: BTreeMap<Scope, ScopeSet>,
    /// What each scope is for.
    about: BTreeMap<Scope, Arc<str>>,
    /// Every role, with the scopes that it holds in the end.
    roles: BTreeMap<RoleName, ScopeSet>,
    rules: HashMap<Action, Requirement>,
    /// Those of the rules for resources that match more than one URI.
    templates: Vec<(Template, Requirement)>,
    /// What the URIs that rules name come down to, with these rules' requirements.
    plain: HashMap<String, Vec<Requirement>>,
    show_scopes: bool,
    has_public_rules: bool,
    /// The arguments whose values are recorded, by their tools.
    recorded: BTreeMap<String, Vec<String>>,
    /// The digest of the text that it was read from.
    source: Option<Digest>,
    has_rates: bool,
    caller_rate: Option<Rate>,
    client_rate: Option<Rate>,
}

impl Policy {
    /// Decides whether the caller of `query` may do what it asks for. A denial names what all the
    /// actions of the query need together.
    pub fn decide(&self, query: &Query<'_>) -> Decision {
        match self.check(query) {
            Ok(()) => Decision::Permit(Permit {
                principal: query.principal.cloned(),
                action: query.action.clone(),
            }),
            Err((reason, required)) => Decision::Deny(Denial {
                reason,
                required,
                granted: query.principal.map(|it| it.scopes().clone()).unwrap_or_default(),
                action: query.action.clone(),
            }),
        }
    }

    /// Whether [`Self::decide`] would permit `action` alone: for filtering lists.
    #[must_use]
    pub fn permits(&self, principal: Option<&Arc<Principal>>, action: &Action) -> bool {
        self.check(&Query::new(principal, action)).is_ok()
    }

    /// The one decision; a refusal with its reason and the scopes that are needed.
    fn check(&self, query: &Query<'_>) -> Result<(), (DenialReason, ScopeSet)> {
        let (one, several);
        let requirements: &[&Requirement] = match self.rules.get(query.action) {
            // As most queries are, without a list on the heap.
            Some(rule) if query.also.is_empty() => {
                one = [rule];
                &one
            }
            _ => {
                several = self.requirements_of_all(query.action, query.also);
                several.as_deref().unwrap_or_default()
            }
        };
        let has_rule = !requirements.is_empty();
        let ceiling = |scope: &Scope| {
            query.principal.is_none_or(|principal| self.ceiling_holds(principal, scope))
        };
        let effective = |scope: &Scope| {
            query.principal.is_some_and(|principal| {
                self.ceiling_holds(principal, scope) && self.grants(principal, scope)
            })
        };
        let is_met = match query.principal {
            None => requirements.iter().all(|requirement| requirement.is_public()),
            Some(_) => requirements.iter().all(|requirement| requirement.is_met_by(effective)),
        };
        if has_rule && is_met {
            return Ok(());
        }
        let reason = if query.principal.is_none() {
            DenialReason::NoToken
        } else if !has_rule {
            DenialReason::NoRule
        } else if requirements.iter().all(|requirement| requirement.is_met_by(ceiling)) {
            DenialReason::MissingScope
        } else {
            DenialReason::BeyondCeiling
        };
        let mut required = ScopeSet::empty();
        for requirement in requirements {
            required.extend(requirement.scopes_to_request(effective, ceiling).iter().cloned());
        }
        Err((reason, required))
    }

    /// Whether anything at all needs no token.
    #[must_use]
    pub const fn has_public_rules(&self) -> bool {
        self.has_public_rules
    }

    /// How often each user may ask, whatever it is.
    #[must_use]
    pub const fn caller_rate(&self) -> Option<Rate> {
        self.caller_rate
    }

    /// How often each client may ask, for all its users together.
    #[must_use]
    pub const fn client_rate(&self) -> Option<Rate> {
        self.client_rate
    }

    /// The limits of the rules for `action`: each caller has a budget for each of them.
    #[must_use]
    pub fn rate_limits(&self, action: &Action) -> Vec<&RateLimit> {
        // Most policies have none.
        let requirements = self.has_rates.then(|| self.requirements(action)).flatten();
        requirements.into_iter().flatten().filter_map(Requirement::limit).collect()
    }

    /// Whether lists are to say what each of their entries needs.
    #[must_use]
    pub const fn shows_scopes(&self) -> bool {
        self.show_scopes
    }

    /// What `action` needs, all of it together; `None` if it has no rule. Several only for a
    /// resource that several templates match.
    #[must_use]
    pub fn requirements(&self, action: &Action) -> Option<Vec<&Requirement>> {
        match (self.rules.get(action), action) {
            (Some(requirement), _) => Some(vec![requirement]),
            (None, Action::ReadResource(uri)) => self.requirements_by_template(uri),
            (None, _) => None,
        }
    }

    /// Whether a rule names `action` itself. A resource that only a template matches has no such
    /// rule: its URI is the caller's text.
    #[must_use]
    pub fn names(&self, action: &Action) -> bool {
        self.rules.contains_key(action)
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

    /// The scopes that some rule names: what a client has reason to ask for. Never
    /// `offline_access`, which is between the client and its issuer (MCP authorization, scope
    /// selection).
    #[must_use]
    pub fn requestable_scopes(&self) -> ScopeSet {
        let named = self.rules.values().flat_map(Requirement::scopes);
        named.filter(|scope| scope.as_str() != "offline_access").cloned().collect()
    }

    /// Every scope of the catalog.
    #[must_use]
    pub fn scopes(&self) -> ScopeSet {
        self.scopes.keys().cloned().collect()
    }

    /// What the catalog says a scope is for; `None` if it says nothing, or does not have it.
    #[must_use]
    pub fn about(&self, scope: &Scope) -> Option<&str> {
        self.about.get(scope).map(|about| &**about)
    }

    /// Those of `scopes` that the catalog has, and what they imply.
    #[must_use]
    pub fn with_implied(&self, scopes: &ScopeSet) -> ScopeSet {
        let known = scopes.iter().filter_map(|scope| self.scopes.get(scope));
        known.flat_map(ScopeSet::iter).cloned().collect()
    }

    /// The scopes that a user with `roles` may hold.
    #[must_use]
    pub fn held_by_roles(&self, roles: &BTreeSet<RoleName>) -> ScopeSet {
        let held = roles.iter().filter_map(|role| self.roles.get(role));
        held.flat_map(ScopeSet::iter).cloned().collect()
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

    /// What the token of `principal` grants of the catalog, implied scopes and those of its roles
    /// too.
    #[must_use]
    pub fn granted_to(&self, principal: &Principal) -> ScopeSet {
        self.scopes.keys().filter(|scope| self.grants(principal, scope)).cloned().collect()
    }

    /// The same policy with a rule for one more method, for what a server offers beside MCP: all of
    /// `scopes`; without any, a valid token.
    #[must_use]
    pub fn with_method(mut self, method: &str, scopes: ScopeSet) -> Self {
        let requirement = Requirement { all: scopes, ..Requirement::default() };
        self.rules.insert(Action::Method(method.into()), requirement);
        self
    }

    /// The same policy, which was read from `text`: for the audit log.
    #[must_use]
    pub fn read_from(self, text: &str) -> Self {
        Self { source: Some(Digest::of(text.as_bytes())), ..self }
    }

    /// The SHA-256 digest of the text that it was read from, if that is known.
    #[must_use]
    pub const fn source(&self) -> Option<Digest> {
        self.source
    }

    /// The arguments of `action` whose values are recorded in the audit log.
    #[must_use]
    pub fn recorded_arguments(&self, action: &Action) -> &[String] {
        match action {
            Action::CallTool(tool) => {
                self.recorded.get(tool).map(Vec::as_slice).unwrap_or_default()
            }
            _ => &[],
        }
    }

    fn requirements_of_all(&self, action: &Action, also: &[Action]) -> Option<Vec<&Requirement>> {
        let mut requirements = self.requirements(action)?;
        for other in also {
            requirements.extend(self.requirements(other)?);
        }
        Some(requirements)
    }

    /// What a URI needs that no rule names literally.
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
