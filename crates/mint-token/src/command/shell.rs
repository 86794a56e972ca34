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
    let definition = args::definition(&world.invocation);
    let Some(folder) = folder else {
        return match manual::page(&definition) {
            Ok(page) => output::to_out(&page, world),
            Err(fault) => failed(&fault.to_string(), world),
        };
    };
    match manual::write_pages(definition, folder) {
        Ok(said) => output::to_out(&said, world),
        Err(fault) => failed(&format!("{}: {fault}", folder.display()), world),
    }
}

fn failed(fault: &str, world: &mut World<'_>) -> Exit {
    output::error(&fault, world);
    Exit::Failed
}
