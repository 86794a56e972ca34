//! What a token contains: the flags, over another token, over the defaults.

use std::{collections::BTreeSet, time::Duration};

use auth_core::{
    Audience, ClientId, Issuer, NumericDate, RoleName, ScopeSet, Subject, base64url, parse_strict,
};
use serde_json::{Map, Value};
use settings::{Environment, Variable};

use crate::{
    World,
    args::MintArgs,
    config_error::ConfigError,
    input,
    policy::{self, Named},
};

/// The display name of the user who is the default: the first one that `server init` makes.
const FIRST_NAME: &str = "Alice";
/// Claims that are this token's own.
const FRESH: [&str; 4] = ["exp", "iat", "nbf", "jti"];
/// Claims with a flag of their own.
const OWN: [&str; 7] = ["iss", "sub", "aud", "client_id", "scope", "roles", "name"];

/// What a token contains, except its times and its jti.
pub(super) struct Content {
    pub(super) issuer: Option<Issuer>,
    pub(super) audience: Option<Audience>,
    pub(super) subject: Subject,
    pub(super) name: Option<String>,
    pub(super) client_id: Option<ClientId>,
    pub(super) scopes: ScopeSet,
    pub(super) roles: BTreeSet<RoleName>,
    pub(super) lifetime: Duration,
    pub(super) claims: Map<String, Value>,
}

impl Content {
    /// Puts `args` over the token that `--like` names, and takes scopes from the policy where a
    /// flag says so.
    pub(super) fn of(
        args: &MintArgs,
        named: Option<&Named>,
        environment: &Environment,
        world: &mut World<'_>,
    ) -> Result<Self, ConfigError> {
        let flags = args.scope.iter().fold(ScopeSet::empty(), |all, some| all.union(some));
        let (subject, name) = user(args, environment)?;
        let mut content = Self {
            issuer: None,
            audience: None,
            subject,
            name,
            client_id: Some(args.client_id.clone()),
            scopes: flags.clone(),
            roles: BTreeSet::new(),
            lifetime: args.ttl,
            claims: Map::new(),
        };
        if let Some(from) = &args.like {
            content.copy_from(args, &from_token(from, world)?)?;
        }
        let by_policy = !args.for_tool.is_empty() || !args.for_role.is_empty();
        if by_policy {
            let mut scopes = if args.explicit.scope { flags } else { ScopeSet::empty() };
            for tool in &args.for_tool {
                scopes = scopes.union(&match (&args.server, named) {
                    (Some(server), _) => {
                        let resource = server.parse().map_err(ConfigError::Server)?;
                        policy::ask_for_tool(&resource, tool, environment, world)?
                    }
                    (None, Some(named)) => named.scopes_for_tool(tool)?,
                    (None, None) => ScopeSet::empty(),
                });
            }
            for role in &args.for_role {
                scopes = scopes.union(&match named {
                    Some(named) => named.scopes_for_role(role)?,
                    None => ScopeSet::empty(),
                });
            }
            content.scopes = scopes;
        }
        content.roles.extend(args.role.iter().cloned());
        for claim in &args.claim {
            content.claims.insert(claim.name.clone(), claim.value.clone());
        }
        Ok(content)
    }

    /// Copies what `like` has and no flag sets.
    fn copy_from(&mut self, args: &MintArgs, like: &Map<String, Value>) -> Result<(), ConfigError> {
        let text = |name: &str| like.get(name).and_then(Value::as_str);
        let wrong = |name: &'static str| ConfigError::Like(format!("its {name} cannot be copied"));
        if args.sub.is_none() {
            self.subject = text("sub").and_then(|it| it.parse().ok()).ok_or(wrong("sub"))?;
        }
        if args.name.is_none() {
            self.name = if args.sub.is_some() { None } else { text("name").map(str::to_owned) };
        }
        if !args.explicit.client_id {
            self.client_id = text("client_id").and_then(|it| it.parse().ok());
        }
        if !args.explicit.scope {
            self.scopes = match like.get("scope") {
                None => ScopeSet::empty(),
                Some(scope) => {
                    scope.as_str().and_then(|it| it.parse().ok()).ok_or(wrong("scope"))?
                }
            };
        }
        if let (None, Some(issuer)) = (&args.iss, like.get("iss")) {
            let issuer = issuer.as_str().and_then(|it| it.parse().ok());
            self.issuer = Some(issuer.ok_or(wrong("iss"))?);
        }
        if let (None, Some(audience)) = (&args.aud, like.get("aud")) {
            let one = match audience {
                Value::Array(list) if list.len() == 1 => list.first(),
                other => Some(other),
            };
            let one = one.and_then(Value::as_str).and_then(|it| it.parse().ok());
            self.audience = Some(one.ok_or(wrong("aud (write one with --resource)"))?);
        }
        if let (true, Some(roles)) = (args.role.is_empty(), like.get("roles")) {
            let roles = roles.as_array().ok_or(wrong("roles"))?;
            for role in roles {
                let role = role.as_str().and_then(|it| it.parse().ok());
                self.roles.insert(role.ok_or(wrong("roles"))?);
            }
        }
        let date = |name: &str| NumericDate::from_json(like.get(name)?).ok();
        if let (false, Some(until)) = (args.explicit.ttl, date("exp")) {
            let from = date("nbf").or_else(|| date("iat"));
            let lifetime = from.map(|from| until.since(from)).filter(|it| !it.is_zero());
            self.lifetime = lifetime.unwrap_or(self.lifetime);
        }
        let others = like
            .iter()
            .filter(|(name, _)| !FRESH.contains(&name.as_str()) && !OWN.contains(&name.as_str()));
        self.claims.extend(others.map(|(name, value)| (name.clone(), value.clone())));
        Ok(())
    }
}

/// Whom the token is for, and under which display name: the flags, else the first user of a
/// directory. The default name belongs to the default subject.
fn user(
    args: &MintArgs,
    environment: &Environment,
) -> Result<(Subject, Option<String>), ConfigError> {
    let by_default = environment.get(Variable::TokenSubject).unwrap_or_default();
    let subject = match &args.sub {
        Some(subject) => subject.clone(),
        None => by_default.parse().map_err(ConfigError::Subject)?,
    };
    let is_first = args.sub.is_none() && environment.set_value(Variable::TokenSubject).is_none();
    let name = args.name.clone().or_else(|| is_first.then(|| FIRST_NAME.to_owned()));
    Ok((subject, name.filter(|name| !name.is_empty())))
}

/// The claims of the token that `from` names, which need not be valid.
fn from_token(from: &str, world: &mut World<'_>) -> Result<Map<String, Value>, ConfigError> {
    let text = input::token(from, world)?;
    let claims = text.split('.').nth(1).and_then(|part| base64url::decode(part).ok());
    match claims.and_then(|bytes| parse_strict(&bytes).ok()) {
        Some(Value::Object(claims)) => Ok(claims),
        _ => Err(ConfigError::Like("it is not a JWT".into())),
    }
}
