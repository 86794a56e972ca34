//! `server audit …`: checks, shows and exports audit logs. Works without the server and without its
//! directory.

mod export;
mod filter;
mod ocsf;
mod show;
mod source;
mod verify;

use std::io::Write;

use auth_core::Clock;
use settings::Environment;

use self::{filter::Filter, verify::Checks};
use crate::{args::AuditCommand, failure::Failure};

pub(crate) fn audit(
    command: AuditCommand,
    environment: &Environment,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify { files, keys, hashes_only, partial, head, output } => {
            let chains = source::chains(&files, environment)?;
            let keys = verify::keys(&keys, hashes_only, environment)?;
            verify::verify(&chains, &Checks { keys, partial, head }, output, out)
        }
        AuditCommand::Show { files, filter, limit, output } => {
            let chains = source::chains(&files, environment)?;
            show::show(&chains, &Filter::new(filter, clock.now()), limit, output, out)
        }
        AuditCommand::Export { files, format, filter } => {
            let chains = source::chains(&files, environment)?;
            export::export(&chains, &Filter::new(filter, clock.now()), format, out)
        }
    }
}
