//! `server audit …`: checks, shows and exports audit logs. Works without the server and without its
//! directory.

mod export;
mod filter;
mod ocsf;
mod show;
mod source;
mod verify;

use std::io::Write;

use auth_core::{Clock, audit::Head};
use directory::AnyDirectory;
use settings::{Environment, Variable};

use self::{filter::Filter, verify::Checks};
use crate::{
    args::{AuditCommand, RunArgs},
    audit::kept::KeptHead,
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
        AuditCommand::Verify { files, keys, hashes_only, partial, head, output } => {
            let kept = if files.is_empty() { kept(args, environment).await? } else { None };
            let chains = source::chains(&files, environment, kept)?;
            let keys = verify::keys(&keys, hashes_only, environment)?;
            verify::verify(&chains, &Checks { keys, partial, head }, output, out)
        }
        AuditCommand::Show { files, filter, limit, output } => {
            let chains = source::chains(&files, environment, None)?;
            show::show(&chains, &Filter::new(filter, clock.now()), limit, output, out)
        }
        AuditCommand::Export { files, format, filter } => {
            let chains = source::chains(&files, environment, None)?;
            export::export(&chains, &Filter::new(filter, clock.now()), format, out)
        }
    }
}

/// The head of the configured log that its server has kept in the database; `None` where there is
/// no database, or none was kept.
async fn kept(args: &RunArgs, environment: &Environment) -> Result<Option<Head>, Failure> {
    let url = args.flag(Variable::DatabaseUrl);
    let url = url.as_deref().or_else(|| environment.get(Variable::DatabaseUrl)).unwrap_or_default();
    let Some(file) = environment.get(Variable::AuditFile) else { return Ok(None) };
    if AnyDirectory::missing_file(url)?.is_some() {
        return Ok(None);
    }
    let directory = AnyDirectory::open(url).await?;
    let kept = KeptHead::of(file.as_ref(), &directory).load().await;
    directory.close().await;
    kept
}
