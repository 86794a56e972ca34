//! The program `client`: speaks to any MCP server over streamable HTTP, protected or not.
//!
//! 1. stdout has the result and nothing else; messages go to stderr.
//! 2. The exit code says what went wrong: see [`Exit`], the one table.
//! 3. The token comes from `MCP_TOKEN` or a file, never from the command line. It goes to the
//!    configured URL and nowhere else: no redirect is followed, and plain http is for loopback
//!    only.
//! 4. Text from the server is untrusted: it is sanitized before it is printed, and the token is
//!    redacted, should the server echo it.
//! 5. What a server asks is asked on the terminal, if there is one. A server gets the requests that
//!    the command line names, and those for the lists that names and arguments are compared with.
//! 6. MCP 2026-07-28 is spoken where the server knows it, and the `initialize` handshake where not.
//!
//! There is no log: the result or the message has what there is to say.

mod args;
mod bridge;
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
mod jwt;
mod oauth;
mod output;
mod progress;
mod report;
mod request;
mod sanitize;
mod schema;
mod servers;
mod session;
mod shell;
mod store;
mod tls;
mod transport;

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
};

use auth_core::Clock;
use clap::{FromArgMatches, error::ErrorKind};
use settings::{EnvFileError, Environment, is_similar};
use terminal::{Invocation, OutputFormat, suggestion};

pub use console::{Console, Keyboard};
pub use exit::Exit;
pub use shell::complete;

use crate::{
    args::{Args, BridgeArgs, TokenVerb, Verb},
    config::Config,
    failure::Failure,
    output::Printer,
    progress::Progress,
    report::Report,
    sanitize::Sanitizer,
};

/// Everything outside the program that it reads or writes, but for the network, the stored tokens,
/// and the files that its flags and variables name.
#[expect(missing_debug_implementations, reason = "streams have none")]
pub struct World<'a> {
    /// How this program was called.
    pub invocation: Invocation,
    /// Loads the environment of the process over the `.env` file at the given path.
    pub environment: &'a dyn Fn(&Path) -> Result<Environment, EnvFileError>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The terminal.
    pub console: &'a Console,
    /// Standard input: a token or arguments, where the command line says so.
    pub stdin: &'a mut dyn Read,
    /// Standard output: the result. It may get ANSI styles; the writer drops them where they do not
    /// belong ([`terminal::style`]).
    pub stdout: &'a mut dyn Write,
    /// Standard error: messages. It may get ANSI styles, as standard output.
    pub stderr: &'a mut dyn Write,
}

/// Runs one command line, `args` beginning with the program's name. Returns how it ended.
pub async fn run(args: impl IntoIterator<Item = OsString>, world: World<'_>) -> Exit {
    let World { invocation, environment, clock, console, stdin, stdout, stderr } = world;
    let args: Vec<OsString> = args.into_iter().collect();
    let mut parsed = match parsed(&args, &invocation) {
        Ok(parsed) => parsed,
        Err(error) => return not_parsed(&error, &args, (console, &invocation), stdout, stderr),
    };
    let bridged = match bridged(&mut parsed, &invocation) {
        Ok(bridged) => bridged,
        Err(error) => return not_parsed(&error, &args, (console, &invocation), stdout, stderr),
    };
    let format = parsed.output;
    if let Some(text) = without_a_server(parsed.verb.as_ref(), &invocation) {
        return match text {
            Ok(text) => output::write_all(stdout, &text),
            Err(_) => Exit::Output,
        };
    }
    let token_verb = match &parsed.verb {
        Some(Verb::Tokens(verb)) => Some(verb.clone()),
        _ => None,
    };
    let config = Config::resolve(parsed, environment, stdin, clock, invocation.clone());
    let mut printer =
        Printer::new(format, Sanitizer::default(), console, &invocation, stdout, stderr);
    let config = match config {
        Ok(config) => config,
        Err(error) => return printer.failure(&Failure::from(error)),
    };
    if let Some(bridge_args) = bridged {
        // Not the streams of `World`: they are read and written in threads of their own.
        let work = Box::pin(bridge::run(config, &bridge_args, io::stdin(), io::stdout()));
        return match work.await {
            Ok(()) => Exit::Ok,
            Err(failure) => printer.failure(&failure),
        };
    }
    if let Some(verb) = token_verb {
        let work = Box::pin(perform(&verb, &config, console, &mut printer));
        return match work.await {
            Ok(report) => printer.report(&report),
            Err(failure) => printer.failure(&failure),
        };
    }
    let work = Box::pin(session::run(&config, console, &mut printer));
    match work.await {
        Ok(answer) => printer.answer(&answer, config.save.as_deref()),
        Err(failure) => printer.failure(&failure),
    }
}

