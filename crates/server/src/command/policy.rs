//! `server policy …`: look at the policy without starting anything.

use std::io::Write;

use settings::{Environment, Variable};

use crate::{
    args::{PolicyCommand, RunArgs},
    config::load_policy,
    failure::Failure,
    policy_file,
};

pub(crate) fn policy(
    command: &PolicyCommand,
    args: &RunArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match command {
        PolicyCommand::Check => {
            let (policy, source) = load_policy(args.policy.as_ref(), environment)?;
            let (scopes, roles) = (policy.scopes().len(), policy.roles().count());
            let ruled = policy.actions().into_iter().filter(|action| action.target().is_some());
            writeln!(
                out,
                "ok: policy {source}: {scopes} scopes, {roles} roles, {} rules, and nothing offered lacks one",
                ruled.count()
            )
        }
        PolicyCommand::Show => {
            let named = environment.get(Variable::PolicyFile).map(Into::into);
            match args.policy.clone().or(named) {
                None => out.write_all(policy_file::BUILT_IN.as_bytes()),
                Some(path) => {
                    let text = std::fs::read_to_string(&path).map_err(|source| {
                        policy_file::PolicyFileError::Unreadable { path, reason: source.to_string() }
                    })?;
                    out.write_all(text.as_bytes())
                }
            }
        }
    }
    .map_err(Failure::output)
}
