//! The roles of users who are added on first use.

use std::collections::BTreeSet;

use auth_core::{Policy, RoleName};

/// The roles that new users get: some, and all of them roles that the policy has.
///
/// # Errors
///
/// What is wrong with them, for a person.
pub fn default_roles<'a>(
    names: impl Iterator<Item = &'a str>,
    policy: Option<&Policy>,
) -> Result<BTreeSet<RoleName>, String> {
    let mut roles = BTreeSet::new();
    for name in names {
        let role: RoleName = name.parse().map_err(|fault| format!("{name:?}: {fault}"))?;
        if policy.is_some_and(|policy| !policy.has_role(&role)) {
            return Err(format!("the policy has no role {name:?}"));
        }
        roles.insert(role);
    }
    if roles.is_empty() {
        return Err("a user without a role may do nothing: name at least one".into());
    }
    Ok(roles)
}
