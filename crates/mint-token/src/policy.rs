//! The policy: which one, what it asks for, and what it could never admit.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use auth_core::{
    Action, Policy, PolicyDocument, PolicyError, Requirement, ResourceUri, RoleName, Scope,
    ScopeSet, Supposed, Verdict,
};
use serde_json::{Value, json};
use settings::{Environment, Variable};

use crate::{Request, World, server};

/// The policy that `server` has built in, for whoever names none.
const BUILT_IN: &str = include_str!("../../server/policy.toml");

/// Why there is no policy, or no answer from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyFault {
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What it says is at fault.
    #[error("{path}: the policy has faults:\n{fault}")]
    Faults {
        /// Which file.
        path: PathBuf,
        /// The faults.
        fault: PolicyError,
    },
    /// A tool without a rule.
    #[error("{0} has no rule for the tool {1:?}, so no token can call it. It has rules for {2}")]
    NoTool(String, String, String),
    /// A tool that nobody may call.
    #[error("{0} has no role that may call the tool {1:?}, so no token can")]
    Nobody(String, String),
    /// A role that is not there.
    #[error("{0} has no role \"{1}\". It has {2}")]
    NoRole(String, RoleName, String),
    /// The server could not be asked, or said no.
    #[error(transparent)]
    Server(#[from] server::ServerFault),
}

/// A policy and where it came from.
pub(crate) struct Named {
    pub(crate) policy: Policy,
    /// For messages.
    pub(crate) source: String,
    /// Whether somebody named it, rather than leaving it to the default.
    pub(crate) is_chosen: bool,
}

/// The policy that `flag` names, else the configured one, else the built-in one.
pub(crate) fn load(flag: Option<&Path>, environment: &Environment) -> Result<Named, PolicyFault> {
    let configured = environment.get(Variable::PolicyFile).map(PathBuf::from);
    let Some(path) = flag.map(Path::to_path_buf).or(configured) else {
        let policy = read(BUILT_IN, Path::new("the built-in policy"))?;
        return Ok(Named { policy, source: "the built-in policy".into(), is_chosen: false });
    };
    let text = fs::read_to_string(&path)
        .map_err(|error| PolicyFault::File { path: path.clone(), reason: error.to_string() })?;
    let policy = read(&text, &path)?;
    Ok(Named { policy, source: path.display().to_string(), is_chosen: true })
}

fn read(text: &str, path: &Path) -> Result<Policy, PolicyFault> {
    let document: PolicyDocument = toml::from_str(text)
        .map_err(|error| PolicyFault::File { path: path.into(), reason: error.to_string() })?;
    Policy::try_from(document).map_err(|fault| PolicyFault::Faults { path: path.into(), fault })
}

impl Named {
    /// The scopes that calling `tool` needs: of the ways that are enough, one that somebody may go, with
    /// as few scopes as can be.
    pub(crate) fn scopes_for_tool(&self, tool: &str) -> Result<ScopeSet, PolicyFault> {
        let action = Action::CallTool(tool.into());
        let Some(requirements) = self.policy.requirements(&action) else {
            let tools = self.policy.actions().into_iter().filter_map(|action| match action {
                Action::CallTool(name) => Some(name.as_str()),
                _ => None,
            });
            let tools: Vec<_> = tools.collect();
            let tools = if tools.is_empty() { "none".into() } else { tools.join(", ") };
            return Err(PolicyFault::NoTool(self.source.clone(), tool.into(), tools));
        };
        let everybody: Vec<RoleName> = self.policy.roles().map(|(role, _)| role.clone()).collect();
        let mut ways: Vec<ScopeSet> =
            requirements.into_iter().flat_map(Requirement::alternatives).collect();
        ways.sort_by_key(ScopeSet::len);
        let admits = |way: &ScopeSet| {
            let who = Supposed {
                scopes: way.clone(),
                roles: BTreeSet::new(),
                ..Supposed::with_roles(everybody.clone())
            };
            self.policy.suppose(Some(&who), &action) == Verdict::Permit
        };
        ways.into_iter()
            .find(admits)
            .ok_or_else(|| PolicyFault::Nobody(self.source.clone(), tool.into()))
    }

    /// The scopes that `role` may hold.
    pub(crate) fn scopes_for_role(&self, role: &RoleName) -> Result<ScopeSet, PolicyFault> {
        let found = self.policy.roles().find(|(name, _)| *name == role);
        found.map(|(_, scopes)| scopes.clone()).ok_or_else(|| {
            let names: Vec<_> = self.policy.roles().map(|(name, _)| name.as_str()).collect();
            PolicyFault::NoRole(self.source.clone(), role.clone(), names.join(", "))
        })
    }

    /// What in a token with `scopes` and `roles`, meant for `tools`, could never count.
    pub(crate) fn doubts(
        &self,
        scopes: &ScopeSet,
        roles: &BTreeSet<RoleName>,
        tools: &[String],
    ) -> Vec<String> {
        let source = &self.source;
        let known = self.policy.scopes();
        let mut doubts = Vec::new();
        let strange = scopes.iter().filter(|scope| !known.contains(scope)).map(Scope::as_str);
        let strange: Vec<_> = strange.collect();
        if !strange.is_empty() {
            doubts
                .push(format!("{source} knows no scope {}: it grants nothing", strange.join(", ")));
        }
        for role in roles.iter().filter(|role| !self.policy.has_role(role)) {
            doubts.push(format!("{source} knows no role {role}: it grants nothing"));
        }
        let held: BTreeSet<&Scope> =
            self.policy.roles().flat_map(|(_, scopes)| scopes.iter()).collect();
        for scope in known.iter().filter(|it| scopes.contains(it) && !held.contains(it)) {
            doubts.push(format!("no role of {source} may hold {scope}: no user can have it"));
        }
        let everybody = self.policy.roles().map(|(role, _)| role.clone());
        let who = Supposed {
            scopes: scopes.clone(),
            roles: roles.clone(),
            ..Supposed::with_roles(everybody)
        };
        for tool in tools {
            let action = Action::CallTool(tool.clone());
            if self.policy.suppose(Some(&who), &action) != Verdict::Permit {
                doubts.push(format!("by {source} no user could call {tool} with these scopes"));
            }
        }
        doubts
    }
}

/// The scopes that calling `tool` needs, from a running server.
pub(crate) fn ask_for_tool(
    resource: &ResourceUri,
    tool: &str,
    environment: &Environment,
    world: &World<'_>,
) -> Result<ScopeSet, PolicyFault> {
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
            Err(PolicyFault::NoTool(resource.to_string(), tool.into(), "others".into()))
        }
        (None, None) => Err(server::ServerFault::Answer.into()),
    }
}

/// A question without a token, for whoever has an address alone.
pub(crate) fn plain(url: String, environment: &Environment) -> Request {
    let ca_file = environment.set_value(Variable::CaFile).map(Into::into);
    Request { url, document: None, token: None, body: None, ca_file }
}
