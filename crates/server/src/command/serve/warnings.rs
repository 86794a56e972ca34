//! What is valid but probably unintended, for the log.

use std::net::SocketAddr;

use directory::{AnyDirectory, CachedDirectory, Directory};
use settings::{EnvFile, Environment, KeySource};
use terminal::{Invocation, Program};

use crate::{config::settings::Config, failure::Failure};

/// Of `.env`.
pub(super) fn of_variables(env_file: &EnvFile, environment: &Environment) {
    let path = env_file.path().display();
    if env_file.is_open_to_others() {
        tracing::warn!(
            "Other users can read {path}, which may hold secrets: run `chmod 600 {path}`"
        );
    }
    for (name, meant) in environment.misspelled() {
        tracing::warn!("No program reads {name} in {path}: did you mean {meant}?");
    }
}

/// Of the settings of a server that listens at `address`, and of its users.
pub(super) async fn of_settings(
    config: &Config,
    address: SocketAddr,
    directory: &CachedDirectory<AnyDirectory>,
    invocation: &Invocation,
) -> Result<(), Failure> {
    directory.ping().await?;
    if directory.is_empty() && config.provisioning.is_empty() {
        let command = invocation.command(Program::Server, "users add");
        tracing::warn!("The directory has no users, so every call is refused: `{command}`");
    }
    for issuer in &config.issuers {
        for (place, fault) in &issuer.unusable {
            let issuer = issuer.trusted.issuer().as_str();
            tracing::warn!(issuer, place, %fault, "A key of the issuer's file cannot be used");
        }
    }
    if !address.ip().is_loopback() && config.resource.is_loopback() {
        let resource = config.resource.as_str();
        tracing::warn!(
            resource,
            "Clients on other machines are refused: set MCP_RESOURCE to the URL that they use"
        );
    }
    let Some(keys) = config.local.as_ref().and_then(|local| local.keys.as_ref()) else {
        return Ok(());
    };
    for (place, fault) in &keys.unusable {
        tracing::warn!(place, %fault, "A key of the set in JWT_KEY_FILE cannot be used");
    }
    if keys.source == KeySource::Secret && !config.resource.is_loopback() {
        tracing::warn!(
            "Every holder of JWT_SECRET can issue tokens, this server included: consider JWT_KEY_FILE with a public key"
        );
    }
    Ok(())
}
