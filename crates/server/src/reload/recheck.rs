//! Whether a policy fits the other settings: the scopes and the roles that they name.

use std::fmt;

use auth_core::Policy;
use settings::Environment;

use super::ReloadError;
use crate::{
    args::RunArgs,
    config::{
        policy_file::PolicySource,
        settings::{Config, ConfigError},
    },
};

/// The settings in force, to be resolved with another policy.
#[derive(Clone)]
pub(crate) struct Recheck {
    /// The flags.
    pub(crate) args: RunArgs,
    /// The variables, and the content of the files that were put in force.
    pub(crate) environment: Environment,
    /// Whether there is no other policy, so that what names scopes and roles is compared with it.
    pub(crate) is_only_one: bool,
}

impl Recheck {
    /// Checks the settings with `new` as the policy, as at the start. What is wrong with `old`,
    /// too, is not the fault of `new`: a key file that cannot be read, for example.
    pub(crate) fn check(&self, old: &Policy, new: &Policy) -> Result<(), ReloadError> {
        let Err(faults) = self.resolve(new) else { return Ok(()) };
        let known = self.resolve(old).map_or_else(|faults| faults.0, |_| Vec::new());
        let own = faults.0.into_iter().filter(|fault| !known.contains(fault));
        let own: Vec<String> = own.collect();
        if own.is_empty() { Ok(()) } else { Err(ConfigError(own).into()) }
    }

    fn resolve(&self, policy: &Policy) -> Result<Config, ConfigError> {
        let policy = (policy.clone(), PolicySource::BuiltIn);
        Config::resolve_with(&self.args, &self.environment, Ok(policy), self.is_only_one)
    }
}

impl fmt::Debug for Recheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recheck").field("is_only_one", &self.is_only_one).finish_non_exhaustive()
    }
}
