//! Who may do what, by a policy: each cell is the policy's own decision about a hypothetical
//! caller.

use std::collections::BTreeSet;

use auth_core::{Action, Hypothetical, Policy, RoleName, Verdict};

/// A column: callers without a token, or users with one role and every scope that it allows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RoleColumn {
    /// A caller without a token.
    Anonymous,
    /// A user with this role alone.
    Role(RoleName),
}

impl RoleColumn {
    /// All of a policy, in order.
    pub(crate) fn all(policy: &Policy) -> Vec<Self> {
        let roles = policy.roles().map(|(role, _)| Self::Role(role.clone()));
        [Self::Anonymous].into_iter().chain(roles).collect()
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Role(role) => role.as_str(),
        }
    }

    pub(crate) fn may(&self, policy: &Policy, action: &Action) -> bool {
        let who = match self {
            Self::Anonymous => None,
            Self::Role(role) => Some(Hypothetical::with_roles([role.clone()])),
        };
        policy.evaluate(who.as_ref(), action) == Verdict::Permit
    }
}

/// The rows: actions with a target first, in order, then the other methods.
pub(crate) fn actions(policies: &[&Policy]) -> Vec<Action> {
    let all: BTreeSet<(bool, Action)> = policies
        .iter()
        .flat_map(|policy| policy.actions())
        .map(|action| (action.target().is_none(), action.clone()))
        .collect();
    all.into_iter().map(|(_, action)| action).collect()
}

/// What an action requires, as text.
pub(crate) fn needs(policy: &Policy, action: &Action) -> String {
    match policy.requirements(action) {
        None => "no rule".into(),
        Some(rules) => rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and "),
    }
}
