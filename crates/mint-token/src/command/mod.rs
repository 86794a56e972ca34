//! The verbs, one file each.

mod explain;
mod inspect;
mod jwks;
mod keygen;
mod mint;
mod rotate;
mod serve;
mod shell;
mod verify;

use crate::{Exit, World, args::Verb};

/// Does what `verb` says.
pub(crate) fn run(verb: &Verb, world: &mut World<'_>) -> Exit {
    match verb {
        Verb::Mint(args) => mint::run(args, world),
        Verb::Keygen(args) => keygen::run(args, world),
        Verb::Jwks(args) => jwks::run(args, world),
        Verb::Rotate(args) => rotate::run(args, world),
        Verb::Serve(args) => serve::run(args, world),
        Verb::Inspect(args) => inspect::run(args, world),
        Verb::Verify(args) => verify::run(args, world),
        Verb::Explain(args) => explain::run(args, world),
        Verb::Completions { shell } => shell::completions(*shell, world),
        Verb::Man { folder } => shell::man(folder.as_deref(), world),
    }
}
