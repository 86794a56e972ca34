//! Manual pages and completion scripts, made from the definition of a command line.

use std::{fs, io, path::Path};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// What `man` prints: the manual, or, with a folder, how many pages were written into it.
///
/// # Errors
/// The folder, or a file in it, cannot be written.
pub fn printed(definition: Command, folder: Option<&Path>) -> io::Result<String> {
    match folder {
        Some(folder) => write_pages(definition, folder).map_err(|fault| {
            io::Error::new(fault.kind(), format!("{}: {fault}", folder.display()))
        }),
        None => page(&definition),
    }
}

/// Everything on one page, for `man -l -`.
fn page(definition: &Command) -> io::Result<String> {
    let mut text = Vec::new();
    Man::new(definition.clone()).render(&mut text)?;
    // The definition is not built, so options that a command inherits are there once only.
    sections(definition, definition.get_display_name().unwrap_or_default(), &mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

fn sections(definition: &Command, path: &str, text: &mut Vec<u8>) -> io::Result<()> {
    for verb in definition.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let path = format!("{path} {}", verb.get_name());
        let page = Man::new(verb.clone());
        text.extend(format!(".SH \"{path}\"\n").bytes());
        page.render_description_section(text)?;
        page.render_options_section(text)?;
        page.render_extra_section(text)?;
        sections(verb, &path, text)?;
    }
    Ok(())
}

/// Writes a page for the program and one for each of its commands into `folder`, which is made if
/// it does not exist. Returns what to print.
fn write_pages(definition: Command, folder: &Path) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let definition = definition.disable_help_subcommand(true);
    let count = count(&definition);
    clap_mangen::generate_to(definition, folder)?;
    Ok(format!("{count} pages in {}\n", folder.display()))
}

fn count(definition: &Command) -> usize {
    1 + definition.get_subcommands().map(count).sum::<usize>()
}

/// The completion script for `shell` of the program that is called as the file `name`.
#[must_use]
pub fn completions(shell: Shell, mut definition: Command, name: &str) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut definition, name, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> Command {
        let show =
            Command::new("show").about("Show one user").after_help("Examples:\n  show alice");
        let users = Command::new("users").about("Manage users").subcommand(show);
        Command::new("server").display_name("server").subcommand(users)
    }

    #[test]
    fn the_manual_has_every_command_with_its_examples() {
        let page = page(&definition()).unwrap();
        assert!(page.contains(".TH") && page.contains(".SH \"server users\""), "{page}");
        assert!(
            page.contains(".SH \"server users show\"") && page.contains("show alice"),
            "{page}"
        );
    }

    #[test]
    fn with_a_folder_each_command_gets_a_page_there() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("man1");
        let said = printed(definition(), Some(&folder)).unwrap();
        assert_eq!(said, format!("3 pages in {}\n", folder.display()));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        // A file is no folder.
        let file = folder.join("server.1");
        let fault = printed(definition(), Some(&file)).unwrap_err();
        assert!(fault.to_string().starts_with(&file.display().to_string()), "{fault}");
    }

    #[test]
    fn completions_name_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = completions(shell, definition(), "bartizan-server");
            assert!(script.contains("bartizan-server") && script.contains("users"), "{shell}");
        }
    }
}
