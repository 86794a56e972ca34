//! The policy: which one, what it requires, and what it could never permit.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use auth_core::{
    Action, Hypothetical, Policy, PolicyDocument, PolicyError, Requirement, ResourceUri, RoleName,
    Scope, ScopeSet, Verdict,
};
use serde_json::{Value, json};
use settings::{Environment, Variable, similar};

use crate::{
    World,
    server::{self, ServerError},
};

/// The policy that `server` has built in: the default.
const BUILT_IN: &str = include_str!("../../server/policy.toml");

/// Why there is no policy, or no answer from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicySourceError {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The policy is invalid.
    #[error("{path}: the policy is invalid:\n{error}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: PolicyError,
    },
    /// A tool without a rule.
    #[error("{0} has no rule for the tool {1:?}, so no token can call it. It has rules for {2}")]
    NoTool(String, String, String),
    /// A tool that no role may call.
    #[error("{0} has no role that may call the tool {1:?}, so no token can")]
    NoRoleMayCall(String, String),
    /// A role that the policy does not have.
    #[error("{0} has no role \"{1}\". It has {2}")]
    NoRole(String, RoleName, String),
    /// The server could not be asked, or refused.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// A policy and where it came from.
pub(crate) struct Named {
    pub(crate) policy: Policy,
    /// For messages.
    pub(crate) source: String,
    /// Whether it was named, and is not the default.
    pub(crate) is_chosen: bool,
}

