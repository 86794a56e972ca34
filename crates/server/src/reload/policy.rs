//! The policy file of the server.

use std::path::PathBuf;

use auth_core::{Action, Policy};

use super::{
    Applied, Recheck, ReloadError, Source,
    text::{Text, TextFile},
};
use crate::{
    app::rules::ResourceRules,
    config::policy_file::{self, PolicyFileError},
    policy::changes::Changes,
};

/// The policy in force for a resource.
#[derive(Debug)]
pub(crate) struct PolicyInForce {
    rules: ResourceRules,
    recheck: Recheck,
}

impl PolicyInForce {
    /// That of the resource with `rules`, beside the settings of `recheck`.
    pub(crate) const fn new(rules: ResourceRules, recheck: Recheck) -> Self {
        Self { rules, recheck }
    }

    /// The digest of the file of the policy in force.
    pub(crate) fn digest(&self) -> Option<String> {
        self.rules.current().source().map(|digest| digest.to_string())
    }

    /// Puts `policy` in force, and logs who gains what and who loses what.
    ///
    /// # Errors
    ///
    /// It has no rule for something that is offered, or does not fit the other settings.
    pub(crate) fn replace(&self, policy: Policy) -> Result<Applied, ReloadError> {
        let old = self.rules.current();
        if *old == policy {
            return Ok(Applied::Same);
        }
        self.recheck.check(&old, &policy)?;
        let changes = Changes::between(&old, &policy);
        self.rules.replace(policy)?;
        changes.log();
        Ok(Applied::Changed)
    }
}

/// The policy file of the one resource.
pub(crate) struct PolicyFile {
    file: TextFile,
    offers: Vec<Action>,
    policy: PolicyInForce,
}

impl PolicyFile {
    /// The file at `path`, for a resource that offers `offers`.
    pub(crate) const fn new(path: PathBuf, offers: Vec<Action>, policy: PolicyInForce) -> Self {
        Self { file: TextFile::new(path), offers, policy }
    }
}

impl Source for PolicyFile {
    type Content = Text;

    fn label(&self) -> String {
        "policy".into()
    }

    fn read(&mut self, afresh: bool) -> Self::Content {
        self.file.read(afresh)
    }

    fn apply(&mut self, content: &Self::Content) -> Result<Applied, ReloadError> {
        let text = match content {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err("there is no such file".to_owned()),
            Err(reason) => Err(reason.clone()),
        };
        let text = text.map_err(|reason| {
            let path = self.file.path().to_owned();
            PolicyFileError::Unreadable { path, reason }
        })?;
        self.policy.replace(policy_file::parse(text, &self.offers)?)
    }

    fn detail(&self) -> Option<String> {
        self.policy.digest()
    }
}
