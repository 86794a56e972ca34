//! For shells: completions, with the names of tools from the cache, and the manual page.
//!
//! The script that `client completions SHELL` prints runs the program itself again, with `COMPLETE`
//! set (clap's own way), for every word that is to be completed. Nothing is asked of a server then.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    sync::Arc,
};

use auth_core::SystemClock;
use clap::{Command, CommandFactory};
use clap_complete::{
    CompleteEnv, Shell,
    engine::{ArgValueCompleter, CompletionCandidate},
    env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh},
};
use settings::{Environment, Variable};
use terminal::Invocation;

use crate::{
    args::{self, Args},
    cache::Cache,
    config::state_folder,
    endpoint::Endpoint,
    sanitize::Sanitizer,
    servers,
};

/// The variable that says that a shell asks.
const VARIABLE: &str = "COMPLETE";
/// The flag that says which server, and its other name.
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
    String::from_utf8(text).map_err(io::Error::other)
}

/// The manual as one page, for `man -l -`; or, with a folder, a page for each command in it.
pub(crate) fn manual(folder: Option<&Path>, invocation: &Invocation) -> io::Result<String> {
    let definition = args::definition(invocation);
    match folder {
        Some(folder) => terminal::manual::write_pages(definition, folder),
        None => terminal::manual::page(&definition),
    }
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
    let cache = cache(&args, environment);
    let names = servers::names(state_folder(environment).as_deref());
    let program = || {
        let cache = cache.clone();
        let tools = ArgValueCompleter::new(move |begun: &OsStr| candidates(cache.as_ref(), begun));
        // `mut_arg` would put the argument last.
        let add =
            |arg: clap::Arg| if arg.get_id() == "tool" { arg.add(tools.clone()) } else { arg };
        let known = names.clone();
        let of_servers = ArgValueCompleter::new(move |begun: &OsStr| beginning(&known, begun));
        let add_server = move |arg: clap::Arg| match arg.get_id().as_str() {
            "url" | "address" | "name" => arg.add(of_servers.clone()),
            _ => arg,
        };
        let servers =
            |servers: Command| servers.mut_subcommand("remove", |it| it.mut_args(&add_server));
        Args::command()
            .mut_subcommand("call", |call| call.mut_args(add))
            .mut_subcommand("servers", servers)
            .mut_subcommand("bridge", |bridge| bridge.mut_args(&add_server))
            .mut_args(&add_server)
    };
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

fn candidates(cache: Option<&Cache>, begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let names = cache.map(Cache::names).unwrap_or_default();
    // A name that a shell, or we, would take for something else is not offered.
    let plain = |name: &str| {
        !name.starts_with('-')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
    };
    names
        .into_iter()
        .filter(|(name, _)| name.starts_with(&*begun) && plain(name))
        .map(|(name, about)| {
            let about = about.as_deref().and_then(|about| about.lines().next());
            let about = about.map(|about| Sanitizer::default().one_line(about));
            CompletionCandidate::new(name).help(about.map(Into::into))
        })
        .collect()
}

/// The names of servers that begin so.
fn beginning(names: &[(String, String)], begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let fitting = names.iter().filter(|(name, _)| name.starts_with(&*begun));
    let candidate = |(name, url): &(String, String)| {
        CompletionCandidate::new(name).help(Some(url.clone().into()))
    };
    fitting.map(candidate).collect()
}

/// The command line, for what is printed about it.
pub(crate) fn call_help(invocation: &Invocation) -> String {
    let mut program: Command = args::definition(invocation);
    program.build();
    let help = program.find_subcommand_mut("call").map(Command::render_long_help);
    help.map(|help| format!("{}\n", help.ansi())).unwrap_or_default()
}