/// The policy that `flag` names, else the configured one, else the built-in one.
pub(crate) fn load(
    flag: Option<&Path>,
    environment: &Environment,
) -> Result<Named, PolicySourceError> {
    let configured = environment.get(Variable::PolicyFile).map(PathBuf::from);
    let Some(path) = flag.map(Path::to_path_buf).or(configured) else {
        let policy = read(BUILT_IN, Path::new("the built-in policy"))?;
        return Ok(Named { policy, source: "the built-in policy".into(), is_chosen: false });
    };
    let text = fs::read_to_string(&path).map_err(|error| PolicySourceError::File {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    let policy = read(&text, &path)?;
    Ok(Named { policy, source: path.display().to_string(), is_chosen: true })
}

fn read(text: &str, path: &Path) -> Result<Policy, PolicySourceError> {
    let document: PolicyDocument = toml::from_str(text).map_err(|error| {
        PolicySourceError::File { path: path.into(), reason: error.to_string() }
    })?;
    Policy::try_from(document)
        .map_err(|error| PolicySourceError::Invalid { path: path.into(), error })
}

impl Named {
    /// The scopes that calling `tool` requires: of the sets that are enough and that some role may
    /// hold, the smallest.
    pub(crate) fn scopes_for_tool(&self, tool: &str) -> Result<ScopeSet, PolicySourceError> {
        let action = Action::CallTool(tool.into());
        let Some(requirements) = self.policy.requirements(&action) else {
            let tools = self.policy.actions().into_iter().filter_map(|action| match action {
                Action::CallTool(name) => Some(name.as_str()),
                _ => None,
            });
            let tools: Vec<_> = tools.collect();
            let tools = if tools.is_empty() { "none".into() } else { tools.join(", ") };
            return Err(PolicySourceError::NoTool(self.source.clone(), tool.into(), tools));
        };
        let all_roles: Vec<RoleName> = self.policy.roles().map(|(role, _)| role.clone()).collect();
        let mut alternatives: Vec<ScopeSet> =
            requirements.into_iter().flat_map(Requirement::alternatives).collect();
        alternatives.sort_by_key(ScopeSet::len);
        let admits = |scopes: &ScopeSet| {
            let who = Hypothetical {
                scopes: scopes.clone(),
                roles: BTreeSet::new(),
                ..Hypothetical::with_roles(all_roles.clone())
            };
            self.policy.evaluate(Some(&who), &action) == Verdict::Permit
        };
        alternatives
            .into_iter()
            .find(admits)
            .ok_or_else(|| PolicySourceError::NoRoleMayCall(self.source.clone(), tool.into()))
    }

    /// The scopes that `role` may hold.
    pub(crate) fn scopes_for_role(&self, role: &RoleName) -> Result<ScopeSet, PolicySourceError> {
        let found = self.policy.roles().find(|(name, _)| *name == role);
        found.map(|(_, scopes)| scopes.clone()).ok_or_else(|| {
            let names: Vec<_> = self.policy.roles().map(|(name, _)| name.as_str()).collect();
            let meant = similar(role.as_str(), names.iter().copied());
            let meant = meant.map_or_else(String::new, |it| format!("; did you mean {it}?"));
            let names = names.join(", ") + &meant;
            PolicySourceError::NoRole(self.source.clone(), role.clone(), names)
        })
    }

    /// A warning for each scope that the policy does not have, with what was probably meant.
    pub(crate) fn unknown_scopes(&self, scopes: &ScopeSet) -> Vec<String> {
        let known = self.policy.scopes();
        let is_unknown = |scope: &&Scope| !known.contains(scope);
        let warning = |scope: &Scope| {
            let hint = similar(scope.as_str(), known.iter().map(Scope::as_str));
            let hint = hint.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
            format!("{} has no scope {scope}{hint}: it grants nothing there", self.source)
        };
        scopes.iter().filter(is_unknown).map(warning).collect()
    }

    /// What a token with `scopes` and `roles`, meant for `tools`, contains without effect.
    pub(crate) fn warnings(
        &self,
        scopes: &ScopeSet,
        roles: &BTreeSet<RoleName>,
        tools: &[String],
    ) -> Vec<String> {
        let source = &self.source;
        let known = self.policy.scopes();
        let mut warnings = Vec::new();
        let strange = scopes.iter().filter(|scope| !known.contains(scope)).map(Scope::as_str);
        let strange: Vec<_> = strange.collect();
        if !strange.is_empty() {
            warnings
                .push(format!("{source} has no scope {}: it grants nothing", strange.join(", ")));
        }
        for role in roles.iter().filter(|role| !self.policy.has_role(role)) {
            warnings.push(format!("{source} has no role {role}: it grants nothing"));
        }
        let held: BTreeSet<&Scope> =
            self.policy.roles().flat_map(|(_, scopes)| scopes.iter()).collect();
        for scope in known.iter().filter(|it| scopes.contains(it) && !held.contains(it)) {
            warnings.push(format!("no role of {source} may hold {scope}: no user can have it"));
        }
        let all_roles = self.policy.roles().map(|(role, _)| role.clone());
        let who = Hypothetical {
            scopes: scopes.clone(),
            roles: roles.clone(),
            ..Hypothetical::with_roles(all_roles)
        };
        for tool in tools {
            let action = Action::CallTool(tool.clone());
            if self.policy.evaluate(Some(&who), &action) != Verdict::Permit {
                warnings.push(format!("by {source} no user could call {tool} with these scopes"));
            }
        }
        warnings
    }
}

/// The scopes that calling `tool` needs, from a running server.
pub(crate) fn ask_for_tool(
    resource: &ResourceUri,
    tool: &str,
    environment: &Environment,
    world: &World<'_>,
) -> Result<ScopeSet, PolicySourceError> {
    let answer = server::ask(
        resource,
        "admin/requirement",
        &json!({ "tool": tool }),
        None,
        environment,
        world,
    )?;
    let scopes = answer.get("scopes").and_then(Value::as_str).and_then(|text| text.parse().ok());
    match (answer.get("fault").and_then(Value::as_str), scopes) {
        (None, Some(scopes)) => Ok(scopes),
        (Some(_), _) => {
            Err(PolicySourceError::NoTool(resource.to_string(), tool.into(), "others".into()))
        }
        (None, None) => Err(ServerError::Answer.into()),
    }
}
