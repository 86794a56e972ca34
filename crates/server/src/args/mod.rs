//! The command line.

mod concerns;
mod gateway;
mod sign_in;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use settings::Variable;
pub use terminal::OutputFormat;
use terminal::{Invocation, date::When, help};

pub use self::{
    gateway::{GatewayArgs, UpstreamArgs, UpstreamsCommand},
    sign_in::{ClientsCommand, ConnectArgs, ConnectProgram, GrantsCommand, NewClientArgs},
};

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 unexpected; 2 usage or configuration; 3 the address cannot be bound;
4 the directory of users cannot be used; 5 no such user, client, grant or upstream, or there is one
already; 6 an upstream cannot be asked.

Every setting comes from a flag, else the environment, else .env, else bartizan.toml, else its
default; `{server} config show` prints each. Secrets have no flag: set JWT_SECRET or JWT_KEY_FILE.

Examples:
  {server}\tserve on 127.0.0.1:8000
  {server} init\tcreate .env with a fresh secret, and two users
  {server} users add carol --name Carol --role user
  {server} users disable carol
  {server} users grant carol admin --until 8h
  {server} users export users.jsonl
  {server} tokens revoke --user carol
  {server} users code carol\ta code with which carol signs in, once
  {server} connect claude-code\thow Claude Code is connected
  {server} grants list --user carol
  {server} policy check --policy policy.toml
  {server} gateway -- npx -y @modelcontextprotocol/server-everything
  {server} gateway --url http://127.0.0.1:9000/mcp";

const REVOKE_EXAMPLES: &str = "\
Examples:
  {server} tokens revoke 5yPq0Zr1Q2mXn8sV3kWbTA
  {server} tokens revoke - < token.txt
  {server} tokens revoke --user carol";

/// An MCP server that only lets the right person, with the right scope, call the right tool.
#[derive(Debug, Parser)]
#[command(
    name = "server",
    version,
    after_help = AFTER_HELP,
    next_help_heading = help::GLOBAL
)]
pub struct Cli {
    /// The file with the environment variables that are not set.
    #[arg(long, global = true, value_name = "FILE", default_value = ".env")]
    pub env_file: PathBuf,
    /// [`Variable::ConfigFile`].
    #[arg(long, global = true, value_name = "FILE", help = Variable::ConfigFile.flag_help())]
    pub config: Option<PathBuf>,
    /// The settings of the server.
    #[command(flatten)]
    pub run: RunArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Reads the command line; the first of `args` is the program's own name.
    ///
    /// # Errors
    /// The command line is invalid, or asks for help or the version.
    pub fn read(
        args: impl IntoIterator<Item = OsString>,
        invocation: &Invocation,
    ) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&definition(invocation).try_get_matches_from(args)?)
    }
}

/// The definition, with commands written as `invocation` says.
pub(crate) fn definition(invocation: &Invocation) -> clap::Command {
    help::named(help::concerning(Cli::command(), &concerns::concerns), invocation)
}

