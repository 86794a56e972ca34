//! `server gateway`: MCP servers in any language, each behind the guard.

use std::{io, sync::Arc};

use listener::signals::Signals;
use settings::{EnvFile, Environment};
use terminal::{Invocation, Screen};
use tokio::{sync::Semaphore, task::JoinHandle};
use upstream::catalog::Offered;

use super::{
    run::{Served, hints, serve_until},
    upstreams::{chosen, diff_command},
};
use crate::{
    args::{GatewayArgs, RunArgs},
    config::{
        policy_file::PolicySource,
        settings::{Config, ConfigError},
        upstreams::UpstreamConfig,
    },
    failure::Failure,
    gateway::{self, ListingError, Ready},
    reload::Recheck,
    telemetry::log,
};

/// How many servers are asked at the same time what they offer.
const AT_ONCE: usize = 4;

pub(crate) async fn gateway(
    gateway: &GatewayArgs,
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    log::start(environment).map_err(|fault| ConfigError(vec![fault]))?;
    let configs = chosen(gateway.name.as_deref(), &gateway.upstream, args, environment)?;
    let limits = gateway::GatewayLimits::read(environment)?;
    let mut ready: Vec<Ready> = Vec::new();
    for (config, asking) in asked(configs, gateway.accept, environment) {
        let offered = tokio::select! {
            offered = asking => offered,
            // What is asked ends with this program.
            () = signals.asked_to_stop() => return Ok(()),
        };
        let offered = offered
            .map_err(|error| Failure::Io { context: "listing", source: io::Error::other(error) })?;
        let diff = diff_command(&config, &gateway.upstream, invocation);
        ready.push(gateway::prepare(config, offered, gateway.accept, &diff, out)?);
    }
    let config = resolve(&ready, args, environment, invocation)?;
    let recheck = Recheck {
        args: args.clone(),
        environment: environment.clone(),
        is_only_one: ready.len() == 1,
    };
    let shared = gateway::SharedParts::new(limits)?;
    let mut upstreams = Vec::new();
    for ready in ready {
        let policy = PolicySource::File(ready.config.policy.clone());
        upstreams.push((gateway::open(ready, &shared, environment)?, policy));
    }
    let served = Served { config, recheck, upstreams };
    serve_until(&mut signals, served, env_file, environment, invocation, out).await
}

/// Asks the servers of `configs` what they offer, some of them at the same time.
fn asked(
    configs: Vec<UpstreamConfig>,
    accept: bool,
    environment: &Environment,
) -> Vec<(UpstreamConfig, JoinHandle<Result<Offered, ListingError>>)> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let ask = |config: UpstreamConfig| {
        let (asked, environment, places) =
            (config.clone(), environment.clone(), Arc::clone(&places));
        let patience = gateway::patience(&config, accept);
        let asking = tokio::spawn(async move {
            // It is never closed.
            let _place = places.acquire().await;
            gateway::listed(&asked, patience, &environment).await
        });
        (config, asking)
    };
    configs.into_iter().map(ask).collect()
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
        let hints = hints(environment, invocation);
        ConfigError(faults.0.into_iter().chain(hints).collect()).into()
    })
}
