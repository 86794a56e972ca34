//! `server gateway`: MCP servers in any language, each behind the guard.

use std::{io, sync::Arc, time::Duration};

use auth_core::{Clock, Policy, SystemClock};
use listener::signals::Signals;
use settings::{EnvFile, Environment};
use terminal::{Invocation, Screen};
use tokio::{sync::Semaphore, task::JoinHandle};
use upstream::catalog::Offered;

use super::{
    record,
    run::hints,
    serve::{Start, serve_until},
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
    gateway::{self, ListingError, Ready, UpstreamFiles},
    reload::Recheck,
    telemetry::log,
};

/// How many servers are asked at the same time what they offer.
const AT_ONCE: usize = 4;
/// How long the files of a server that is added must be the same.
const SETTLING: Duration = Duration::from_millis(50);

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
    let files = SettingsFiles::new(args, env_file, environment, None);
    let environment = &files.environment().clone();
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
        let recorded = config.clone();
        let accept = gateway.accept;
        let prepare = || gateway::prepare(config, offered, accept, &diff, out);
        ready.push(if accept {
            let context = (args, environment, &SystemClock as &dyn Clock);
            record::accepting("gateway --accept", &recorded, context, prepare).await?
        } else {
            prepare()?
        });
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
            // What is wrong with the settings is found before a server is started.
            let found = configs.into_iter().map(|config| Found::of(config, before));
            let found = found.collect::<Result<Vec<_>, _>>()?;
            let first = found.first().map(Found::policy).transpose()?;
            let first = first.as_ref().map(|(policy, config)| (policy, *config));
            let config = resolve(first, found.len(), args, environment)?;
            let mut upstreams = Vec::new();
            for one in found {
                upstreams.push(match one {
                    Found::Same(same) => *same,
                    Found::Other(config, files) => self.opened(*config, files, environment).await?,
                });
            }
            Ok(served(config, upstreams, args, environment))
        })
    }
}

/// A server that is to be served.
enum Found {
    /// It is there, and is configured so.
    Same(Box<UpstreamResource>),
    /// It was not there before, or is configured otherwise. It was accepted.
    Other(Box<UpstreamConfig>, UpstreamFiles),
}

impl Found {
    fn of(config: UpstreamConfig, before: &[UpstreamResource]) -> Result<Self, Failure> {
        if let Some(same) = before.iter().find(|it| it.config == config) {
            return Ok(Self::Same(Box::new(same.clone())));
        }
        let files = UpstreamFiles::read(&config)?;
        if files.policy.is_none() || files.lock.is_none() || !files.is_accepted() {
            let name = config.name.to_string();
            return Err(Failure::NotAccepted { name, policy: config.policy });
        }
        Ok(Self::Other(Box::new(config), files))
    }

    /// Its policy, which is in force or is to be.
    fn policy(&self) -> Result<(Policy, &UpstreamConfig), Failure> {
        Ok(match self {
            Self::Same(same) => (same.policy.clone(), &same.config),
            Self::Other(config, files) => {
                (gateway::policy_of(files.policy.as_deref().unwrap_or_default())?, config)
            }
        })
    }
}

impl RereadGateway {
    /// A server that was not there before, or is configured otherwise, with the `files` that were
    /// read of it.
    async fn opened(
        &self,
        config: UpstreamConfig,
        files: UpstreamFiles,
        environment: &Environment,
    ) -> Result<UpstreamResource, Failure> {
        let patience = gateway::patience(&config, false);
        let listing = gateway::listed(&config, patience, environment);
        let (offered, ()) = tokio::join!(listing, tokio::time::sleep(SETTLING));
        // A policy that is being written may be whole, and permit more.
        if UpstreamFiles::read(&config)? != files {
            return Err(Failure::Unsettled { name: config.name.to_string() });
        }
        let diff = diff_command(&config, &self.gateway.upstream, &self.invocation);
        let mut text = Vec::new();
        let ready = gateway::prepare_with(config, files, offered, false, &diff, &mut text)?;
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
