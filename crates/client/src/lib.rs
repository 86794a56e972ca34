//! The program `client`: calls tools on a protected MCP server over streamable HTTP.
//!
//! 1. stdout has the result and nothing else; messages go to stderr.
//! 2. What went wrong is told apart by the exit code: see [`Exit`], the one table.
//! 3. The token comes from `MCP_TOKEN` or a file, never from the command line. It goes to the
//!    configured URL and nowhere else: no redirect is followed, and plain http is for loopback only.
//! 4. Text from the server is untrusted: it is cleaned before it is printed, and the token is blotted
//!    out should the server echo it.
//! 5. MCP 2026-07-28 is spoken where the server knows it, and the `initialize` handshake where not.
//!
//! There is no log: whatever is worth telling is in the result or in the message.

mod access;
mod args;
mod command;
mod config;
mod connect;
mod endpoint;
mod exit;
mod explain;
mod failure;
mod oauth;
mod output;
mod servers;
mod store;
mod untrusted;

use std::{
    ffi::OsString,
    io::{Read, Write},
    path::Path,
};

use clap::{Parser, error::ErrorKind};
use settings::{EnvFileError, Environment};

pub use exit::Exit;

use crate::{
    args::{Args, OutputFormat, Verb},
    config::Config,
    failure::Failure,
    output::Printer,
    untrusted::Screen,
};

/// Runs one command line, `args` beginning with the program's name, and tells how it ended.
///
/// `environment` reads the environment over the `.env` file at the path that it is given. What is
/// written has colours in it; the writers take them out where they do not belong (`anstream`).
pub async fn run<A, E>(
    args: A,
    environment: E,
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
        Err(error) => return not_parsed(&error, &args, stdout, stderr),
    };
    let format = parsed.output;
    let access_verb = match &parsed.verb {
        Some(Verb::Access(verb)) => Some(verb.clone()),
        _ => None,
    };
    let mut config = match Config::resolve(parsed, environment, stdin) {
        Ok(config) => config,
        Err(error) => {
            let mut printer = Printer::new(format, Screen::default(), stdout, stderr);
            return printer.failure(&Failure::from(error));
        }
    };
    if let Some(verb) = access_verb {
        let outcome = access::perform(&verb, &mut config).await;
        let screen = Screen::new(config.token.as_ref());
        let mut printer = Printer::new(format, screen, stdout, stderr);
        return match outcome {
            Ok(report) => printer.report(&report),
            Err(failure) => printer.failure(&failure),
        };
    }
    let outcome = access::run(&mut config).await;
    let screen = Screen::new(config.token.as_ref());
    let mut printer = Printer::new(format, screen, stdout, stderr);
    match outcome {
        Ok(answer) => printer.answer(&answer),
        Err(failure) => printer.failure(&failure),
    }
}

/// `--help` and `--version`, which clap counts as errors, and real ones.
fn not_parsed(
    error: &clap::Error,
    args: &[OsString],
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::write_all(stdout, &error.render().ansi().to_string())
        }
        _ if args::wants_json(args) => {
            let failure = Failure::usage(error.render().to_string().trim_end());
            Printer::new(OutputFormat::Json, Screen::default(), stdout, stderr).failure(&failure)
        }
        _ => {
            output::write_all(stderr, &error.render().ansi().to_string());
            Exit::Usage
        }
    }
}
