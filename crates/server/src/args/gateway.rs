//! The commands of the gateway.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use terminal::OutputFormat;
use toml::{Table, Value};

/// Which MCP server, where it is not a section of `bartizan.toml`.
#[derive(Debug, Clone, Default, Args)]
pub struct UpstreamArgs {
    /// The URL of an MCP server that is already running
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub url: Option<String>,
    /// Allow --url to use plain http to another host
    #[arg(long, requires = "url")]
    pub plain_http: bool,
    /// A PEM file with authorities for the certificate of --url
    #[arg(long, value_name = "FILE", requires = "url")]
    pub ca: Option<PathBuf>,
    /// What is presented to --url: none, secret or minted [default: secret if there is a
    /// --secret-file]
    #[arg(long, value_name = "KIND", requires = "url")]
    pub credentials: Option<String>,
    /// A file with the secret that is presented to --url
    #[arg(long, value_name = "FILE", requires = "url")]
    pub secret_file: Option<PathBuf>,
    /// The header that has the secret [default: Authorization, with Bearer before it]
    #[arg(long, value_name = "NAME", requires = "secret_file")]
    pub header: Option<String>,
    /// Who a minted token is for [default: --url]
    #[arg(long, value_name = "URI", requires = "credentials")]
    pub audience: Option<String>,
    /// Who shares a process or a connection: owner, session or shared [default: owner]
    #[arg(long, value_name = "WHO")]
    pub instances: Option<String>,
    /// How long an unused process or connection is kept [default: 10]
    #[arg(long, value_name = "MINUTES")]
    pub idle_minutes: Option<i64>,
    /// The memory that the command may use [default: any]
    #[arg(long, value_name = "MIB", requires = "command")]
    pub max_memory_mib: Option<i64>,
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

impl UpstreamArgs {
    /// The same as members of a section `[upstreams.NAME]`, if any is there.
    pub(crate) fn members(&self) -> Option<Table> {
        let mut members = Table::new();
        if !self.command.is_empty() {
            members.insert("command".into(), array(&self.command));
        }
        let path = |path: &Option<PathBuf>| path.as_ref().map(|it| it.to_string_lossy().into());
        let texts = [
            ("url", self.url.clone()),
            ("ca", path(&self.ca)),
            ("credentials", self.credentials.clone()),
            ("secret_file", path(&self.secret_file)),
            ("header", self.header.clone()),
            ("audience", self.audience.clone()),
            ("instances", self.instances.clone()),
            ("directory", path(&self.directory)),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text?.into())));
        let numbers =
            [("idle_minutes", self.idle_minutes), ("max_memory_mib", self.max_memory_mib)];
        let numbers = numbers.into_iter().filter_map(|(name, it)| Some((name, it?.into())));
        members
            .extend(texts.chain(numbers).map(|(name, value): (&str, Value)| (name.into(), value)));
        if self.plain_http {
            members.insert("plain_http".into(), true.into());
        }
        if !self.environment.is_empty() {
            members.insert("environment".into(), array(&self.environment));
        }
        (!members.is_empty()).then_some(members)
    }
}

fn array(texts: &[String]) -> Value {
    Value::Array(texts.iter().cloned().map(Value::String).collect())
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
    Status {
        /// Which [upstreams.NAME] [default: all]
        name: Option<String>,
        /// Also show what is unchanged
        #[arg(long)]
        all: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
        /// Which server.
        #[command(flatten)]
        upstream: UpstreamArgs,
    },
    /// Show what differs from what was accepted, place by place
    Diff {
        /// Which [upstreams.NAME]
        name: String,
        /// Which server.
        #[command(flatten)]
        upstream: UpstreamArgs,
    },
    /// Accept the policy, and everything that is offered now
    Accept {
        /// Which [upstreams.NAME]
        name: String,
        /// Which server.
        #[command(flatten)]
        upstream: UpstreamArgs,
    },
}
