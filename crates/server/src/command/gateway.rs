//! `server gateway`: MCP servers in any language, each behind the guard.

use std::io::Write;

use listener::shutdown;
use settings::{EnvFile, Environment};
use terminal::Invocation;

use super::{
    run::{new_env_file, serve_until},
    upstreams::{chosen, diff_command},
};
use crate::{
    args::{GatewayArgs, RunArgs},
    config::{
        policy_file::PolicySource,
        settings::{Config, ConfigError},
    },
    failure::Failure,
    gateway::{self, Ready},
    telemetry::log,
};

pub(crate) async fn gateway(
    gateway: &GatewayArgs,
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let asked_to_stop = shutdown::signal();
    log::start(environment).map_err(|fault| ConfigError(vec![fault]))?;
    let configs = chosen(gateway.name.as_deref(), &gateway.upstream, args, environment)?;
    let limits = gateway::GatewayLimits::read(environment)?;
    let mut ready: Vec<Ready> = Vec::new();
    for config in configs {
        let offered = gateway::listed(&config, environment).await;
        let diff = diff_command(&config, &gateway.upstream, invocation);
        ready.push(gateway::prepare(config, offered, gateway.accept, &diff, out)?);
    }
    let config = resolve(&ready, args, environment, invocation)?;
    let shared = gateway::SharedParts::new(limits)?;
    let mut upstreams = Vec::new();
    for ready in ready {
        let policy = PolicySource::File(ready.config.policy.clone());
        upstreams.push((gateway::open(ready, &shared, environment)?, policy));
    }
    serve_until(asked_to_stop, &config, upstreams, env_file, environment, invocation, out).await
}

/// The rest of the configuration, with the policy of the first server.
fn resolve(
    ready: &[Ready],
    args: &RunArgs,
    environment: &Environment,
    invocation: &Invocation,
) -> Result<Config, Failure> {
    let Some(first) = ready.first() else {
        return Err(Failure::Usage("no server is configured".into()));
    };
    let policy = (first.policy.clone(), PolicySource::File(first.config.policy.clone()));
    Config::resolve_with(args, environment, Ok(policy), ready.len() == 1).map_err(|faults| {
        let hint = new_env_file(environment, invocation);
        ConfigError(faults.0.into_iter().chain(hint).collect()).into()
    })
}
