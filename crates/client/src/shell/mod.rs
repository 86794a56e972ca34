//! For shells: completions, with what servers list from the cache, and the manual page.
//!
//! The script that `client completions SHELL` prints runs the program itself again, with `COMPLETE`
//! set (clap's own way), for every word that is to be completed. Nothing is asked of a server then.

mod bash;
mod candidates;
mod typed;

use std::{ffi::OsString, io, path::Path, sync::Arc};

use auth_core::SystemClock;
use clap::{Command, CommandFactory};
use clap_complete::{
    CompleteEnv, Shell,
    env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh},
};
use settings::{Environment, Variable};
use terminal::Invocation;

use crate::{
    args::{self, Args},
    cache::Cache,
    config::state_folder,
    endpoint::Endpoint,
    servers,
};
use candidates::Candidates;
use typed::Typed;

/// The variable that says that a shell asks.
const VARIABLE: &str = "COMPLETE";
/// The flag that says which server, and its old name.
const FLAGS: [&str; 2] = ["--url", "--server"];

/// The script that a shell reads.
pub(crate) fn completions(shell: Shell, invocation: &Invocation) -> io::Result<String> {
    let script: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::PowerShell => &Powershell,
        Shell::Zsh => &Zsh,
        // The type may get more of them.
        _ => return Err(io::Error::other("no completions for this shell")),
    };
    let mut text = Vec::new();
    let name = invocation.file_name();
    script.write_registration(VARIABLE, name, name, name, &mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok(if shell == Shell::Bash { bash::with_colons(&text) } else { text })
}

/// The manual as one page, for `man -l -`; or, with a folder, a page for each command in it.
pub(crate) fn manual(folder: Option<&Path>, invocation: &Invocation) -> io::Result<String> {
    terminal::manual::printed(args::definition(invocation), folder)
}

/// Answers a shell that asks what may come next; returns whether one did.
///
/// # Errors
/// The answer could not be written.
pub fn complete(
    args: Vec<OsString>,
    environment: &Environment,
    invocation: &Invocation,
) -> io::Result<bool> {
    // The environment is asked first: it is read already, and hardly any run is for a shell.
    if environment.secret_named(VARIABLE).is_none() {
        return Ok(false);
    }
    let known = Candidates {
        cache: cache(&args, environment),
        servers: servers::names(state_folder(environment).as_deref()),
        typed: Typed::of(&args),
    };
    let program = || known.added_to(Args::command());
    match CompleteEnv::with_factory(program).bin(invocation.file_name()).try_complete(args, None) {
        Ok(answered) => Ok(answered),
        Err(fault) => Err(io::Error::other(fault.to_string())),
    }
}

/// The cache of the server that a command line is about, by its URL or its name, as far as it has
/// been typed.
fn cache(args: &[OsString], environment: &Environment) -> Option<Cache> {
    let typed = args.iter().zip(args.iter().skip(1)).find_map(|(flag, value)| {
        let flag = flag.to_str()?;
        FLAGS.iter().find_map(|name| match flag.strip_prefix(name)? {
            "" => value.to_str(),
            rest => rest.strip_prefix('='),
        })
    });
    let url = typed.or_else(|| environment.get(Variable::McpUrl))?;
    let url = servers::resolve(url, state_folder(environment).as_deref()).ok()?;
    let endpoint = Endpoint::parse(&url).ok()?;
    Some(Cache::of(environment.cache_folder().as_deref(), &endpoint, Arc::new(SystemClock)))
}

/// The command line, for what is printed about it.
pub(crate) fn call_help(invocation: &Invocation) -> String {
    let mut program: Command = args::definition(invocation);
    program.build();
    let help = program.find_subcommand_mut("call").map(Command::render_long_help);
    help.map(|help| format!("{}\n", help.ansi())).unwrap_or_default()
}
