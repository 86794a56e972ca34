//! Policies as people write them: TOML. `docs/policy.md` describes the format.

use auth_core::{Policy, PolicyDocument, PolicyError};

/// Why a TOML document is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyTomlError {
    /// It is no TOML, or has something that no policy has; the message has the line.
    #[error(transparent)]
    Syntax(#[from] toml::de::Error),
    /// Its rules are in contradiction: all that is wrong, one to a line.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Reads a policy.
///
/// ```
/// # fn main() -> Result<(), bartizan::PolicyTomlError> {
/// let policy = bartizan::policy_from_toml(
///     r#"
///     [scopes]
///     "Count" = "Count up"
///     [roles]
///     counter = ["Count"]
///     [tools]
///     increment = "Count"
///     "#,
/// )?;
/// assert_eq!(policy.scopes().to_string(), "Count");
/// # Ok(()) }
/// ```
pub fn policy_from_toml(text: &str) -> Result<Policy, PolicyTomlError> {
    Ok(Policy::try_from(toml::from_str::<PolicyDocument>(text)?)?.read_from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_either_kind_is_reported() {
        assert!(matches!(policy_from_toml("[tols]"), Err(PolicyTomlError::Syntax(_))));
        let unknown = policy_from_toml("[tools]\nt = \"Unheard\"").unwrap_err();
        assert!(matches!(unknown, PolicyTomlError::Policy(_)), "{unknown}");
    }
}
