//! `--help` with the commands of this invocation: usage, examples and completions.
//!
//! In the help texts of a definition, `{client}`, `{server}` and `{mint-token}` are placeholders
//! for the programs, `{make-env-file}` for [`Invocation::make_env_file`], `{save-token}` for
//! [`Invocation::save_token`] and `{file}` for [`Invocation::file_name`]. A tab in a line ends its
//! command: what follows explains it, and is aligned with the lines around it.
//!
//! 1. A command shows its own options first, then those that every command takes, under [`GLOBAL`].
//! 2. An option that every command takes, but that has no effect on this one, is not shown for it
//!    ([`concerning`]). It is still accepted, so a command line may be changed at its end.
//! 3. Help is plain text: the backticks of the doc comments that it is made from are left out.

use clap::{Arg, ArgAction, Command, builder::StyledStr};

use crate::{Invocation, Program, width};

/// The heading of the options that every command takes.
pub const GLOBAL: &str = "Global options";
/// The places of `--help` and `--version`: after everything else under [`GLOBAL`].
const LAST: usize = 900;

/// `definition` with names of programs in its help and usage as `invocation` says.
#[must_use]
pub fn named(definition: Command, invocation: &Invocation) -> Command {
    let own = invocation.own_name();
    let mut definition = with_texts(definition, invocation);
    if definition.get_version().is_some() {
        let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
        let version = version.help("Print version").help_heading(GLOBAL).display_order(LAST + 1);
        definition = definition.disable_version_flag(true).arg(version);
    }
    definition.display_name(invocation.file_name()).bin_name(own)
}

/// `definition`, in which each command shows of the global options those for which `concerns` is
/// true. It receives the command as it is typed after the program's name (`users show`), and the
/// id of the option.
///
/// ```
/// use clap::{Arg, Command};
///
/// let definition = Command::new("server")
///     .arg(Arg::new("bind").long("bind").global(true))
///     .subcommand(Command::new("run"))
///     .subcommand(Command::new("check"));
/// let mut shown = terminal::help::concerning(definition, &|verb, _| verb == "run");
/// shown.build();
/// let mut help = |verb: &str| {
///     let found = shown.find_subcommand_mut(verb).map(|verb| verb.render_help().to_string());
///     found.unwrap_or_default()
/// };
/// assert!(help("run").contains("--bind") && !help("check").contains("--bind"));
/// ```
#[must_use]
pub fn concerning(definition: Command, concerns: &dyn Fn(&str, &str) -> bool) -> Command {
    let globals = globals(&definition);
    definition.mut_subcommands(|verb| {
        let path = verb.get_name().to_owned();
        showing(verb, &path, globals.clone(), concerns)
    })
}

fn showing(
    verb: Command,
    path: &str,
    mut known: Vec<Arg>,
    concerns: &dyn Fn(&str, &str) -> bool,
) -> Command {
    // An option with the same id in a command takes the place of the one that it would inherit.
    let hidden = |arg: &Arg| arg.clone().hide(!concerns(path, arg.get_id().as_str()));
    let own = globals(&verb);
    let verb = verb.args(known.iter().map(hidden));
    known.extend(own);
    verb.mut_subcommands(|inner| {
        let path = format!("{path} {}", inner.get_name());
        showing(inner, &path, known.clone(), concerns)
    })
}

/// `definition` with examples at the end of its help: each is a command as it is typed after the
/// program's name, empty for the program itself, and lines.
#[must_use]
pub fn with_examples(definition: Command, examples: &[(&str, &str)]) -> Command {
    each(definition, "", &|path, verb| {
        let Some((_, lines)) = examples.iter().find(|(of, _)| *of == path) else { return verb };
        let lines = lines.lines().fold(String::new(), |text, line| text + "\n  " + line);
        let own = verb.get_after_help().map(ToString::to_string);
        let own = own.map(|text| format!("{}\n\n", text.trim_end())).unwrap_or_default();
        verb.after_help(format!("{own}Examples:{lines}"))
    })
}

