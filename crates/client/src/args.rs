//! The command line, as it is typed.

use std::{ffi::OsString, fmt::Write, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    Exit,
    access::{AccessArgs, AccessVerb},
};

/// The longest `--timeout`: a day.
const MAX_TIMEOUT: Duration = Duration::from_hours(24);

/// What the program is for.
const ABOUT: &str =
    "Calls tools on a protected MCP server. Without a command it calls the tool get_time.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "client", version, about = ABOUT, after_help = after_help())]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,

    /// Where the server is; otherwise it is `MCP_URL` or, unset, `http://localhost:8000/mcp`
    #[arg(long, global = true, value_name = "URL | NAME", visible_alias = "server")]
    pub(crate) url: Option<String>,

    /// How the result and errors are printed
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: OutputFormat,

    /// How long to wait for the answer, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// A file to read the token from instead of `MCP_TOKEN`; - is stdin
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) token_file: Option<PathBuf>,

    /// The file with environment variables [default: .env]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) env_file: Option<PathBuf>,

    /// How to come by tokens.
    #[command(flatten)]
    pub(crate) access: AccessArgs,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the tools that you may use
    Tools,
    /// Calls a tool
    Call {
        /// The tool's name
        tool: String,
        /// What to give it: `key=text`, or `key:=json` for any JSON value
        #[arg(value_name = "KEY=TEXT | KEY:=JSON")]
        arguments: Vec<String>,
    },
    /// Tokens and servers.
    #[command(flatten)]
    Access(AccessVerb),
}

/// How things are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For a person
    #[default]
    Text,
    /// The whole result as the server sent it, and errors as JSON on stderr
    Json,
}

/// Whether a command line that could not be read asks for JSON.
pub(crate) fn wants_json(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == "--output=json")
        || args
            .windows(2)
            .any(|pair| matches!(pair, [flag, value] if flag == "--output" && value == "json"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|timeout| !timeout.is_zero() && *timeout <= MAX_TIMEOUT)
        .ok_or_else(|| format!("a number of seconds, at most {}", MAX_TIMEOUT.as_secs()))
}

fn after_help() -> String {
    let mut help = String::from(
        "The token is MCP_TOKEN, from the environment or .env; it is never taken from the command \
         line, where others can see it. `just token` makes one.\n\n\
         A flag beats the environment, which beats .env, which beats the default.\n\nExit codes:\n",
    );
    for exit in Exit::ALL {
        let _ = writeln!(help, "  {:>3}  {}", exit.code(), exit.about());
    }
    help
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_timeout_is_a_positive_number_of_seconds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["0", "-1", "x", "", "NaN", "inf", "1e9"] {
            assert!(seconds(bad).is_err(), "{bad}");
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
