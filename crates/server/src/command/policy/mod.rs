//! `server policy …`: look at the policy without starting anything.

mod cases;
mod check;
mod diff;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
};

use auth_core::Action;
use settings::Environment;
use terminal::Screen;

use crate::{
    args::{PolicyArgs, PolicyCommand, RunArgs},
    command::upstreams,
    config::{
        policy_file::{self, PolicyFileError},
        settings::policy_path,
    },
    failure::Failure,
    gateway,
    mcp::server::McpServer,
};

pub(crate) use table::reference;

pub(crate) fn policy(
    policy: &PolicyArgs,
    args: &RunArgs,
    environment: &Environment,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let (path, offers) = match &policy.upstream {
        None => (policy_path(args.policy.as_ref(), environment), McpServer::offers()),
        Some(name) => upstream_policy(name, args, environment)?,
    };
    let load = || policy_file::load(path.as_deref(), environment, &offers);
    match &policy.command {
        PolicyCommand::Check => {
            let (policy, source) = load()?;
            check::check(&policy, &source, &offers, out)
        }
        PolicyCommand::Table { all, output } => table::table(&load()?.0, *all, *output, out),
        PolicyCommand::Diff { old, new, output } => {
            let (old, new) = (policy_file::read_any(old)?, policy_file::read_any(new)?);
            diff::diff(&old, &new, *output, out)
        }
        PolicyCommand::Test { file, output } => {
            let text = text_of(file)?;
            cases::test(&load()?.0, file, &text, *output, out)
        }
        PolicyCommand::Reference => {
            let text = match path {
                None => policy_file::BUILT_IN.to_owned(),
                Some(path) => text_of(&path)?,
            };
            out.write_all(reference(&text)?.as_bytes()).map_err(Failure::output)
        }
        PolicyCommand::Show => match path {
            None => out.write_all(policy_file::BUILT_IN.as_bytes()).map_err(Failure::output),
            Some(path) => out.write_all(text_of(&path)?.as_bytes()).map_err(Failure::output),
        },
    }
}

/// The policy file of a server behind the gateway, and what it was accepted to offer. The server is
/// not asked.
fn upstream_policy(
    name: &str,
    args: &RunArgs,
    environment: &Environment,
) -> Result<(Option<PathBuf>, Vec<Action>), Failure> {
    let (policy, lock) = upstreams::files_of(name, args, environment)?;
    let lock = gateway::read_lock(&lock)?.unwrap_or_default();
    let offers = lock.pins.iter().filter_map(|it| it.kind().action(it.key())).collect();
    Ok((Some(policy), offers))
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|source| PolicyFileError::Unreadable {
        path: path.into(),
        reason: source.to_string(),
    });
    Ok(text?)
}
