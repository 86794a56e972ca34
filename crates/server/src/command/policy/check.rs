//! `server policy check`: errors, and warnings about what is valid but probably unintended.
//!
//! Loading has reported the errors of the document already (unknown scopes and roles, cycles, rules
//! that cannot be read, offers without a rule). This command adds rules that no role can meet, and
//! warnings.

use std::{collections::BTreeSet, io::Write};

use auth_core::{Action, Policy, Scope, display};

use crate::{config::policy_file::PolicySource, failure::Failure, policy::access_matrix};

pub(super) fn check(
    policy: &Policy,
    source: &PolicySource,
    offers: &[Action],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let unreachable = policy.unreachable();
    if !unreachable.is_empty() {
        let rules: Vec<String> = unreachable
            .into_iter()
            .map(|action| format!("{action} needs {}", access_matrix::needs(policy, action)))
            .collect();
        return Err(Failure::Usage(format!(
            "policy {source}: rules that no user can meet, whatever their roles:\n{}\nGive a role what they need, or take them out",
            rules.join("\n")
        )));
    }
    let (scopes, roles) = (policy.scopes().len(), policy.roles().count());
    let ruled = policy.actions().into_iter().filter(|action| action.target().is_some());
    writeln!(
        out,
        "ok: policy {source}: {scopes} scopes, {roles} roles, {} rules, and nothing offered lacks one",
        ruled.count()
    )
    .map_err(Failure::output)?;
    for warning in warnings(policy, offers) {
        writeln!(out, "warning: {}", display::escape(&warning)).map_err(Failure::output)?;
    }
    Ok(())
}

/// What is valid but probably unintended.
fn warnings(policy: &Policy, offers: &[Action]) -> Vec<String> {
    let mut warnings = Vec::new();
    let held: BTreeSet<&Scope> = policy.roles().flat_map(|(_, scopes)| scopes.iter()).collect();
    for scope in policy.scopes().iter().filter(|scope| !held.contains(scope)) {
        warnings.push(format!("no role holds the scope {scope}, so it never counts"));
    }
    for (role, scopes) in policy.roles().filter(|(_, scopes)| scopes.is_empty()) {
        let count = scopes.len();
        warnings
            .push(format!("the role {role} holds {count} scopes: it opens what any user may do"));
    }
    let is_tool = |action: &&Action| matches!(action, Action::CallTool(_));
    for action in policy.actions().into_iter().filter(is_tool) {
        if !offers.contains(action) {
            warnings.push(format!("a rule for {action}, which this server does not offer"));
        }
    }
    warnings
}
