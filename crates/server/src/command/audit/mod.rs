//! `server audit …`: checks, shows and exports audit logs. Works without the server and without its
//! directory.

mod export;
mod filter;
mod ocsf;
mod show;
mod source;
mod verify;

use std::{io::Write, path::PathBuf};

use audit_setup::KeptHead;
use auth_core::Clock;
use directory::{AnyDirectory, Shared};
use settings::{Environment, Variable};

use self::{filter::Filter, source::ChainRecords, verify::Checks};
use crate::{
    args::{AuditCommand, RunArgs},
    failure::Failure,
};

pub(crate) async fn audit(
    command: AuditCommand,
    args: &RunArgs,
    environment: &Environment,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify { files, keys, hashes_only, partial, head, database, output } => {
            let mut chains = source(&files, database, environment).await?;
            if files.is_empty() {
                know_heads(&mut chains, database, args, environment).await?;
            }
            let chains = present(chains, database, environment)?;
            let keys = verify::keys(&keys, hashes_only, environment)?;
            verify::verify(&chains, &Checks { keys, partial, head }, output, out).await
        }
        AuditCommand::Show { files, filter, limit, database, output } => {
            let chains = source(&files, database, environment).await?;
            let chains = present(chains, database, environment)?;
            show::show(&chains, &Filter::new(filter, clock.now()), limit, output, out).await
        }
        AuditCommand::Export { files, format, database, filter } => {
            let chains = source(&files, database, environment).await?;
            let chains = present(chains, database, environment)?;
            export::export(&chains, &Filter::new(filter, clock.now()), format, out).await
        }
    }
}

async fn source(
    files: &[PathBuf],
    database: bool,
    environment: &Environment,
) -> Result<Vec<ChainRecords>, Failure> {
    if database {
        source::in_database(environment).await
    } else {
        source::chains(files, environment)
    }
}

/// Those of which there is something.
fn present(
    chains: Vec<ChainRecords>,
    database: bool,
    environment: &Environment,
) -> Result<Vec<ChainRecords>, Failure> {
    let chains: Vec<_> = chains.into_iter().filter(|chain| !chain.is_empty()).collect();
    if chains.is_empty() && database {
        return Err(Failure::Usage("there is no audit log in the database yet".into()));
    }
    if chains.is_empty() {
        let path = environment.get(Variable::AuditFile).unwrap_or_default();
        return Err(Failure::Usage(format!("there is no audit log at {path} yet")));
    }
    Ok(chains)
}

/// Asks the database of the directory for the heads that it has of these logs, if there is one; and
/// for logs that were copied, of which the table has no row any more.
async fn know_heads(
    chains: &mut Vec<ChainRecords>,
    database: bool,
    args: &RunArgs,
    environment: &Environment,
) -> Result<(), Failure> {
    let url = args.flag(Variable::DatabaseUrl);
    let url = url.as_deref().or_else(|| environment.get(Variable::DatabaseUrl)).unwrap_or_default();
    if AnyDirectory::missing_file(url)?.is_some() {
        return Ok(());
    }
    let directory = AnyDirectory::open(url).await?;
    let known = know_heads_of(chains, database, &directory, environment).await;
    directory.close().await;
    known
}

async fn know_heads_of(
    chains: &mut Vec<ChainRecords>,
    database: bool,
    directory: &AnyDirectory,
    environment: &Environment,
) -> Result<(), Failure> {
    if database {
        let table = source::table(environment)?;
        for name in Shared::new(directory.clone()).copied_audit_logs().await? {
            if chains.iter().all(|chain| chain.name != name) {
                chains.push(ChainRecords::in_table(name, &table));
            }
        }
    }
    for chain in chains {
        let kept = if database {
            KeptHead::of_log(&chain.name, directory)
        } else {
            KeptHead::of(chain.name.as_ref(), directory)
        };
        chain.kept = kept.load().await?;
    }
    Ok(())
}
