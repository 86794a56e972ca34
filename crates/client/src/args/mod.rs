//! The command line, as it is typed.

use std::{ffi::OsString, fmt::Write, path::PathBuf, time::Duration};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use terminal::{Invocation, OutputFormat, help};

mod bridge;
mod concerns;
mod examples;
mod servers;
mod token;

use crate::Exit;

use examples::EXAMPLES;

pub(crate) use bridge::BridgeArgs;
pub(crate) use servers::ServersVerb;
pub(crate) use token::{GrantArg, LoginArgs, Place, TokenArgs, TokenVerb};

/// What `call --help` ends with.
const CALL_HELP: &str = "Arguments are checked against the tool's input schema before anything is \
     sent.\nTo see what a tool takes, run: {client} call TOOL --help";

/// What `bridge --help` ends with.
const BRIDGE_HELP: &str = "Configure a program that starts its servers itself with this command:\n\n  \
     {\"mcpServers\": {\"NAME\": {\"command\": \"{file}\", \"args\": [\"bridge\", \"URL\"]}}}\n\n\
     It signs in when the server first asks for it. To sign in before, run: {client} login --url URL";

/// The longest `--timeout`: a day.
const MAX_TIMEOUT: Duration = Duration::from_hours(24);

/// What the program is for.
const ABOUT: &str =
    "Call any MCP server, protected or not. Without a command, call the tool get_time.";

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "client",
    version,
    about = ABOUT,
    after_help = after_help(),
    next_help_heading = help::GLOBAL
)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,

    /// The server [default: `MCP_URL`, else `http://localhost:8000/mcp`]
    #[arg(long, global = true, value_name = "URL | NAME", alias = "server")]
    pub(crate) url: Option<String>,

    /// The output format; json prints the whole result as the server sent it, and errors as JSON
    /// on stderr
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: OutputFormat,

    /// How long to wait for the answer, not counting the time spent waiting for your input
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = timeout)]
    pub(crate) timeout: Duration,

    /// Read the token from this file instead of `MCP_TOKEN`; - is stdin
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Read from this file the settings that the environment does not set [default: .env]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,

    /// Also trust the certificate authority in this PEM file [default: `CA_FILE`]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Present this certificate to the server: PEM [default: `MCP_CLIENT_CERTIFICATE_FILE`]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) client_cert: Option<PathBuf>,

    /// Its private key, if that is in another file [default: `MCP_CLIENT_KEY_FILE`]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) client_key: Option<PathBuf>,

    /// How tokens are obtained.
    #[command(flatten)]
    pub(crate) tokens: TokenArgs,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the tools that you may use
    Tools,
    /// Call a tool
    #[command(disable_help_flag = true, after_help = CALL_HELP)]
    Call(CallArgs),
    /// List the resources and the resource templates
    Resources,
    /// Read a resource
    Read {
        /// The resource's URI
        uri: String,
        #[command(flatten)]
        save: SaveArg,
    },
    /// List the prompts
    Prompts,
    /// Get a prompt
    Prompt {
        /// The prompt's name
        name: String,
        /// The arguments of the prompt
        #[arg(value_name = "KEY=TEXT")]
        arguments: Vec<String>,
        #[command(flatten)]
        save: SaveArg,
    },
    /// Ask the server to complete an argument of a prompt or a resource template
    Complete {
        /// What the argument belongs to
        #[arg(value_enum)]
        of: Completed,
        /// The name of the prompt, or the template
        name: String,
        /// The argument, and the beginning of its value
        #[arg(value_name = "KEY=START")]
        argument: String,
        /// Other arguments that are known
        #[arg(value_name = "KEY=TEXT")]
        known: Vec<String>,
    },
    /// Show what the server is, what it can do, and who you are to it
    Info,
    /// Ping the server
    Ping,
    /// Print the server's notifications of changes, until Ctrl-C
    Listen {
        /// Also follow changes of this resource; may be given several times
        #[arg(long = "resource", value_name = "URI")]
        resources: Vec<String>,
        /// Stop after this many messages
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        count: Option<u64>,
    },
    /// Let a program that speaks only stdio use the server
    #[command(after_help = BRIDGE_HELP)]
    Bridge(BridgeArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual, or write its pages into a folder
    Man {
        /// The folder; it is made if it does not exist
        folder: Option<PathBuf>,
    },
    /// Tokens and servers.
    #[command(flatten)]
    Tokens(TokenVerb),
}

