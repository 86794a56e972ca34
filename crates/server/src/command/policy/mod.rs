//! `server policy …`: look at the policy without starting anything.

mod access_matrix;
mod cases;
mod check;
mod diff;
mod table;

use std::{fs, io::Write, path::Path};

use settings::{Environment, Variable};

use crate::{
    args::{PolicyCommand, RunArgs},
    config::{
        policy_file::{self, PolicyFileError},
        settings::load_policy,
    },
    failure::Failure,
    mcp::server::McpServer,
};

pub(crate) use table::reference;

pub(crate) fn policy(
    command: &PolicyCommand,
    args: &RunArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let offers = McpServer::offers();
    let load = || load_policy(args.policy.as_ref(), environment, &offers);
    match command {
        PolicyCommand::Check => {
            let (policy, source) = load()?;
            check::check(&policy, &source, &offers, out)
        }
        PolicyCommand::Table { output } => table::table(&load()?.0, *output, out),
        PolicyCommand::Diff { old, new, output } => {
            let (old, new) = (policy_file::read_any(old)?, policy_file::read_any(new)?);
            diff::diff(&old, &new, *output, out)
        }
        PolicyCommand::Test { file, output } => {
            let text = text_of(file)?;
            cases::test(&load()?.0, file, &text, *output, out)
        }
        PolicyCommand::Reference => {
            let text = match args.policy.clone().or(named(environment)) {
                None => policy_file::BUILT_IN.to_owned(),
                Some(path) => text_of(&path)?,
            };
            out.write_all(reference(&text)?.as_bytes()).map_err(Failure::output)
        }
        PolicyCommand::Show => match args.policy.clone().or(named(environment)) {
            None => out.write_all(policy_file::BUILT_IN.as_bytes()).map_err(Failure::output),
            Some(path) => out.write_all(text_of(&path)?.as_bytes()).map_err(Failure::output),
        },
    }
}

fn named(environment: &Environment) -> Option<std::path::PathBuf> {
    environment.get(Variable::PolicyFile).map(Into::into)
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path).map_err(|source| PolicyFileError::Unreadable {
        path: path.into(),
        reason: source.to_string(),
    });
    Ok(text?)
}
