//! `server` or `server run`: the demo server.

use std::io::Write;

use listener::signals::Signals;
use settings::{EnvFile, Environment};
use terminal::{Invocation, Program};

use super::serve::{Start, serve_until};
use crate::{
    app::{
        served::{Reading, Reread, Served},
        settings_files::SettingsFiles,
        upstream_resource::UpstreamResource,
    },
    args::RunArgs,
    config::settings::{Config, ConfigError, policy_path},
    failure::Failure,
    mcp::server::McpServer,
    reload::Recheck,
    telemetry::log,
};

pub(crate) async fn run(
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let log = log::start(environment);
    let policy = policy_path(args.policy.as_ref(), environment);
    let files = SettingsFiles::new(args, env_file, environment, policy);
    let environment = &files.environment().clone();
    let config = match (Config::resolve(args, environment, &McpServer::offers()), log) {
        (Ok(config), Ok(())) => config,
        (Ok(_), Err(fault)) => return Err(ConfigError(vec![fault]).into()),
        (Err(faults), log) => {
            let hints = hints(environment, invocation);
            let all = faults.0.into_iter().chain(log.err()).chain(hints);
            return Err(ConfigError(all.collect()).into());
        }
    };
    if environment.config().upstreams().is_some() {
        let command = invocation.command(Program::Server, "gateway");
        tracing::warn!("The sections [upstreams.NAME] are not served: `{command}` serves them");
    }
    let served = served(config, args, environment);
    let start = Start { served, files, reread: Box::new(RereadServer { args: args.clone() }) };
    let serving = serve_until(&mut signals, start, env_file, environment, invocation, out);
    Box::pin(serving).await
}

/// The demo server with this configuration.
fn served(config: Config, args: &RunArgs, environment: &Environment) -> Served {
    let recheck =
        Recheck { args: args.clone(), environment: environment.clone(), is_only_one: true };
    Served { config, recheck, upstreams: Vec::new() }
}

/// Reads the settings of the demo server again.
struct RereadServer {
    args: RunArgs,
}

impl Reread for RereadServer {
    fn reread<'a>(
        &'a self,
        environment: &'a Environment,
        _: &'a [UpstreamResource],
    ) -> Reading<'a> {
        let resolved = Config::resolve(&self.args, environment, &McpServer::offers());
        Box::pin(async move { Ok(served(resolved?, &self.args, environment)) })
    }
}

/// What may help where the configuration is invalid: variables in `.env` with misspelled names, or
/// a new file.
pub(super) fn hints(environment: &Environment, invocation: &Invocation) -> Vec<String> {
    let misspelled = environment.misspelled().into_iter();
    let hints: Vec<_> = misspelled
        .map(|(name, meant)| format!("hint: no program reads {name}: did you mean {meant}?"))
        .collect();
    if hints.is_empty() { Vec::from_iter(new_env_file(environment, invocation)) } else { hints }
}

/// How to get a key, where a new `.env` file has one.
fn new_env_file(environment: &Environment, invocation: &Invocation) -> Option<String> {
    let error = settings::verifying_keys(environment).err()?;
    let command = invocation.make_env_file();
    error
        .is_fixed_by_a_new_env_file()
        .then(|| format!("hint: `{command}` makes a .env with a fresh secret where there is none"))
}
