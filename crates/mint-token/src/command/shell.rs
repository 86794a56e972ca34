//! `completions` and `man`, generated from the definition of the command line.

use std::{fs, io, path::Path};

use terminal::Invocation;

use crate::{Exit, World, args, output};

/// Prints the completions for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell, world: &mut World<'_>) -> Exit {
    let mut text = Vec::new();
    let name = world.invocation.file_name().to_owned();
    clap_complete::generate(shell, &mut args::definition(&world.invocation), name, &mut text);
    output::to_out(&String::from_utf8_lossy(&text), world)
}

/// Writes a page for the program and one for each verb into `folder`.
pub(crate) fn man(folder: &Path, world: &mut World<'_>) -> Exit {
    match pages(folder, &world.invocation) {
        Ok(pages) => output::to_out(&format!("{pages} pages in {}\n", folder.display()), world),
        Err(fault) => {
            output::error(&format!("{}: {fault}", folder.display()), world);
            Exit::Failed
        }
    }
}

fn pages(folder: &Path, invocation: &Invocation) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let definition = args::definition(invocation).disable_help_subcommand(true);
    let count = definition.get_subcommands().count() + 1;
    clap_mangen::generate_to(definition, folder)?;
    Ok(count)
}
