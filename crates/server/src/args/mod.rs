//! The command line.

mod audit;
mod concerns;
mod elsewhere;
mod examples;
mod gateway;
mod sign_in;
mod status;
mod variables;

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgGroup, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use settings::{Environment, Variable, is_similar};
pub use terminal::OutputFormat;
use terminal::{Invocation, date::When, help, suggestion};

use self::examples::EXAMPLES;
pub use self::{
    audit::{AuditCommand, AuditFilter, ExportFormat, ShowFormat},
    gateway::{GatewayArgs, UpstreamArgs, UpstreamsCommand},
    sign_in::{ClientsCommand, ConnectArgs, ConnectProgram, GrantsCommand, NewClientArgs},
    status::StatusArgs,
};

const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 unexpected; 2 usage or configuration; 3 the address cannot be bound;
4 a database cannot be used; 5 no such user, client, grant or upstream, or there is one
already; 6 an upstream or the admin listener cannot be asked; 7 the audit log cannot be used; 8 to 10
it is not as it was written.

Every setting comes from a flag, else the environment, else .env, else bartizan.toml, else its
default. Secrets have no flag: set JWT_SECRET or JWT_KEY_FILE. To print each setting and its value,
run: {server} config show";

/// The file of `policy test`.
const CASES: &str = "\
A case:
  [[case]]
  name = \"a guest cannot read the time\"
  roles = [\"guest\"]      # left out: without a token
  scopes = \"User.Read\"   # left out: all that the roles may hold
  tool = \"get_time\"      # or resource, prompt, method
  expect = \"deny\"        # permit, deny or step-up
  rate = \"30/min\"        # how often each caller may; left out: not compared

The rates of all requests:
  [limits]               # of the policy; left out: not compared
  caller = \"600/min\"
  client = \"6000/min\"";

/// Serve MCP, and let only the right person, with the right scope, call the right tool.
#[derive(Debug, Parser)]
#[command(
    name = "server",
    version,
    after_help = AFTER_HELP,
    next_help_heading = help::GLOBAL
)]
pub struct Cli {
    /// Read from this file the settings that the environment does not set.
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
        let matches = suggestion::matches(definition(invocation), args, is_similar);
        let matches = matches.map_err(|error| elsewhere::pointed_out(error, invocation))?;
        Self::from_arg_matches(&matches)
    }
}

/// The definition, with commands written as `invocation` says.
pub(crate) fn definition(invocation: &Invocation) -> clap::Command {
    help::named(unnamed(), invocation)
}

/// The definition with placeholders for the programs.
fn unnamed() -> clap::Command {
    let definition = help::concerning(Cli::command(), &concerns::concerns);
    let definition = help::with_examples(definition, EXAMPLES);
    let text = definition.get_after_help().map(ToString::to_string).unwrap_or_default();
    definition.after_long_help(format!("{text}\n\n{}", variables::list()))
}

/// Settings that the commands share.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = help::GLOBAL)]
pub struct RunArgs {
    /// [`Variable::BindAddr`].
    #[arg(long, global = true, value_name = "HOST:PORT", help = Variable::BindAddr.flag_help())]
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
    #[command(alias = "serve")]
    Run,
    /// Show how a running server is, by its admin listener
    Status(StatusArgs),
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
    Connect(ConnectArgs),
    /// Serve MCP servers in any language, each behind the guard
    ///
    /// The first run lists what the server offers and writes a policy for it, which a person
    /// accepts. Without a command or a URL the sections [upstreams.NAME] of bartizan.toml are
    /// served.
    Gateway(GatewayArgs),
    /// Compare what MCP servers behind the gateway offer with what was accepted
    #[command(subcommand)]
    Upstreams(UpstreamsCommand),
    /// Check, show and compare policies
    Policy(PolicyArgs),
    /// Check, show and export the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
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
}

impl RunArgs {
    /// What a message calls a variable: the flag, if that was given.
    pub(crate) fn label(&self, variable: Variable, environment: &Environment) -> String {
        let name = match variable {
            Variable::BindAddr => "--bind",
            Variable::McpResource => "--resource",
            Variable::JwtIssuer => "--issuer",
            Variable::DatabaseUrl => "--database-url",
            Variable::PolicyFile => "--policy",
            _ => "--issuers",
        };
        self.flag(variable).map_or_else(|| environment.label(variable), |_| name.into())
    }

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
    Check,
    /// Print each setting, its value and where it comes from
    Show {
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Print the JSON Schema of bartizan.toml, for editors
    Schema,
    /// Print the reference page of the settings, as Markdown
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
    /// Disable a user; running servers refuse the user's tokens within a second
    Disable {
        /// The user's sub
        subject: String,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Enable a user again; in browsers the user has to sign in again
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
    /// Revoke a user's role, also for tokens already issued; running servers follow within a second
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
    /// Revoke one token, or all of a user, permanently; running servers follow within a second
    #[command(group = which(["token", "user"]))]
    Revoke {
        /// The token's jti; `-` reads a token from standard input
        #[arg(value_name = "ID")]
        token: Option<String>,
        /// All tokens of this user (a sub) from before
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
    Check,
    /// Print the policy in use, to start your own from
    Show,
    /// Print who may do what
    Table {
        /// Also show the methods of the protocol, as pages and programs get them
        #[arg(long)]
        all: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: TableFormat,
    },
    /// Print who gains and who loses what between two policies
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
    #[command(after_help = CASES)]
    Test {
        /// The cases, as TOML
        file: PathBuf,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Print the reference page of the policy, as Markdown
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

/// One of these arguments is required.
fn which<const N: usize>(ids: [&'static str; N]) -> ArgGroup {
    ArgGroup::new("which").args(ids).required(true).multiple(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        unnamed().debug_assert();
    }

    #[test]
    fn every_verb_has_two_examples_that_are_accepted() {
        let parse = |words: &[String]| unnamed().try_get_matches_from(words).map(drop);
        testkit::assert_examples(&help::texts(&unnamed()), "{server}", 2, &parse);
    }

    #[test]
    fn what_is_revoked_is_named_and_serve_means_run() {
        let read = |line: &str| {
            let args = line.split(' ').map(OsString::from);
            Cli::read(args, &Invocation::workspace(terminal::Program::Server))
        };
        let fault = read("server tokens revoke").unwrap_err().to_string();
        assert!(fault.contains("<ID|--user <SUB>>"), "{fault}");
        let fault = read("server grants revoke").unwrap_err().to_string();
        assert!(fault.contains("--client <ID>"), "{fault}");
        assert!(matches!(read("server serve").unwrap().command, Some(Command::Run)));
    }

    #[test]
    fn help_has_every_setting_of_the_server_with_its_default() {
        let invocation = Invocation::workspace(terminal::Program::Server);
        let help = definition(&invocation).render_long_help().to_string();
        for variable in Variable::ALL {
            let setting = variable.setting();
            let is_shown = help.contains(&format!("\n  {}", setting.name));
            assert_eq!(
                is_shown,
                setting.programs.contains(&settings::Program::Server),
                "{}",
                setting.name
            );
        }
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("[default: 1024]") && words.contains("[default: 127.0.0.1:8000]"));
        assert!(!definition(&invocation).render_help().to_string().contains("LOG_FORMAT"));
    }
}
