//! The commands about the authorization server: clients, grants, and how programs connect.

use std::path::PathBuf;

use auth_core::{
    ClientId,
    oauth::{AuthMethod, GrantType},
};
use clap::{
    Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use directory::authorization::GrantId;
use terminal::OutputFormat;

/// What can be done with clients of the authorization server.
#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Add a client, and print its secret, which is not shown again
    Add(Box<NewClientArgs>),
    /// List the clients that an operator added
    List {
        /// With those that registered themselves
        #[arg(long)]
        all: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Show one client
    Show {
        /// Its id
        id: ClientId,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Remove a client, its grants and their tokens; running servers follow within a second
    Remove {
        /// Its id
        id: ClientId,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
}

/// A client that an operator adds.
#[derive(Debug, Args)]
pub struct NewClientArgs {
    /// What people are shown when they are asked for consent
    #[arg(long)]
    pub name: String,
    /// Its id [default: a random one]
    #[arg(long, value_name = "ID")]
    pub id: Option<ClientId>,
    /// Where users are sent back to; may be given several times. Of a loopback address any port
    /// will do
    #[arg(long = "redirect-uri", value_name = "URI")]
    pub redirect_uris: Vec<String>,
    /// A grant that it may use; may be given several times [default: `authorization_code` and
    /// `refresh_token`; `client_credentials` with `--introspect` and no redirect URI]
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant())]
    pub grants: Vec<GrantType>,
    /// How it authenticates [default: `client_secret_basic` with `client_credentials` or
    /// `--introspect`, else none]
    #[arg(long, value_name = "METHOD", value_parser = auth_method())]
    pub auth_method: Option<AuthMethod>,
    /// For `private_key_jwt`: a file with its public keys, a JWK Set
    #[arg(long, value_name = "FILE", conflicts_with = "keys_url")]
    pub keys: Option<PathBuf>,
    /// For `private_key_jwt`: where its public keys are, an https URL
    #[arg(long, value_name = "URL")]
    pub keys_url: Option<String>,
    /// Let it introspect tokens of all clients, as a resource server does. It needs a credential
    #[arg(long)]
    pub introspect: bool,
    /// For `client_credentials`: a role of the user that the client is; may be given several times.
    /// A user whose subject is the client's id is added
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// The output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: OutputFormat,
}

/// What can be done with grants: what users have consented that clients may do.
#[derive(Debug, Subcommand)]
pub enum GrantsCommand {
    /// List the grants, the one used last first
    List {
        /// Of this user (a sub)
        #[arg(long, value_name = "SUB")]
        user: Option<String>,
        /// Of this client
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
        /// With those that have ended
        #[arg(long)]
        all: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// End grants and revoke their tokens; running servers follow within a second
    #[command(group = super::which(["grant", "user", "client"]))]
    Revoke {
        /// The grant, as `list` prints it
        #[arg(value_name = "GRANT")]
        grant: Option<GrantId>,
        /// All of this user (a sub)
        #[arg(long, value_name = "SUB", conflicts_with = "grant")]
        user: Option<String>,
        /// All of this client
        #[arg(long, value_name = "ID", conflicts_with = "grant")]
        client: Option<ClientId>,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
}

/// How a program is connected.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// The program
    #[arg(value_enum)]
    pub program: ConnectProgram,
    /// What the server is called there; where there is a section [upstreams.NAME], that server
    /// [default: the only section, else bartizan]
    #[arg(long, value_parser = server_name)]
    pub name: Option<String>,
    /// The output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: OutputFormat,
}

/// A program that can be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConnectProgram {
    /// Claude Code
    ClaudeCode,
    /// Claude Desktop
    ClaudeDesktop,
    /// Visual Studio Code
    Vscode,
    /// Cursor
    Cursor,
    /// Gemini CLI
    Gemini,
    /// Codex
    Codex,
    /// MCP Inspector
    Inspector,
    /// mcp-remote, for programs that speak stdio alone
    McpRemote,
    /// mcporter
    Mcporter,
    /// mcpc
    Mcpc,
    /// goose
    Goose,
    /// opencode
    Opencode,
    /// Zed
    Zed,
    /// Our own client
    Client,
}

/// A grant by its name, or by the last part of it.
fn grant() -> impl TypedValueParser<Value = GrantType> {
    let short = |grant: GrantType| grant.as_str().rsplit(':').next().unwrap_or_default();
    PossibleValuesParser::new(GrantType::ALL.map(short)).try_map(move |name| {
        let found = GrantType::ALL.into_iter().find(|grant| short(*grant) == name);
        found.ok_or("not a grant")
    })
}

fn auth_method() -> impl TypedValueParser<Value = AuthMethod> {
    PossibleValuesParser::new(AuthMethod::ALL.map(AuthMethod::as_str))
        .try_map(|name| name.parse::<AuthMethod>())
}

/// A name that needs no quotes in a shell, in JSON, in TOML or in YAML.
fn server_name(text: &str) -> Result<String, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts && text.len() <= 64 && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("write a letter, and then letters, digits, - and _")
    }
}
