//! What was typed of a command line, as far as it can be read.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory};

use crate::args::Args;

/// A command line that is being typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    /// The tool of `call`, or the name of `prompt` and `complete prompt`.
    pub(super) name: Option<String>,
    /// Whether `name` is a prompt's.
    pub(super) is_prompt: bool,
    /// The words before the one that is being typed.
    before: Vec<String>,
}

impl Typed {
    /// What a shell asks about: `args` are those of this program, then `--` and the command line.
    pub(super) fn of(args: &[OsString]) -> Self {
        let words: Vec<&OsString> = args.iter().skip_while(|it| *it != "--").skip(1).collect();
        let Some((_, before)) = words.split_last() else { return Self::default() };
        // What is not complete yet is passed over.
        let line = Args::command().ignore_errors(true).try_get_matches_from(&words).ok();
        let verb = line.as_ref().and_then(ArgMatches::subcommand);
        let text = |line: &ArgMatches, id: &str| {
            line.try_get_one::<String>(id).ok().flatten().map(String::to_owned)
        };
        let (name, is_prompt) = match verb {
            Some(("call", line)) => (text(line, "tool"), false),
            Some(("prompt" | "complete", line)) => (text(line, "name"), true),
            _ => (None, false),
        };
        let before = before.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        Self { name, is_prompt, before }
    }

    /// Whether a value is being typed, and not the name of an argument. Bash makes a word of `=`.
    pub(super) fn is_in_value(&self) -> bool {
        self.before.last().is_some_and(|word| matches!(word.as_str(), "=" | ":="))
    }

    /// Whether the argument has been given.
    pub(super) fn has(&self, key: &str) -> bool {
        self.before.iter().any(|word| {
            let rest = word.strip_prefix(key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', ':']))
        })
    }
}
