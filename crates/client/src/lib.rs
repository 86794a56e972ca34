//! The program `client`: speaks to any MCP server over streamable HTTP, protected or not.
//!
//! 1. stdout has the result and nothing else; messages go to stderr.
//! 2. What went wrong is told apart by the exit code: see [`Exit`], the one table.
//! 3. The token comes from `MCP_TOKEN` or a file, never from the command line. It goes to the
//!    configured URL and nowhere else: no redirect is followed, and plain http is for loopback only.
//! 4. Text from the server is untrusted: it is cleaned before it is printed, and the token is blotted
//!    out should the server echo it.
//! 5. What a server asks is asked on the terminal, if there is one. Nothing is asked of a server that the
//!    command line did not say, but for the list of tools that arguments are checked against.
//! 6. MCP 2026-07-28 is spoken where the server knows it, and the `initialize` handshake where not.
//!
//! There is no log: whatever is worth telling is in the result or in the message.

mod args;
mod cache;
mod command;
mod config;
mod connect;
mod console;
mod diagnose;
mod elicit;
mod endpoint;
mod exit;
mod failure;
mod handler;
mod interrupt;
mod oauth;
mod output;
mod sanitize;
mod schema;
mod servers;
mod session;
mod shell;
mod store;
mod tls;
mod transport;
mod yaml;

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::Path,
};

use clap::{Parser, error::ErrorKind};
use settings::{EnvFileError, Environment};

pub use console::{Console, Keyboard};
pub use exit::Exit;
pub use shell::complete;

use crate::{
    args::{Args, OutputFormat, Verb},
    config::Config,
    failure::Failure,
    output::Printer,
    sanitize::Screen,
};

/// Runs one command line, `args` beginning with the program's name, and tells how it ended.
///
/// `environment` reads the environment over the `.env` file at the path that it is given. What is
/// written has colours in it; the writers take them out where they do not belong (`anstream`).
pub async fn run<A, E>(
    args: A,
    environment: E,
    console: &Console,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Exit
where
    A: IntoIterator<Item = OsString>,
    E: FnOnce(&Path) -> Result<Environment, EnvFileError>,
{
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = match Args::try_parse_from(&args) {
        Ok(parsed) => parsed,
        Err(error) => return not_parsed(&error, &args, console, stdout, stderr),
    };
    let format = parsed.output;
    if let Some(text) = without_a_server(parsed.verb.as_ref()) {
        return match text {
            Ok(text) => output::write_all(stdout, &text),
            Err(_) => Exit::Output,
        };
    }
    let access_verb = match &parsed.verb {
        Some(Verb::Access(verb)) => Some(verb.clone()),
        _ => None,
    };
    let mut config = match Config::resolve(parsed, environment, stdin) {
        Ok(config) => config,
        Err(error) => {
            let mut printer = Printer::new(format, Screen::default(), console, stdout, stderr);
            return printer.failure(&Failure::from(error));
        }
    };
    let mut printer = Printer::new(format, Screen::default(), console, stdout, stderr);
    if let Some(verb) = access_verb {
        let work = Box::pin(session::perform(&verb, &mut config, console, &mut printer));
        return match work.await {
            Ok(report) => printer.report(&report),
            Err(failure) => printer.failure(&failure),
        };
    }
    let work = Box::pin(session::run(&mut config, console, &mut printer));
    match work.await {
        Ok(answer) => printer.answer(&answer, config.save.as_deref()),
        Err(failure) => printer.failure(&failure),
    }
}

/// What is printed without asking anybody.
fn without_a_server(verb: Option<&Verb>) -> Option<io::Result<String>> {
    match verb? {
        Verb::Completions { shell } => Some(shell::completions(*shell)),
        Verb::Man => Some(shell::manual()),
        Verb::Call(call) if call.help && call.tool.is_none() => Some(Ok(shell::call_help())),
        _ => None,
    }
}

/// `--help` and `--version`, which clap counts as errors, and real ones.
fn not_parsed(
    error: &clap::Error,
    args: &[OsString],
    console: &Console,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Exit {
    let format = args::wanted_format(args);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::write_all(stdout, &error.render().ansi().to_string())
        }
        _ if format != OutputFormat::Text => {
            let failure = Failure::usage(error.render().to_string().trim_end());
            Printer::new(format, Screen::default(), console, stdout, stderr).failure(&failure)
        }
        _ => {
            output::write_all(stderr, &error.render().ansi().to_string());
            Exit::Usage
        }
    }
}
