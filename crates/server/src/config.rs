//! Raw texts in, resolved configuration out: everything is looked at, and all faults are told together.

use std::{collections::BTreeSet, path::PathBuf};

use auth_core::{Issuer, Policy, ResourceUri, TokenVerifier, TrustedIssuer};
use settings::{Environment, Variable, VerifyingKeys};

use crate::{
    args::RunArgs,
    policy_file::{self, PolicySource},
};

/// All that the server needs to know.
#[derive(Debug)]
pub struct Config {
    /// Where to listen: `host:port`.
    pub bind: String,
    /// The canonical URI.
    pub resource: ResourceUri,
    /// The one issuer whose tokens count.
    pub issuer: Issuer,
    /// Its keys.
    pub keys: VerifyingKeys,
    /// The directory of users.
    pub database_url: String,
    /// Who may do what.
    pub policy: Policy,
    /// Where the policy came from.
    pub policy_source: PolicySource,
}

/// Everything that is wrong with the configuration, one fault a line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Resolves flags over environment over `.env` over defaults.
    pub fn resolve(args: &RunArgs, environment: &Environment) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let text = |flag: &Option<String>, variable: Variable| {
            flag.as_deref().or(environment.get(variable)).unwrap_or_default().to_owned()
        };

        let bind = text(&args.bind, Variable::BindAddr);
        let port = bind.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() {
            faults.push(format!("BIND_ADDR {bind:?}: write host:port, for example 127.0.0.1:8000"));
        }
        let resource = text(&args.resource, Variable::McpResource);
        let resource = parse_resource(&resource)
            .map_err(|fault| faults.push(format!("MCP_RESOURCE {resource:?}: {fault}")));
        let issuer = text(&args.issuer, Variable::JwtIssuer);
        let issuer = issuer
            .parse::<Issuer>()
            .map_err(|fault| faults.push(format!("JWT_ISSUER {issuer:?}: {fault}")));
        let keys =
            settings::verifying_keys(environment).map_err(|fault| faults.push(fault.to_string()));
        let policy = load_policy(args.policy.as_ref(), environment)
            .map_err(|fault| faults.push(fault.to_string()));

        match (resource, issuer, keys, policy) {
            (Ok(resource), Ok(issuer), Ok(keys), Ok((policy, policy_source)))
                if faults.is_empty() =>
            {
                Ok(Self {
                    bind,
                    resource,
                    issuer,
                    keys,
                    database_url: text(&args.database_url, Variable::DatabaseUrl),
                    policy,
                    policy_source,
                })
            }
            _ => Err(ConfigError(faults)),
        }
    }

    /// The judge of tokens: this issuer's `at+jwt` for this resource. Its roles count, because what
    /// they grant is bounded by the directory all the same.
    #[must_use]
    pub fn verifier(&self) -> TokenVerifier {
        let issuer =
            TrustedIssuer::new(self.issuer.clone(), self.keys.keys.clone()).trust_roles(true);
        TokenVerifier::new(self.resource.audience().clone()).trust(issuer)
    }

    /// What protects the server, for the line that it prints at start.
    #[must_use]
    pub fn protection(&self) -> String {
        let algorithms: BTreeSet<_> =
            self.keys.keys.iter().map(|key| key.algorithm().name()).collect();
        let algorithms: Vec<_> = algorithms.into_iter().collect();
        format!(
            "protected: {} tokens of {} for {}, policy {}",
            algorithms.join("/"),
            self.issuer,
            self.resource,
            self.policy_source
        )
    }
}

/// A resource whose path can be served beside the server's own.
fn parse_resource(text: &str) -> Result<ResourceUri, String> {
    let resource: ResourceUri = text.parse().map_err(|fault| format!("{fault}"))?;
    let path = resource.path();
    let own = ["/healthz", "/readyz"].contains(&path) || path.starts_with("/.well-known");
    // Characters that the router takes for patterns.
    if own || path.contains(['{', '}', '*', ':']) {
        return Err("this path cannot be served: choose another, for example /mcp".into());
    }
    Ok(resource)
}

/// The policy that the flag or the environment names, or the built-in one.
pub(crate) fn load_policy(
    flag: Option<&PathBuf>,
    environment: &Environment,
) -> Result<(Policy, PolicySource), policy_file::PolicyFileError> {
    let named = environment.get(Variable::PolicyFile).map(PathBuf::from);
    policy_file::load(flag.or(named.as_ref()).map(PathBuf::as_path))
}
