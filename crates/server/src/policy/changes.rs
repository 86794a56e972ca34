//! What changes between two policies: who gains what, and who loses what.

use std::collections::BTreeSet;

use auth_core::{Policy, Rate};
use serde_json::{Value, json};

use super::access_matrix::{RoleColumn, actions, needs};

/// How many lines of what changes are logged.
const MAX_LOGGED: usize = 20;

/// What changes.
#[derive(Debug)]
pub(crate) struct Changes {
    gains: Vec<(String, String)>,
    losses: Vec<(String, String)>,
    /// Action, what it needed, what it needs.
    rules: Vec<(String, String, String)>,
    new_roles: Vec<String>,
    old_roles: Vec<String>,
}

impl Changes {
    /// From `old` to `new`.
    pub(crate) fn between(old: &Policy, new: &Policy) -> Self {
        let (before, after) = (RoleColumn::all(old), RoleColumn::all(new));
        let columns: BTreeSet<&RoleColumn> = before.iter().chain(&after).collect();
        let mut changes = Self {
            gains: Vec::new(),
            losses: Vec::new(),
            rules: Vec::new(),
            new_roles: only_in(&after, &before),
            old_roles: only_in(&before, &after),
        };
        for action in actions(&[old, new]) {
            for who in &columns {
                // A role that a policy does not have holds no scopes there.
                let change = (who.name().to_owned(), action.to_string());
                match (who.may(old, &action), who.may(new, &action)) {
                    (false, true) => changes.gains.push(change),
                    (true, false) => changes.losses.push(change),
                    _ => {}
                }
            }
            let (needed, needs) = (needs(old, &action), needs(new, &action));
            if needed != needs {
                changes.rules.push((action.to_string(), needed, needs));
            }
        }
        let limits = [
            ("caller", old.caller_rate(), new.caller_rate()),
            ("client", old.client_rate(), new.client_rate()),
        ];
        for (whose, old, new) in limits.into_iter().filter(|(_, old, new)| old != new) {
            let text =
                |rate: Option<Rate>| rate.map_or_else(|| "no limit".into(), |it| it.to_string());
            changes.rules.push((format!("[limits] {whose}"), text(old), text(new)));
        }
        changes
    }

    /// A line for each change: none if no role gains or loses anything, and nothing needs more or
    /// less.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.new_roles.iter().map(|role| format!("new role   {role}")));
        lines.extend(self.old_roles.iter().map(|role| format!("no role    {role}")));
        lines.extend(self.gains.iter().map(|(who, what)| format!("+ {who} gains {what}")));
        lines.extend(self.losses.iter().map(|(who, what)| format!("- {who} loses {what}")));
        lines.extend(
            self.rules
                .iter()
                .map(|(what, old, new)| format!("~ {what}: needed {old}; needs {new}")),
        );
        lines
    }

    /// Logs the first lines.
    pub(crate) fn log(&self) {
        let lines = self.lines();
        for change in lines.iter().take(MAX_LOGGED) {
            tracing::info!("The policy changes: {change}");
        }
        if let Some(more) = lines.len().checked_sub(MAX_LOGGED).filter(|more| *more > 0) {
            tracing::info!(more, "The policy changes further: `policy diff` shows all of it");
        }
    }

    /// The lines, or one that says that there are none.
    pub(crate) fn in_text(&self) -> String {
        let lines = self.lines();
        if lines.is_empty() {
            return "no role gains or loses anything\n".into();
        }
        lines.join("\n") + "\n"
    }

    /// The same as JSON.
    pub(crate) fn in_json(&self) -> Value {
        let pairs = |pairs: &[(String, String)]| -> Vec<Value> {
            pairs.iter().map(|(who, what)| json!({ "who": who, "action": what })).collect()
        };
        let rules = self
            .rules
            .iter()
            .map(|(what, old, new)| json!({ "action": what, "needed": old, "needs": new }));
        json!({
            "gains": pairs(&self.gains),
            "losses": pairs(&self.losses),
            "rules": rules.collect::<Vec<_>>(),
            "new_roles": self.new_roles,
            "old_roles": self.old_roles,
        })
    }
}

fn only_in(here: &[RoleColumn], elsewhere: &[RoleColumn]) -> Vec<String> {
    here.iter().filter(|who| !elsewhere.contains(who)).map(|who| who.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::policy_file::{BUILT_IN, parse};

    #[test]
    fn gains_and_losses_are_reported() {
        let old = parse(BUILT_IN, &[]).unwrap();
        let new = BUILT_IN
            .replace("get_time = \"Admin.Write\"", "get_time = \"User.Write\"")
            .replace("\"server://info\" = \"User.Read\"", "\"server://info\" = \"Admin.Read\"")
            .replace("guest = [\"User.Read\"]", "visitor = [\"User.Read\"]");
        let text = Changes::between(&old, &parse(&new, &[]).unwrap()).in_text();
        assert!(text.starts_with("new role   visitor\nno role    guest\n"), "{text}");
        for line in [
            "+ user gains tools/call get_time\n",
            "- user loses resources/read server://info\n",
            "- guest loses resources/read server://info\n",
            "~ tools/call get_time: needed Admin.Write; needs User.Write\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
        assert!(!text.contains("admin gains") && !text.contains("admin loses"), "{text}");
    }

    #[test]
    fn a_policy_does_not_differ_from_itself() {
        let policy = parse(BUILT_IN, &[]).unwrap();
        let text = Changes::between(&policy, &policy).in_text();
        assert_eq!(text, "no role gains or loses anything\n");
    }
}