/// What is given to `call`.
#[derive(Debug, clap::Args)]
pub(crate) struct CallArgs {
    /// The tool's name
    #[arg(required_unless_present = "help")]
    pub(crate) tool: Option<String>,
    /// The arguments: text, which becomes the type in the schema of the tool, or any JSON value
    #[arg(value_name = "KEY=TEXT | KEY:=JSON")]
    pub(crate) arguments: Vec<String>,
    /// All arguments as one JSON object: the object itself, @FILE, or - for stdin
    #[arg(long, value_name = "OBJECT | @FILE | -")]
    pub(crate) json: Option<String>,
    #[command(flatten)]
    pub(crate) save: SaveArg,
    /// Print help; with a tool, what that tool takes
    #[arg(short, long, help_heading = help::GLOBAL, display_order = 900)]
    pub(crate) help: bool,
}

/// Where what is no text goes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct SaveArg {
    /// Save images, audio and files: one to a file, any number to a folder
    #[arg(long = "save-to", alias = "save", value_name = "FILE | FOLDER")]
    pub(crate) path: Option<PathBuf>,
}

/// What has arguments that a server can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Completed {
    /// A prompt
    Prompt,
    /// A template of resources
    Resource,
}

/// The definition, with commands written as `invocation` says.
pub(crate) fn definition(invocation: &Invocation) -> clap::Command {
    let name = invocation.own_name();
    // The tool is required unless help is asked for, which clap cannot say.
    let usage = format!("{name} call [OPTIONS] <TOOL> [KEY=TEXT | KEY:=JSON]...");
    help::named(unnamed().mut_subcommand("call", |call| call.override_usage(usage)), invocation)
}

/// The definition with placeholders for the programs.
fn unnamed() -> clap::Command {
    help::with_examples(help::concerning(Args::command(), &concerns::concerns), EXAMPLES)
}

/// The format that a command line asks for that could not be read.
pub(crate) fn wanted_format(args: &[OsString]) -> OutputFormat {
    let wants = |format: &str| {
        let joined = format!("--output={format}");
        args.iter().any(|arg| *arg == *joined)
            || args
                .windows(2)
                .any(|pair| matches!(pair, [flag, value] if flag == "--output" && value == format))
    };
    if wants("json") { OutputFormat::Json } else { OutputFormat::Text }
}

/// A duration as in every program, or a number of seconds with a fraction.
fn timeout(text: &str) -> Result<Duration, String> {
    let fraction = || Duration::try_from_secs_f64(text.parse().ok()?).ok();
    terminal::duration::parse(text)
        .ok()
        .or_else(fraction)
        .filter(|timeout| !timeout.is_zero() && *timeout <= MAX_TIMEOUT)
        .ok_or_else(|| {
            "write it like 90s or 15m, or as a number of seconds; at most 24h".to_owned()
        })
}

fn after_help() -> String {
    let mut help = String::from(
        "The token is MCP_TOKEN, from the environment or .env; it is never taken from the command \
         line, where others can see it. To make one, run: {save-token}\n\n\
         A flag beats the environment, which beats .env, which beats the default.\n\nExit codes:\n",
    );
    for exit in Exit::ALL {
        let _ = writeln!(help, "  {:>3}  {}", exit.code(), exit.about());
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_verb_has_two_examples_that_are_accepted() {
        let parse = |words: &[String]| unnamed().try_get_matches_from(words).map(drop);
        testkit::assert_examples(&help::texts(&unnamed()), "{client}", 2, &parse);
    }

    #[test]
    fn old_names_of_options_are_taken_and_not_shown() {
        for args in [
            ["client", "tools", "--server", "http://localhost/mcp"],
            ["client", "call", "album", "--save=album/"],
        ] {
            assert!(unnamed().try_get_matches_from(args).is_ok(), "{args:?}");
        }
        for verb in ["tools", "call", "read"] {
            let help = help::of(unnamed(), verb);
            assert!(!help.contains("--server") && !help.contains("--save "), "{help}");
        }
    }

    #[test]
    fn a_timeout_is_a_duration_or_a_number_of_seconds() {
        assert_eq!(timeout("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(timeout("2m"), Ok(Duration::from_mins(2)));
        for bad in ["0", "25h", "-1", "x", "", "NaN", "inf", "1e9"] {
            assert!(timeout(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn help_names_every_exit_code() {
        let help = after_help();
        for exit in Exit::ALL {
            assert!(help.contains(&format!(" {}  {}", exit.code(), exit.about())));
        }
    }
}
