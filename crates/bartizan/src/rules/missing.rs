//! What a server offers and its policy does not know.

use std::fmt;

use auth_core::{Action, Policy};

/// The server offers what the policy has no rule for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingRulesError(Vec<Action>);

impl MissingRulesError {
    /// Checks that `policy` has a rule for each of `offers`.
    pub fn check<'a>(
        policy: &Policy,
        offers: impl IntoIterator<Item = &'a Action>,
    ) -> Result<(), Self> {
        let missing: Vec<Action> = policy.without_rule(offers).into_iter().cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(Self(missing)) }
    }

    /// What has no rule.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.0
    }
}

impl fmt::Display for MissingRulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the policy has no rule for what the server offers: ")?;
        for (index, action) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{action}")?;
        }
        Ok(())
    }
}

impl std::error::Error for MissingRulesError {}