/// What `--help` prints for the command at `path` (`users show`); nothing, if there is none.
#[must_use]
pub fn of(mut definition: Command, path: &str) -> String {
    definition.build();
    let mut verbs = path.split(' ').filter(|verb| !verb.is_empty());
    let found = verbs.try_fold(&mut definition, |at, verb| at.find_subcommand_mut(verb));
    found.map(|found| found.render_help().to_string()).unwrap_or_default()
}

/// The help texts of each command that does something, below the options: the command, empty for
/// the program itself, and its text.
#[must_use]
pub fn texts(definition: &Command) -> Vec<(String, String)> {
    fn collect(verb: &Command, path: &str, texts: &mut Vec<(String, String)>) {
        if path.is_empty() || !verb.has_subcommands() {
            let text = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            texts.push((path.to_owned(), text));
        }
        for inner in verb.get_subcommands() {
            collect(inner, format!("{path} {}", inner.get_name()).trim(), texts);
        }
    }
    let mut texts = Vec::new();
    collect(definition, "", &mut texts);
    texts
}

fn each(verb: Command, path: &str, change: &dyn Fn(&str, Command) -> Command) -> Command {
    change(path, verb).mut_subcommands(|inner| {
        let path = format!("{path} {}", inner.get_name());
        each(inner, path.trim(), change)
    })
}

fn globals(definition: &Command) -> Vec<Arg> {
    definition.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect()
}

fn with_texts(mut definition: Command, invocation: &Invocation) -> Command {
    let filled_in = |text: &StyledStr| filled(&text.to_string(), invocation);
    if let Some(text) = definition.get_about().map(plain) {
        definition = definition.about(text);
    }
    if let Some(text) = definition.get_long_about().map(plain) {
        definition = definition.long_about(text);
    }
    definition = definition.mut_args(with_plain_texts);
    if definition.get_arguments().all(|arg| arg.get_id() != "help") {
        let help = Arg::new("help").short('h').long("help").action(ArgAction::Help);
        let help = help.help("Print help").help_heading(GLOBAL).display_order(LAST);
        definition = definition.disable_help_flag(true).arg(help);
    }
    if let Some(text) = definition.get_after_help().map(filled_in) {
        definition = definition.after_help(text);
    }
    if let Some(text) = definition.get_after_long_help().map(filled_in) {
        definition = definition.after_long_help(text);
    }
    definition.mut_subcommands(|verb| with_texts(verb, invocation))
}

fn with_plain_texts(mut arg: Arg) -> Arg {
    if let Some(text) = arg.get_help().map(plain) {
        arg = arg.help(text);
    }
    if let Some(text) = arg.get_long_help().map(plain) {
        arg = arg.long_help(text);
    }
    arg
}

/// A doc comment without its Markdown.
fn plain(text: &StyledStr) -> String {
    text.to_string().replace('`', "")
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

    #[test]
    fn own_options_are_before_global_ones_and_those_without_effect_are_not_shown() {
        let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
        let global = |name| flag(name).global(true).help_heading(GLOBAL);
        let users = Command::new("users").subcommand(Command::new("show").arg(flag("own")));
        let definition = Command::new("server")
            .args([global("bind").help("The `address`"), global("url")])
            .subcommand(users.arg(global("group")))
            .subcommand(Command::new("run"));
        let concerns = |verb: &str, id: &str| id != "bind" || verb == "run";
        let definition = concerning(definition, &concerns);
        let mut named = named(definition, &Invocation::workspace(Program::Server));
        let matches = named.clone().try_get_matches_from(["server", "users", "show", "--bind"]);
        assert!(matches.unwrap().get_flag("bind"), "accepted, and known to the program");
        named.build();
        let users = named.find_subcommand_mut("users").unwrap();
        let show = users.find_subcommand_mut("show").unwrap().render_help().to_string();
        let expected = "Usage: server users show [OPTIONS]\n\nOptions:\n      --own  \n\n\
                        Global options:\n      --group  \n      --url    \n  -h, --help   Print help\n";
        assert_eq!(show, expected);
        let run = named.find_subcommand_mut("run").unwrap().render_help().to_string();
        assert!(run.contains("--bind  The address\n") && !run.contains("--group"), "{run}");
        let own = named.render_help().to_string();
        let last = own.lines().last().unwrap();
        assert!(last.contains("-h, --help") && last.contains("Print help"), "{own}");
    }
}
