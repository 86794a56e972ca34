//! Which scopes a user may give a client, and what each opens.
//!
//! 1. Scopes that the policy does not have are dropped. If none is left, or none was asked for, all
//!    that some rule of the policy names are offered.
//! 2. None is offered that the roles of the user do not allow now.
//! 3. A box is ticked unless the user left out its scope before: what was left out once is not
//!    given by a click that was meant for the rest. What the client never asked for before is
//!    ticked, and the page says that it is new: after a 403, "Allow" gives what was missing.
//! 4. A scope opens what needs it, or what it opens alone; and only what the user may do at all
//!    with all that is offered.
//! 5. `offline_access` permits nothing, and is not shown.
//! 6. What was allowed before makes it one click only if the browser goes back to a host, an app or
//!    a computer to which it went back then: a metadata document may name another one any day.

use std::collections::{BTreeMap, BTreeSet};

use auth_core::{
    Action, Ceiling, Hypothetical, Policy, Scope, ScopeSet,
    oauth::{OFFLINE_ACCESS, RedirectTarget, RedirectUri},
};
use directory::{User, authorization::Consent};

use super::read_only;
use crate::{AuthorizationServer, users};

/// What a user may give.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// The scopes that are offered, in order.
    pub(crate) choices: Vec<Choice>,
    /// Scopes that were asked for, and that the user's roles do not allow.
    pub(crate) beyond_roles: ScopeSet,
    /// Scopes that were asked for, and that the policy does not have.
    pub(crate) unknown: ScopeSet,
    /// What the user allowed before, of what is offered.
    pub(crate) remembered: ScopeSet,
    /// Whether the browser goes back to a place that no consent before was for.
    is_elsewhere: bool,
    /// What the user has said to this client so far.
    before: Consent,
}

/// A scope on the consent page.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) scope: Scope,
    /// What the policy says it is for.
    pub(crate) about: String,
    /// The tools, resources and prompts that it opens, in order.
    pub(crate) opens: Vec<Action>,
    pub(crate) is_read_only: bool,
    pub(crate) before: Before,
}

/// What a user has said about a scope to a client so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing: it was not offered.
    NotOffered,
    /// To allow it.
    Allowed,
    /// Not to allow it.
    LeftOut,
}

impl Before {
    fn of(scope: &Scope, before: &Consent) -> Self {
        if before.declined().contains(scope) {
            Self::LeftOut
        } else if before.allowed().contains(scope) {
            Self::Allowed
        } else {
            Self::NotOffered
        }
    }
}

impl Offer {
    /// What `user` may give of `asked` for a resource with this policy, having said `before`.
    pub(crate) fn new(
        server: &AuthorizationServer,
        policy: &Policy,
        user: &User,
        asked: &ScopeSet,
        before: Consent,
    ) -> Self {
        let ceiling = users::ceiling(server, user, policy);
        let catalog = policy.scopes();
        let asked = asked.iter().filter(|scope| scope.as_str() != OFFLINE_ACCESS).cloned();
        let (known, unknown): (Vec<_>, Vec<_>) = asked.partition(|scope| catalog.contains(scope));
        let (known, unknown) = (ScopeSet::from_iter(known), ScopeSet::from_iter(unknown));
        let (wanted, beyond_roles) = if known.is_empty() {
            (policy.requestable_scopes(), ScopeSet::empty())
        } else {
            let beyond = known.iter().filter(|scope| !ceiling.contains(scope)).cloned().collect();
            (known, beyond)
        };
        let offered = wanted.intersection(&ceiling);
        let remembered = offered.intersection(before.allowed());
        let reading = read_only::among(policy, &offered);
        let roles = user.roles_at(server.now());
        let mut opened = opened_by(policy, &offered, &Ceiling::Roles(roles));
        let choice = |scope: &Scope| Choice {
            scope: scope.clone(),
            about: policy.about(scope).unwrap_or_default().to_owned(),
            opens: opened.remove(scope).unwrap_or_default(),
            is_read_only: reading.contains(scope),
            before: Before::of(scope, &before),
        };
        let choices = offered.iter().map(choice).collect();
        let is_elsewhere = false;
        Self { choices, beyond_roles, unknown, remembered, is_elsewhere, before }
    }

    /// The same for a browser that goes back to `uri`, while it went back to `known` so far.
    pub(crate) fn going_to(self, uri: &RedirectUri, known: &[RedirectUri]) -> Self {
        let is_known = known.iter().any(|it| is_same_place(it.target(), uri.target()));
        Self { is_elsewhere: !is_known, ..self }
    }

    /// The scopes that are offered.
    pub(crate) fn scopes(&self) -> ScopeSet {
        self.choices.iter().map(|choice| choice.scope.clone()).collect()
    }

    /// Those that only read.
    pub(crate) fn reading(&self) -> ScopeSet {
        let reading = self.choices.iter().filter(|choice| choice.is_read_only);
        reading.map(|choice| choice.scope.clone()).collect()
    }

    /// What is remembered if the user allows `chosen`: what was not asked about stays.
    pub(crate) fn to_remember(&self, chosen: &ScopeSet) -> Consent {
        self.before.after(&self.scopes(), chosen)
    }

    /// Whether all that is offered was allowed before, so that one click is enough.
    pub(crate) fn is_known(&self) -> bool {
        !self.is_elsewhere && !self.choices.is_empty() && self.remembered == self.scopes()
    }

    /// Whether the user was asked before, and the browser went back elsewhere then.
    pub(crate) fn is_moved(&self) -> bool {
        self.is_elsewhere && self.before != Consent::default()
    }

    /// Whether the user left out some of what is offered before.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.choices.iter().any(|choice| choice.before == Before::LeftOut)
    }

    /// Whether this scope was not offered before, though others were.
    pub(crate) fn is_new(&self, choice: &Choice) -> bool {
        self.before != Consent::default() && choice.before == Before::NotOffered
    }

    /// Whether some of what is offered was not offered before, though others were.
    pub(crate) fn is_grown(&self) -> bool {
        self.choices.iter().any(|choice| self.is_new(choice))
    }
}

/// Whether both lead to the same host or app, or to this computer, whatever it is called.
fn is_same_place(one: RedirectTarget<'_>, other: RedirectTarget<'_>) -> bool {
    matches!((one, other), (RedirectTarget::Loopback(_), RedirectTarget::Loopback(_)))
        || one == other
}

/// What each of `offered` opens, within `ceiling` (rule 4).
fn opened_by(
    policy: &Policy,
    offered: &ScopeSet,
    ceiling: &Ceiling,
) -> BTreeMap<Scope, Vec<Action>> {
    let permitted = |scopes: ScopeSet| -> BTreeSet<&Action> {
        let roles = BTreeSet::new();
        let who = Hypothetical { scopes, roles, ceiling: ceiling.clone() };
        policy.permitted_to(&who).into_iter().filter(|it| it.target().is_some()).collect()
    };
    let without_any = permitted(ScopeSet::empty());
    let with_all = permitted(offered.clone());
    let opened = offered.iter().map(|scope| {
        let alone = permitted(ScopeSet::from_iter([scope.clone()]));
        let others = permitted(offered.iter().filter(|it| *it != scope).cloned().collect());
        let opens = with_all.iter().filter(|action| {
            !without_any.contains(*action) && (alone.contains(*action) || !others.contains(*action))
        });
        (scope.clone(), opens.map(|action| (*action).clone()).collect())
    });
    opened.collect()
}
