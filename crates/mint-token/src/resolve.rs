//! Puts the flags over the configuration: everything that a token needs from there, or all errors.

use std::{collections::BTreeSet, time::Duration};

use auth_core::{Audience, Issuer, ResourceUri, SigningKey};
use settings::{Environment, Variable, issuer_url};

use crate::{
    World,
    args::MintArgs,
    config_error::ConfigError,
    signer::{self, KeyOrigin},
};

/// What a token needs from the configuration.
pub(crate) struct Resolved {
    pub(crate) issuer: Issuer,
    pub(crate) audience: Audience,
    pub(crate) key: SigningKey,
    pub(crate) origin: KeyOrigin,
    /// How long tokens may live, if the key is rotated.
    pub(crate) max_ttl: Option<Duration>,
}

/// Puts `args` over `environment`. A flag also replaces a variable that is invalid.
pub(crate) fn resolve(
    args: &MintArgs,
    environment: &Environment,
    world: &World<'_>,
) -> Result<Resolved, Vec<ConfigError>> {
    let issuer = issuer(args, environment);
    let audience = audience(args, environment);
    let key = signer::signing_key(args, environment, world);
    let claims = each_claim_once(args);
    match (issuer, audience, key, claims) {
        (Ok(issuer), Ok(audience), Ok(signer), Ok(())) => {
            let signer::Signer { key, origin, max_ttl } = signer;
            Ok(Resolved { issuer, audience, key, origin, max_ttl })
        }
        (issuer, audience, key, claims) => {
            let key = key.err().map(ConfigError::from);
            let errors = [issuer.err(), audience.err(), key, claims.err()];
            Err(errors.into_iter().flatten().collect())
        }
    }
}

fn issuer(args: &MintArgs, environment: &Environment) -> Result<Issuer, ConfigError> {
    let (label, text) = match &args.iss {
        Some(issuer) => ("--issuer", issuer.as_str()),
        None => ("JWT_ISSUER", value(environment, Variable::JwtIssuer)),
    };
    issuer_url(text).map_err(|fault| ConfigError::Issuer(label, fault))
}

fn audience(args: &MintArgs, environment: &Environment) -> Result<Audience, ConfigError> {
    match &args.aud {
        Some(resource) => Ok(resource.audience().clone()),
        None => value(environment, Variable::McpResource)
            .parse()
            .map(|resource: ResourceUri| resource.audience().clone())
            .map_err(ConfigError::Resource),
    }
}

fn each_claim_once(args: &MintArgs) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    match args.claim.iter().find(|claim| !seen.insert(&claim.name)) {
        Some(claim) => Err(ConfigError::ClaimTwice(claim.name.clone())),
        None => Ok(()),
    }
}

/// The value of a variable that has a default; nothing here accepts an empty text.
fn value(environment: &Environment, variable: Variable) -> &str {
    environment.get(variable).unwrap_or_default()
}
