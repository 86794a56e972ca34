//! The verbs, one file each.

mod mint;

use crate::{Exit, World, args::Verb};

/// Does what `verb` says.
pub(crate) fn run(verb: &Verb, world: &mut World<'_>) -> Exit {
    match verb {
        Verb::Mint(args) => mint::run(args, world),
    }
}
