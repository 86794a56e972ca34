//! The policy file: TOML in, a policy out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use auth_core::{Action, Policy, PolicyDocument, PolicyError};
use settings::Environment;

/// The policy that is used when no file is named.
pub const BUILT_IN: &str = include_str!("../../policy.toml");

/// Where a policy came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// The one in the binary.
    BuiltIn,
    /// A file.
    File(PathBuf),
}

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// The file could not be read.
    #[error("the policy file {path} could not be read: {reason}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        reason: String,
    },
    /// Not TOML, or not of the right shape.
    #[error("the policy is not well formed: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Well formed, but invalid.
    #[error("the policy is invalid:\n{0}")]
    Faults(#[from] PolicyError),
    /// Something is offered that has no rule, and so could not be used.
    #[error(
        "the policy has no rule for {}. Add one under [tools], [resources] or [prompts]; `[]` lets any signed-in user in",
        .0.join(", ")
    )]
    MissingRules(Vec<String>),
}

impl std::fmt::Display for PolicySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Reads the policy at `path`, or the built-in one, and checks that each of `offers` has a rule.
pub(crate) fn load(
    path: Option<&Path>,
    environment: &Environment,
    offers: &[Action],
) -> Result<(Policy, PolicySource), PolicyFileError> {
    let Some(path) = path else { return Ok((parse(BUILT_IN, offers)?, PolicySource::BuiltIn)) };
    let text = environment.read_text(path).map_err(|error| PolicyFileError::Unreadable {
        path: path.into(),
        reason: error.to_string(),
    })?;
    Ok((parse(&text, offers)?, PolicySource::File(path.into())))
}

/// Reads a policy that need not be for this server: what it offers may lack a rule.
pub(crate) fn read_any(path: &Path) -> Result<Policy, PolicyFileError> {
    let text = fs::read_to_string(path).map_err(|error| PolicyFileError::Unreadable {
        path: path.into(),
        reason: error.to_string(),
    })?;
    Ok(Policy::try_from(toml::from_str::<PolicyDocument>(&text)?)?.read_from(&text))
}

/// Reads a policy and checks that each of `offers`, all that a resource offers, has a rule.
///
/// # Errors
///
/// [`PolicyFileError`] with every error of the document, or every offer without a rule.
pub fn parse(text: &str, offers: &[Action]) -> Result<Policy, PolicyFileError> {
    let policy = Policy::try_from(toml::from_str::<PolicyDocument>(text)?)?.read_from(text);
    let missing: Vec<String> =
        policy.without_rule(offers).into_iter().map(ToString::to_string).collect();
    if missing.is_empty() { Ok(policy) } else { Err(PolicyFileError::MissingRules(missing)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::server::McpServer;

    fn parse(text: &str) -> Result<Policy, PolicyFileError> {
        super::parse(text, &McpServer::offers())
    }

    #[test]
    fn the_built_in_policy_has_a_rule_for_everything() {
        let (policy, source) = load(None, &Environment::default(), &McpServer::offers()).unwrap();
        assert_eq!(source, PolicySource::BuiltIn);
        assert_eq!(policy.requestable_scopes().to_string(), "Admin.Write User.Read");
    }

    #[test]
    fn missing_rules_and_errors_are_reported() {
        let missing = parse(&BUILT_IN.replace("get_time = ", "other = ")).unwrap_err();
        assert!(missing.to_string().contains("no rule for tools/call get_time"), "{missing}");
        let fault = parse(&BUILT_IN.replace("\"Admin.Write\"\n", "\"Admin.Wirte\"\n")).unwrap_err();
        assert!(fault.to_string().contains("\"Admin.Wirte\""), "{fault}");
        assert!(matches!(parse("tools = 1"), Err(PolicyFileError::Syntax(_))));
        assert!(matches!(parse("[tols]"), Err(PolicyFileError::Syntax(_))));
        let path = Path::new("/no/such/policy.toml");
        let missing = load(Some(path), &Environment::default(), &[]).unwrap_err();
        assert!(missing.to_string().contains("/no/such/policy.toml"));
    }
}