/// Reads the command line.
fn parsed(args: &[OsString], invocation: &Invocation) -> Result<Args, clap::Error> {
    let matches =
        suggestion::matches(args::definition(invocation), args.iter().cloned(), is_similar)?;
    Args::from_arg_matches(&matches)
}

/// How the bridge runs, if it does: its own address is that of `--url`, and stdin is the program's.
fn bridged(args: &mut Args, invocation: &Invocation) -> Result<Option<BridgeArgs>, clap::Error> {
    let Some(Verb::Bridge(bridge)) = &args.verb else {
        return Ok(None);
    };
    let stdin = Path::new("-");
    let secret = args.tokens.client_secret_file.as_deref();
    let fault = match (&args.url, &bridge.address) {
        (Some(_), Some(_)) => Some("give the server once: as `bridge URL`, or as --url"),
        _ if args.token_file.as_deref() == Some(stdin) || secret == Some(stdin) => {
            Some("stdin is for the program's messages: give the secret in a file")
        }
        _ => None,
    };
    if let Some(fault) = fault {
        let mut command = args::definition(invocation);
        return Err(command.error(ErrorKind::ArgumentConflict, fault));
    }
    let bridge = bridge.clone();
    args.url = args.url.take().or_else(|| bridge.address.clone());
    Ok(Some(bridge))
}

/// Carries out a verb that is about tokens or servers.
async fn perform(
    verb: &TokenVerb,
    config: &Config,
    console: &Console,
    printer: &mut Printer<'_>,
) -> Result<Report, Failure> {
    printer.redact(config.token.as_ref());
    match verb {
        TokenVerb::Login(args) => session::login(args, config, console, printer).await,
        TokenVerb::Logout { all } => session::logout(*all, config).await,
        TokenVerb::Status => session::status(config),
        TokenVerb::Explain { tool } => {
            Ok(diagnose::examine(config, tool.as_deref(), console, printer).await)
        }
        TokenVerb::Servers { verb } => Ok(servers::perform(verb, config.tokens.folder()).await?),
    }
}

/// What is printed without a server.
fn without_a_server(verb: Option<&Verb>, invocation: &Invocation) -> Option<io::Result<String>> {
    match verb? {
        Verb::Completions { shell } => Some(shell::completions(*shell, invocation)),
        Verb::Man { folder } => Some(shell::manual(folder.as_deref(), invocation)),
        Verb::Call(call) if call.help && call.tool.is_none() => {
            Some(Ok(shell::call_help(invocation)))
        }
        _ => None,
    }
}

/// What is wrong with a command line, without the usage and the pointer to help that follow it.
fn message(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let end = ["\n\nUsage:", "\n\nFor more information"].map(|it| text.find(it));
    let end = end.into_iter().flatten().min().unwrap_or(text.len());
    let text = text.get(..end).unwrap_or_default().trim();
    text.strip_prefix("error: ").unwrap_or(text).to_owned()
}

/// `--help` and `--version`, which clap counts as errors, and real ones.
fn not_parsed(
    error: &clap::Error,
    args: &[OsString],
    (console, invocation): (&Console, &Invocation),
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Exit {
    let format = args::wanted_format(args);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::write_all(stdout, &error.render().ansi().to_string())
        }
        _ if format != OutputFormat::Text => {
            let failure = Failure::usage(&message(error));
            Printer::new(format, Sanitizer::default(), console, invocation, stdout, stderr)
                .failure(&failure)
        }
        _ => {
            output::write_all(stderr, &error.render().ansi().to_string());
            Exit::Usage
        }
    }
}
