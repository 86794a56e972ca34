//! `--env-file FILE` before the command, where `server` takes it too: one way of calling is right
//! for both programs.
//!
//! 1. It means what it means behind the command.
//! 2. A command that reads no configuration does without it.

use std::ffi::OsString;

use clap::Command;

const NAME: &str = "--env-file";

/// `args`, of which the first is the program's own name, with the option behind the command.
pub(super) fn behind_the_command(
    args: impl IntoIterator<Item = OsString>,
    definition: &Command,
) -> Vec<OsString> {
    let mut args: Vec<_> = args.into_iter().collect();
    let first = args.get(1).and_then(|first| first.to_str()).unwrap_or_default();
    let count = match first.strip_prefix(NAME) {
        Some("") => 2,
        Some(value) if value.starts_with('=') => 1,
        _ => return args,
    };
    let command = args.get(1 + count).and_then(|name| definition.find_subcommand(name));
    let Some(command) = command else { return args };
    let is_read = command.get_arguments().any(|arg| arg.get_long() == Some("env-file"));
    let option: Vec<_> = args.drain(1..=count).collect();
    if is_read {
        drop(args.splice(2..2, option));
    }
    args
}