/// Settings that the commands share.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = help::GLOBAL)]
pub struct RunArgs {
    /// [`Variable::BindAddr`].
    #[arg(long, global = true, value_name = "ADDR", help = Variable::BindAddr.flag_help())]
    pub bind: Option<String>,
    /// [`Variable::McpResource`].
    #[arg(long, global = true, value_name = "URI", help = Variable::McpResource.flag_help())]
    pub resource: Option<String>,
    /// [`Variable::JwtIssuer`].
    #[arg(long, global = true, value_name = "URI", help = Variable::JwtIssuer.flag_help())]
    pub issuer: Option<String>,
    /// [`Variable::DatabaseUrl`].
    #[arg(long, global = true, value_name = "URL", help = Variable::DatabaseUrl.flag_help())]
    pub database_url: Option<String>,
    /// [`Variable::PolicyFile`].
    #[arg(long, global = true, value_name = "FILE", help = Variable::PolicyFile.flag_help())]
    pub policy: Option<PathBuf>,
    /// [`Variable::IssuersFile`].
    #[arg(long, global = true, value_name = "FILE", help = Variable::IssuersFile.flag_help())]
    pub issuers: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (the default)
    Run,
    /// Create .env with a fresh secret, and the first two users; keep what exists
    Init,
    /// Manage the users
    #[command(subcommand)]
    Users(UsersCommand),
    /// Revoke tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Manage the clients of the authorization server
    #[command(subcommand)]
    Clients(ClientsCommand),
    /// List and revoke what users have consented to
    #[command(subcommand)]
    Grants(GrantsCommand),
    /// Print how a program is connected to this server
    #[command(
        after_help = "Examples:\n  {server} connect claude-code\n  {server} connect vscode --name work\n  {server} connect cursor --output json"
    )]
    Connect(ConnectArgs),
    /// Serve MCP servers in any language, each behind the guard
    ///
    /// The first run lists what the server offers and writes a policy for it, which a person
    /// accepts. Without a command or a URL the sections [upstreams.NAME] of bartizan.toml are
    /// served.
    #[command(
        after_help = "Examples:\n  {server} gateway -- npx -y @modelcontextprotocol/server-everything\n  {server} gateway --accept -- npx -y @modelcontextprotocol/server-everything\n  {server} gateway --url http://127.0.0.1:9000/mcp --name notes\n  {server} gateway"
    )]
    Gateway(GatewayArgs),
    /// Compare what MCP servers behind the gateway offer with what was accepted
    #[command(subcommand)]
    Upstreams(UpstreamsCommand),
    /// Check, show and compare policies
    Policy(PolicyArgs),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

impl RunArgs {
    /// The flag for a variable, if it was given.
    pub(crate) fn flag(&self, variable: Variable) -> Option<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        match variable {
            Variable::BindAddr => self.bind.clone(),
            Variable::McpResource => self.resource.clone(),
            Variable::JwtIssuer => self.issuer.clone(),
            Variable::DatabaseUrl => self.database_url.clone(),
            Variable::PolicyFile => path(&self.policy),
            Variable::IssuersFile => path(&self.issuers),
            _ => None,
        }
    }
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Report every error of the configuration; exit code 2 if there is one
    #[command(
        after_help = "Examples:\n  {server} config check\n  {server} config check --config bartizan.toml"
    )]
    Check,
    /// Print each setting, its value and where it comes from
    Show {
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Print the JSON Schema of bartizan.toml, for editors
    #[command(after_help = "Examples:\n  {server} config schema > bartizan.schema.json")]
    Schema,
    /// Print the reference page of the settings, as Markdown
    #[command(after_help = "Examples:\n  {server} config reference > docs/settings.md")]
    Reference,
}

