//! For shells: completions, with the names of tools from the cache, and the manual page.
//!
//! The script that `client completions SHELL` prints runs the program itself again, with `COMPLETE`
//! set (clap's own way), for every word that is to be completed. Nothing is asked of a server then.

use std::{
    ffi::{OsStr, OsString},
    io,
    sync::Arc,
};

use auth_core::SystemClock;
use clap::{Command, CommandFactory};
use clap_complete::{
    CompleteEnv,
    engine::{ArgValueCompleter, CompletionCandidate},
    env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh},
};
use settings::{Environment, Variable};
use terminal::Invocation;

use crate::{
    args::{self, Args, Shell},
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
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    let mut text = Vec::new();
    let name = invocation.file_name();
    script.write_registration(VARIABLE, name, name, name, &mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// The manual page, for `man -l -`.
pub(crate) fn manual(invocation: &Invocation) -> io::Result<String> {
    let mut text = Vec::new();
    let name = invocation.file_name();
    let program = args::definition(invocation);
    clap_mangen::Man::new(program.clone()).render(&mut text)?;
    // One page with everything: a reader of `client man` has only this one.
    for verb in program.get_subcommands() {
        let verb = verb.clone().disable_version_flag(true);
        let page = clap_mangen::Man::new(verb);
        text.extend(
            format!(".SH \"{} {}\"\n", name, page.get_filename().trim_end_matches(".1")).bytes(),
        );
        page.render_description_section(&mut text)?;
        page.render_options_section(&mut text)?;
    }
    String::from_utf8(text).map_err(io::Error::other)
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
    let program = || {
        let cache = cache.clone();
        let tools = ArgValueCompleter::new(move |begun: &OsStr| candidates(cache.as_ref(), begun));
        // `mut_arg` would put the argument last.
        let add =
            |arg: clap::Arg| if arg.get_id() == "tool" { arg.add(tools.clone()) } else { arg };
        Args::command().mut_subcommand("call", |call| call.mut_args(add))
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

/// The command line, for what is printed about it.
pub(crate) fn call_help(invocation: &Invocation) -> String {
    let mut program: Command = args::definition(invocation);
    program.build();
    let help = program.find_subcommand_mut("call").map(Command::render_long_help);
    help.map(|help| format!("{}\n", help.ansi())).unwrap_or_default()
}
