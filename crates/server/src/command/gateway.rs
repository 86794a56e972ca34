//! `server gateway`: MCP servers in any language, each behind the guard.

use std::{io, sync::Arc};

use auth_core::Policy;
use listener::signals::Signals;
use settings::{EnvFile, Environment};
use terminal::{Invocation, Screen};
use tokio::{sync::Semaphore, task::JoinHandle};
use upstream::catalog::Offered;

use super::{
    run::{Start, hints, serve_until},
    upstreams::{chosen, diff_command},
};
use crate::{
    app::{
        served::{Reading, Reread, Served},
        settings_files::SettingsFiles,
        upstream_resource::UpstreamResource,
    },
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
    let files = SettingsFiles::new(args, env_file, environment);
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
    let shared = gateway::SharedParts::new(limits)?;
    // Before a server is opened: what is wrong with the settings is an error of the start.
    let first = ready.first().map(|ready| (&ready.policy, &ready.config));
    let config = resolve(first, ready.len(), args, environment).map_err(|faults| {
        ConfigError(faults.0.into_iter().chain(hints(environment, invocation)).collect())
    })?;
    let open = |ready| gateway::open(ready, &shared, environment);
    let upstreams = ready.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let served = served(config, upstreams, args, environment);
    let reread = RereadGateway {
        gateway: gateway.clone(),
        args: args.clone(),
        shared,
        invocation: invocation.clone(),
    };
    let start = Start { served, files, reread: Box::new(reread) };
    let serving = serve_until(&mut signals, start, env_file, environment, invocation, out);
    Box::pin(serving).await
}

/// What is served with this configuration.
fn served(
    config: Config,
    upstreams: Vec<UpstreamResource>,
    args: &RunArgs,
    environment: &Environment,
) -> Served {
    let is_only_one = upstreams.len() == 1;
    let recheck = Recheck { args: args.clone(), environment: environment.clone(), is_only_one };
    Served { config, recheck, upstreams }
}

/// Reads the settings of the gateway again.
struct RereadGateway {
    gateway: GatewayArgs,
    args: RunArgs,
    shared: gateway::SharedParts,
    invocation: Invocation,
}

impl Reread for RereadGateway {
    fn reread<'a>(
        &'a self,
        environment: &'a Environment,
        before: &'a [UpstreamResource],
    ) -> Reading<'a> {
        Box::pin(async move {
            let Self { gateway, args, .. } = self;
            let configs = chosen(gateway.name.as_deref(), &gateway.upstream, args, environment)?;
            let mut upstreams = Vec::new();
            for config in configs {
                let same = before.iter().find(|it| it.config == config);
                upstreams.push(match same {
                    Some(same) => same.clone(),
                    None => self.opened(config, environment).await?,
                });
            }
            let first = upstreams.first().map(|it| (&it.policy, &it.config));
            let config = resolve(first, upstreams.len(), args, environment)?;
            Ok(served(config, upstreams, args, environment))
        })
    }
}

impl RereadGateway {
    /// A server that was not there before, or is configured otherwise. It was accepted, or is not
    /// served.
    async fn opened(
        &self,
        config: UpstreamConfig,
        environment: &Environment,
    ) -> Result<UpstreamResource, Failure> {
        let files = gateway::UpstreamFiles::read(&config)?;
        if files.policy.is_none() || files.lock.is_none() || !files.is_accepted() {
            let name = config.name.to_string();
            return Err(Failure::NotAccepted { name, policy: config.policy });
        }
        let patience = gateway::patience(&config, false);
        let offered = gateway::listed(&config, patience, environment).await;
        let diff = diff_command(&config, &self.gateway.upstream, &self.invocation);
        let mut text = Vec::new();
        let ready = gateway::prepare(config, offered, false, &diff, &mut text)?;
        for line in String::from_utf8_lossy(&text).lines() {
            tracing::warn!("{line}");
        }
        gateway::open(ready, &self.shared, environment)
    }
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

/// The rest of the configuration, with the policy of the `first` of `count` servers.
fn resolve(
    first: Option<(&Policy, &UpstreamConfig)>,
    count: usize,
    args: &RunArgs,
    environment: &Environment,
) -> Result<Config, ConfigError> {
    let Some((policy, config)) = first else {
        return Err(ConfigError(vec!["no server is configured".into()]));
    };
    let policy = (policy.clone(), PolicySource::File(config.policy.clone()));
    Config::resolve_with(args, environment, Ok(policy), count == 1)
}
