//! `server policy check`: what is wrong, and what is odd.
//!
//! Faults of the document (unknown scopes and roles, cycles, rules that cannot be read) and holes have been
//! told before: a policy with them is none. Here it is what a policy may say and nobody can mean.

use std::{collections::BTreeSet, io::Write};

use auth_core::{Action, Policy, Scope, display};

use super::survey;
use crate::{config::policy_file::PolicySource, failure::Failure, mcp::server::McpServer};

pub(super) fn check(
    policy: &Policy,
    source: &PolicySource,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let unreachable = policy.unreachable();
    if !unreachable.is_empty() {
        let rules: Vec<String> = unreachable
            .into_iter()
            .map(|action| format!("{action} needs {}", survey::needs(policy, action)))
            .collect();
        return Err(Failure::Usage(format!(
            "policy {source}: rules that nobody can meet, whatever roles they have:\n{}\nGive a role what they need, or take them out",
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
    for oddity in oddities(policy) {
        writeln!(out, "odd: {}", display::escape(&oddity)).map_err(Failure::output)?;
    }
    Ok(())
}

/// What is no fault.
fn oddities(policy: &Policy) -> Vec<String> {
    let mut oddities = Vec::new();
    let held: BTreeSet<&Scope> = policy.roles().flat_map(|(_, scopes)| scopes.iter()).collect();
    for scope in policy.scopes().iter().filter(|scope| !held.contains(scope)) {
        oddities.push(format!("no role holds the scope {scope}, so it never counts"));
    }
    for (role, scopes) in policy.roles().filter(|(_, scopes)| scopes.is_empty()) {
        let count = scopes.len();
        oddities
            .push(format!("the role {role} holds {count} scopes: it opens what any user may do"));
    }
    let offers = McpServer::offers();
    let is_tool = |action: &&Action| matches!(action, Action::CallTool(_));
    for action in policy.actions().into_iter().filter(is_tool) {
        if !offers.contains(action) {
            oddities.push(format!("a rule for {action}, which this server does not offer"));
        }
    }
    oddities
}
