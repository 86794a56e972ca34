//! The command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
pub use terminal::OutputFormat;
use terminal::{Invocation, date::When, help};

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 unexpected; 2 usage or configuration; 3 the address cannot be bound;
4 the directory of users cannot be used; 5 no such user, or there is one already.

Every setting comes from a flag, else the environment, else .env, else its default.
Secrets have no flag: set JWT_SECRET or JWT_KEY_FILE.

Examples:
  {server}\tserve on 127.0.0.1:8000
  {server} init\tmake .env with a fresh secret, and two users
  {server} users add carol --name Carol --role user
  {server} users disable carol
  {server} users grant carol admin --until 8h
  {server} users export users.jsonl
  {server} tokens revoke --user carol
  {server} policy check --policy policy.toml";

const REVOKE_EXAMPLES: &str = "\
Examples:
  {server} tokens revoke 5yPq0Zr1Q2mXn8sV3kWbTA
  {server} tokens revoke - < token.txt
  {server} tokens revoke --user carol";

/// An MCP server that only lets the right person, with the right scope, call the right tool.
#[derive(Debug, Parser)]
#[command(name = "server", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// The file with the environment variables that are not set.
    #[arg(long, global = true, value_name = "FILE", default_value = ".env")]
    pub env_file: PathBuf,
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
        let definition = help::named(Self::command(), invocation);
        Self::from_arg_matches(&definition.try_get_matches_from(args)?)
    }
}

/// Settings that the commands share.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Where to listen: host:port, port 0 for any free one [`BIND_ADDR`: 127.0.0.1:8000]
    #[arg(long, global = true, value_name = "ADDR")]
    pub bind: Option<String>,
    /// The server's canonical URI, which tokens name as aud [`MCP_RESOURCE`: `http://localhost:8000/mcp`]
    #[arg(long, global = true, value_name = "URI")]
    pub resource: Option<String>,
    /// Who issues the tokens: iss [`JWT_ISSUER`: `http://localhost:8000`]
    #[arg(long, global = true, value_name = "URI")]
    pub issuer: Option<String>,
    /// The directory of users, `sqlite://FILE` or `postgres://HOST/NAME`; a password belongs in
    /// `DATABASE_URL` [`DATABASE_URL`: `sqlite://data/directory.db`]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Who may do what [`POLICY_FILE`: the policy in the binary]
    #[arg(long, global = true, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The issuers to trust besides [`ISSUERS_FILE`: none]
    #[arg(long, global = true, value_name = "FILE")]
    pub issuers: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (what happens without a verb)
    Run,
    /// Make .env with a fresh secret, and the first two users; leave alone what is there
    Init,
    /// Look after the users
    #[command(subcommand)]
    Users(UsersCommand),
    /// Revoke tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Look after the policy
    #[command(subcommand)]
    Policy(PolicyCommand),
}

/// What can be done with users. A user is known by issuer and subject; the issuer is the server's own
/// unless `--issuer` says otherwise.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user
    Add {
        /// The user's sub
        subject: String,
        /// What to call the user
        #[arg(long)]
        name: Option<String>,
        /// A role the user has; may be given several times
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// List every user
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Show one user
    Show {
        /// The user's sub
        subject: String,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Refuse everything to a user, at once, also with tokens already out
    Disable {
        /// The user's sub
        subject: String,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Take `disable` back
    Enable {
        /// The user's sub
        subject: String,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Forget a user
    Remove {
        /// The user's sub
        subject: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Give a user a role, for good or until a date
    Grant {
        /// The user's sub
        subject: String,
        /// The role
        role: String,
        /// When it ends: 30m, 12h, 7d, or a date as 2030-01-31T12:00:00Z
        #[arg(long, value_name = "WHEN")]
        until: Option<When>,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Take a role from a user, at once, also for tokens already out
    RevokeRole {
        /// The user's sub
        subject: String,
        /// The role
        role: String,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Add users and revoked tokens from JSON Lines, all or none
    Import {
        /// The file; `-` reads standard input
        file: PathBuf,
        /// Make those who are there and differ like the file
        #[arg(long)]
        overwrite: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Write all users and revoked tokens as JSON Lines
    Export {
        /// The file, which must not be there yet; `-` is the output
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Show who changed what, and when: the newest first
    Changes {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
}

/// What can be done with tokens that are already out.
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Refuse one token, or all that a user has, at once and for ever
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        /// The token's jti; `-` reads a token from standard input
        #[arg(required_unless_present = "user", value_name = "ID")]
        token: Option<String>,
        /// All tokens of this user (a sub) that are issued up to 31 seconds from now
        #[arg(long, value_name = "SUB", conflicts_with = "token")]
        user: Option<String>,
        /// When the token ends by itself and need not be remembered: 12h, 7d, or a date [for ever]
        #[arg(long, value_name = "WHEN", conflicts_with = "user")]
        until: Option<When>,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// List the tokens that were revoked one by one
    List {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
}

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say what is wrong with the policy; exit code 2 if anything is
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
        /// How to print
        #[arg(long, value_enum, default_value_t)]
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
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Try the policy with the cases in a file; exit code 2 if one fails
    #[command(
        after_help = "Examples:\n  {server} policy test cases.toml --policy policy.toml\n\nA case:\n  [[case]]\n  name = \"a guest cannot read the time\"\n  roles = [\"guest\"]      # left out: without a token\n  scopes = \"User.Read\"   # left out: all that the roles may hold\n  tool = \"get_time\"      # or resource, prompt, method\n  expect = \"deny\"        # permit, deny or step-up"
    )]
    Test {
        /// The cases, as TOML
        file: PathBuf,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
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
