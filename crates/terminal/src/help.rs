//! `--help` with the commands of this invocation: usage, examples and completions.
//!
//! In the help texts of a definition, `{client}`, `{server}` and `{mint-token}` are placeholders
//! for the programs, `{make-env-file}` for [`Invocation::make_env_file`], `{save-token}` for
//! [`Invocation::save_token`] and `{file}` for [`Invocation::file_name`]. A tab in a line ends its
//! command: what follows explains it, and is aligned with the lines around it.

use clap::Command;

use crate::{Invocation, Program, width};

/// `definition` with names of programs in its help and usage as `invocation` says.
#[must_use]
pub fn named(definition: Command, invocation: &Invocation) -> Command {
    let own = invocation.own_name();
    with_texts(definition, invocation).display_name(invocation.file_name()).bin_name(own)
}

fn with_texts(mut definition: Command, invocation: &Invocation) -> Command {
    let filled_in = |text: &clap::builder::StyledStr| filled(&text.to_string(), invocation);
    if let Some(text) = definition.get_after_help().map(filled_in) {
        definition = definition.after_help(text);
    }
    if let Some(text) = definition.get_after_long_help().map(filled_in) {
        definition = definition.after_long_help(text);
    }
    definition.mut_subcommands(|verb| with_texts(verb, invocation))
}

/// `text` with the names of programs filled in, and its explanations aligned.
#[must_use]
pub fn filled(text: &str, invocation: &Invocation) -> String {
    let mut text = text.to_owned();
    for program in Program::ALL {
        let placeholder = format!("{{{}}}", program.workspace_name());
        text = text.replace(&placeholder, &invocation.program(program));
    }
    let text = text
        .replace("{make-env-file}", &invocation.make_env_file())
        .replace("{save-token}", &invocation.save_token())
        .replace("{file}", invocation.file_name());
    aligned(&text)
}

/// Aligns what follows the tabs in lines below one another.
fn aligned(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let width_of = |lines: &[&str]| {
        let commands = lines.iter().filter_map(|line| Some(line.split_once('\t')?.0));
        commands.map(width::columns).max().unwrap_or_default()
    };
    // A paragraph is aligned by itself.
    let paragraphs = lines.split(|line| line.is_empty()).map(|paragraph| {
        let width = width_of(paragraph);
        let line = |line: &&str| match line.split_once('\t') {
            Some((command, about)) => format!("{}  {about}", width::padded(command, width)),
            None => (*line).to_owned(),
        };
        paragraph.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: &str = "\
Examples:
  {server} init\tmake .env
  {mint-token} --save
  {client} tools\tlist them

Run {make-env-file}.";

    #[test]
    fn examples_have_the_names_that_were_called_and_line_up() {
        let installed = Invocation::new(Program::Client, Some("bartizan".as_ref()), None);
        let expected = "Examples:\n  bartizan-server init  make .env\n  bartizan-token --save\n  bartizan tools        list them\n\nRun bartizan-server init.";
        assert_eq!(filled(EXAMPLES, &installed), expected);
        let by_just = Invocation::new(Program::Client, Some("client".as_ref()), Some("just"));
        let expected = "Examples:\n  just server init   make .env\n  just mint-token --save\n  just client tools  list them\n\nRun just token.";
        assert_eq!(filled(EXAMPLES, &by_just), expected);
    }

    #[test]
    fn usage_and_help_of_every_verb_have_the_name_that_was_called() {
        let definition = Command::new("client")
            .after_help(EXAMPLES)
            .subcommand(Command::new("tools").after_long_help("{client} tools"));
        let installed = Invocation::new(Program::Client, Some("/b/bartizan".as_ref()), None);
        let mut named = named(definition, &installed);
        let help = named.render_help().to_string();
        assert!(help.contains("Usage: bartizan") && help.contains("/b/bartizan tools"), "{help}");
        named.build();
        let help = named.find_subcommand_mut("tools").unwrap().render_long_help().to_string();
        assert!(help.contains("Usage: bartizan tools"), "{help}");
        assert!(help.ends_with("/b/bartizan tools\n"), "{help}");
    }
}
