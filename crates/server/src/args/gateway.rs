//! The commands of the gateway.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use terminal::OutputFormat;

/// Which MCP server, where it is not a section of `bartizan.toml`.
#[derive(Debug, Clone, Default, Args)]
pub struct UpstreamArgs {
    /// The URL of an MCP server that is already running
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub url: Option<String>,
    /// Allow --url to use plain http to another host
    #[arg(long, requires = "url")]
    pub plain_http: bool,
    /// The directory in which the command runs
    #[arg(long, value_name = "DIR", requires = "command")]
    pub directory: Option<PathBuf>,
    /// An environment variable to pass on to the command; may be given several times
    #[arg(long = "env", value_name = "NAME", requires = "command")]
    pub environment: Vec<String>,
    /// The command that starts an MCP server over stdin and stdout
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Which MCP servers are served.
#[derive(Debug, Clone, Default, Args)]
pub struct GatewayArgs {
    /// What the server is called, or which [upstreams.NAME] is served [default: for a command or a
    /// URL its own name, else all]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Accept the policy, and everything that is offered now
    #[arg(long)]
    pub accept: bool,
    /// Which server.
    #[command(flatten)]
    pub upstream: UpstreamArgs,
}

/// What can be done with the MCP servers behind the gateway.
#[derive(Debug, Subcommand)]
pub enum UpstreamsCommand {
    /// Compare what servers offer with what was accepted; exit code 2 if something differs
    #[command(
        after_help = "Examples:\n  {server} upstreams status\n  {server} upstreams status files --all"
    )]
    Status {
        /// Which [upstreams.NAME] [default: all]
        name: Option<String>,
        /// Also show what is unchanged
        #[arg(long)]
        all: bool,
        /// The output format
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
        /// Which server.
        #[command(flatten)]
        upstream: UpstreamArgs,
    },
    /// Show what differs from what was accepted, place by place
    #[command(
        after_help = "Examples:\n  {server} upstreams diff files\n  {server} upstreams diff time -- uvx mcp-server-time"
    )]
    Diff {
        /// Which [upstreams.NAME]
        name: String,
        /// Which server.
        #[command(flatten)]
        upstream: UpstreamArgs,
    },
    /// Accept the policy, and everything that is offered now
    #[command(after_help = "Examples:\n  {server} upstreams accept files")]
    Accept {
        /// Which [upstreams.NAME]
        name: String,
        /// Which server.
        #[command(flatten)]
        upstream: UpstreamArgs,
    },
}