/// What can be done with users. A user is known by issuer and subject; the issuer is the server's
/// own unless `--issuer` says otherwise.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user
    Add {
        /// The user's sub
        subject: String,
        /// The user's display name
        #[arg(long)]
        name: Option<String>,
        /// A role the user has; may be given several times
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// List every user
    List {
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Show one user
    Show {
        /// The user's sub
        subject: String,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Disable a user within a second; tokens already issued are refused
    Disable {
        /// The user's sub
        subject: String,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Re-enable a user
    Enable {
        /// The user's sub
        subject: String,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Remove a user
    Remove {
        /// The user's sub
        subject: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Grant a user a role, permanently or until a date
    Grant {
        /// The user's sub
        subject: String,
        /// The role
        role: String,
        /// When it ends: 30m, 12h, 7d, or a date as 2030-01-31T12:00:00Z
        #[arg(long, value_name = "WHEN")]
        until: Option<When>,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Revoke a role of a user within a second, also for tokens already issued
    RevokeRole {
        /// The user's sub
        subject: String,
        /// The role
        role: String,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Set the password of a user, and end the browser sessions of that user
    #[command(
        after_help = "Examples:\n  {server} users password carol\n  pass show carol | {server} users password carol --stdin\n  {server} users password carol --remove"
    )]
    Password {
        /// The user's sub
        subject: String,
        /// Read the password from standard input: its first line
        #[arg(long)]
        stdin: bool,
        /// Remove the password
        #[arg(long, conflicts_with = "stdin")]
        remove: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Make a code with which a user signs in, once, within 15 minutes
    Code {
        /// The user's sub
        subject: String,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Make a link with which a user signs in, once, within a day
    Link {
        /// The user's sub
        subject: String,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Manage the second factor of a user
    #[command(subcommand)]
    SecondFactor(SecondFactorCommand),
    /// Add users and revoked tokens from JSON Lines, all or none
    Import {
        /// The file; `-` reads standard input
        file: PathBuf,
        /// Update existing users that differ from the file
        #[arg(long)]
        overwrite: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Write all users and revoked tokens as JSON Lines
    Export {
        /// The file, which must not exist; `-` writes to standard output
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Show who changed what, and when: the newest first
    Changes {
        /// How many changes
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
}

/// What can be done with second factors.
#[derive(Debug, Subcommand)]
pub enum SecondFactorCommand {
    /// Remove the second factor of a user who has lost it, and its recovery codes
    Reset {
        /// The user's sub
        subject: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
}

/// What can be done with issued tokens.
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Refuse one token, or all that a user has, within a second and permanently
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        /// The token's jti; `-` reads a token from standard input
        #[arg(required_unless_present = "user", value_name = "ID")]
        token: Option<String>,
        /// All tokens of this user (a sub) that are issued up to 31 seconds from now
        #[arg(long, value_name = "SUB", conflicts_with = "token")]
        user: Option<String>,
        /// When the token ends by itself and need not be remembered: 12h, 7d, or a date [default:
        /// kept permanently]
        #[arg(long, value_name = "WHEN", conflicts_with = "user")]
        until: Option<When>,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// List the tokens that were revoked one by one
    List {
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
}

/// Which policy, and what is done with it.
#[derive(Debug, Args)]
pub struct PolicyArgs {
    /// The policy of this server behind the gateway, compared with what it was accepted to offer
    #[arg(long, global = true, value_name = "NAME")]
    pub upstream: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: PolicyCommand,
}

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Report the errors of the policy; exit code 2 if there is one
    #[command(
        after_help = "Examples:\n  {server} policy check\n  {server} policy check --policy policy.toml"
    )]
    Check,
    /// Print the policy in use, to start your own from
    #[command(after_help = "Examples:\n  {server} policy show > policy.toml")]
    Show,
    /// Print who may do what
    #[command(
        after_help = "Examples:\n  {server} policy table\n  {server} policy table --output markdown"
    )]
    Table {
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: TableFormat,
    },
    /// Print who gains and who loses what between two policies
    #[command(
        after_help = "Examples:\n  {server} policy diff old.toml new.toml\n  {server} policy diff <(git show main:policy.toml) policy.toml"
    )]
    Diff {
        /// The policy as it was
        old: PathBuf,
        /// The policy as it will be
        new: PathBuf,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Test the policy with the cases in a file; exit code 2 if one fails
    #[command(
        after_help = "Examples:\n  {server} policy test cases.toml --policy policy.toml\n\nA case:\n  [[case]]\n  name = \"a guest cannot read the time\"\n  roles = [\"guest\"]      # left out: without a token\n  scopes = \"User.Read\"   # left out: all that the roles may hold\n  tool = \"get_time\"      # or resource, prompt, method\n  expect = \"deny\"        # permit, deny or step-up"
    )]
    Test {
        /// The cases, as TOML
        file: PathBuf,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Print the reference page of the policy, as Markdown
    #[command(after_help = "Examples:\n  {server} policy reference > docs/reference.md")]
    Reference,
}

/// For people, for pages or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum TableFormat {
    /// For people
    #[default]
    Text,
    /// For pages
    Markdown,
    /// For programs
    Json,
}
