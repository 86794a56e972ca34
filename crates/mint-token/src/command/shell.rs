//! `completions` and `man`, generated from the definition of the command line.

use std::path::Path;

use terminal::manual;

use crate::{Exit, World, args, output};

/// Prints the completions for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell, world: &mut World<'_>) -> Exit {
    let definition = args::definition(&world.invocation);
    let script = manual::completions(shell, definition, world.invocation.file_name());
    output::to_out(&script, world)
}

/// Prints the manual, or writes a page for the program and one for each verb into `folder`.
pub(crate) fn man(folder: Option<&Path>, world: &mut World<'_>) -> Exit {
    match manual::printed(args::definition(&world.invocation), folder) {
        Ok(text) => output::to_out(&text, world),
        Err(fault) => {
            output::error(&fault, world);
            Exit::Failed
        }
    }
}
