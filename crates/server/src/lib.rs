//! An MCP server that only lets the right person, with the right scope, call the right tool.
//!
//! The composition root: this crate alone depends on all the others. [`App`] composes
//! configuration, directory, guard and MCP server; `command/` has the commands of the command line.
//!
//! **Invariant:** the server does not start while something that it offers has no rule, without a
//! key, or with a placeholder as its secret.

mod admin;
mod app;
mod args;
mod authenticate;
mod command;
mod config;
mod current_router;
mod failure;
mod gateway;
mod key_files;
mod mcp;
mod policy;
mod random;
mod reload;
mod telemetry;
mod tls;

use std::path::PathBuf;

pub use admin::bind::{AdminBind, AdminBindError};
pub use admin::readiness::{Failing, Readiness};
pub use app::{App, Backend, Bounds, Resource, ResourceError, Upstream};
pub use args::{
    AuditCommand, AuditFilter, Cli, ClientsCommand, Command, ConfigCommand, ConnectArgs,
    ConnectProgram, ExportFormat, GatewayArgs, GrantsCommand, NewClientArgs, OutputFormat,
    PolicyArgs, PolicyCommand, RunArgs, SecondFactorCommand, ShowFormat, StatusArgs, TableFormat,
    TokensCommand, UpstreamArgs, UpstreamsCommand, UsersCommand,
};
pub use audit_log::AuditLog;
use auth_core::SystemClock;
pub use authenticate::{
    DirectoryAuthenticator, DirectoryUser, DirectoryUsers, DirectoryUsersError, Provisioning,
};
use command::record::ChangeRecord;
pub use config::issuers::{IntrospectionConfig, IssuerConfig};
pub use config::local_issuer::LocalIssuer;
pub use config::policy_file::{BUILT_IN, PolicyFileError, PolicySource, parse as parse_policy};
pub use config::settings::{Config, ConfigError};
pub use failure::Failure;
pub use gateway::files::GatewayFileError;
pub use key_files::KeyFile;
pub use mcp::server::McpServer;
pub use mcp::service::McpService;
pub use mcp::sessions::{SessionBounds, Sessions};
use settings::{ConfigFile, EnvFile, Environment, Variable};
use terminal::{Invocation, Screen, manual};

/// Runs the command of the command line; results go to `out`, the log to standard error.
pub async fn run(cli: Cli, invocation: &Invocation, out: &mut dyn Screen) -> Result<(), Failure> {
    let done = dispatch(cli, invocation, out).await;
    telemetry::log::flush();
    done
}

async fn dispatch(cli: Cli, invocation: &Invocation, out: &mut dyn Screen) -> Result<(), Failure> {
    // They are about the command line alone, and work where the configuration is invalid.
    if let Some(Command::Completions { shell }) = &cli.command {
        let script =
            manual::completions(*shell, args::definition(invocation), invocation.file_name());
        return out.write_all(script.as_bytes()).map_err(Failure::output);
    }
    if let Some(Command::Man { folder }) = &cli.command {
        let text = manual::printed(args::definition(invocation), folder.as_deref());
        let text = text.map_err(|source| Failure::Io { context: "the manual", source })?;
        return out.write_all(text.as_bytes()).map_err(Failure::output);
    }
    let env_file = EnvFile::at(&cli.env_file);
    let environment = Environment::load(&cli.env_file)?;
    let config = environment.set_value(Variable::ConfigFile).map(PathBuf::from);
    let config = ConfigFile::load(cli.config.as_deref().or(config.as_deref()), &cli.env_file);
    let reports_errors = matches!(cli.command, None | Some(Command::Run | Command::Config(_)));
    if !reports_errors && !config.errors().is_empty() {
        return Err(ConfigError(config.errors().to_vec()).into());
    }
    let environment = environment.with_config(config);
    let record = ChangeRecord::begin(cli.command.as_ref(), &cli.run, &environment, &SystemClock);
    let record = Box::pin(record).await?;
    let done = Box::pin(execute(cli, &env_file, environment, invocation, out)).await;
    match record {
        // The change was made, also if no one reads that it was.
        Some(record) if matches!(done, Ok(()) | Err(Failure::Closed)) => {
            Box::pin(record.finish(&SystemClock)).await.and(done)
        }
        _ => done,
    }
}

async fn execute(
    cli: Cli,
    env_file: &EnvFile,
    environment: Environment,
    invocation: &Invocation,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    match cli.command {
        None | Some(Command::Run) => {
            let serving = command::run::run(&cli.run, env_file, &environment, invocation, out);
            serving.await.map_err(Failure::of_a_server)
        }
        Some(Command::Status(status)) => {
            command::status::status(&status, &environment, &SystemClock, out).await
        }
        Some(Command::Completions { .. } | Command::Man { .. }) => Ok(()),
        Some(Command::Init) => {
            command::init::init(env_file, &environment, &cli.run, &SystemClock, out).await
        }
        Some(Command::Users(users)) => {
            // Not locked: an import and a question read it, too.
            let stdin = &mut std::io::stdin();
            command::users::users(users, &cli.run, &environment, &SystemClock, stdin, out).await
        }
        Some(Command::Clients(clients)) => {
            command::clients::clients(clients, &cli.run, &environment, &SystemClock, out).await
        }
        Some(Command::Grants(grants)) => {
            command::grants::grants(grants, &cli.run, &environment, &SystemClock, out).await
        }
        Some(Command::Connect(connect)) => {
            command::connect::connect(&connect, &cli.run, &environment, invocation, out)
        }
        Some(Command::Tokens(tokens)) => {
            let stdin = &mut std::io::stdin().lock();
            command::tokens::tokens(tokens, &cli.run, &environment, &SystemClock, stdin, out).await
        }
        Some(Command::Audit(audit)) => {
            command::audit::audit(audit, &cli.run, &environment, &SystemClock, out).await
        }
        Some(Command::Config(config)) => {
            command::config::config(&config, &cli.run, env_file, &environment, &SystemClock, out)
        }
        Some(Command::Gateway(gateway)) => {
            let (args, environment) = (&cli.run, &environment);
            let serving =
                command::gateway::gateway(&gateway, args, env_file, environment, invocation, out);
            Box::pin(serving).await.map_err(Failure::of_a_server)
        }
        Some(Command::Upstreams(upstreams)) => {
            command::upstreams::upstreams(upstreams, &cli.run, &environment, invocation, out).await
        }
        Some(Command::Policy(policy)) => {
            command::policy::policy(&policy, &cli.run, &environment, out)
        }
    }
}
