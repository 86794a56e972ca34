//! `completions` and `man`: what a shell and `man` want to know, from the definition itself.

use std::{fs, io, path::Path};

use crate::{Exit, World, args, output};

/// Prints the completions for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell, world: &mut World<'_>) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut args::definition(), "mint-token", &mut text);
    output::to_out(&String::from_utf8_lossy(&text), world)
}

/// Writes a page for the program and one for each verb into `folder`.
pub(crate) fn man(folder: &Path, world: &mut World<'_>) -> Exit {
    match pages(folder) {
        Ok(pages) => output::to_out(&format!("{pages} pages in {}\n", folder.display()), world),
        Err(fault) => {
            output::error(&format!("{}: {fault}", folder.display()), world);
            Exit::Failed
        }
    }
}

fn pages(folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let definition = args::definition().disable_help_subcommand(true);
    let count = definition.get_subcommands().count() + 1;
    clap_mangen::generate_to(definition, folder)?;
    Ok(count)
}
