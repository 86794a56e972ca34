//! What the command line says of tokens.

use std::path::PathBuf;

use auth_core::ScopeSet;
use clap::{Args, Subcommand, ValueEnum};

use super::ServersVerb;
use crate::oauth::RedirectHost;

/// Flags that go with every verb.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options for signing in")]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag")]
pub(crate) struct TokenArgs {
    /// Sign in where it is needed, without asking first
    #[arg(long, short = 'y', global = true)]
    pub(crate) yes: bool,

    /// Print the address to sign in at, and ask for the address at which the browser ends
    #[arg(long, global = true)]
    pub(crate) no_browser: bool,

    /// Ask for these scopes instead of those that the server names
    #[arg(long, global = true, value_name = "SCOPES")]
    pub(crate) scope: Option<ScopeSet>,

    /// Use a client that is already registered at the issuer
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) client_id: Option<String>,

    /// A file with the secret of that client; - is stdin
    #[arg(long, global = true, value_name = "FILE", requires = "client_id")]
    pub(crate) client_secret_file: Option<PathBuf>,

    /// The URL of a client ID metadata document, for issuers that support it
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) client_metadata_url: Option<String>,

    /// The port of the redirect URI on this machine [default: any free one]
    #[arg(long, global = true, value_name = "PORT")]
    pub(crate) redirect_port: Option<u16>,

    /// The host of the redirect URI, for issuers that compare it
    #[arg(long, global = true, value_enum, value_name = "HOST", default_value_t)]
    pub(crate) redirect_host: RedirectHost,

    /// Sign in at an issuer that does not announce PKCE, because you know that it supports it
    #[arg(long, global = true)]
    pub(crate) assume_pkce: bool,

    /// Accept this resource where the server names one above its own URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) accept_resource: Option<String>,

    /// Allow requests to private addresses that a server names
    #[arg(long, global = true)]
    pub(crate) allow_private: bool,

    /// Where tokens are kept: auto is the keychain if there is one, else a file that only you can
    /// read
    #[arg(long, global = true, value_enum, value_name = "PLACE", default_value_t)]
    pub(crate) token_store: Place,
}

/// Where tokens are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Place {
    /// In the keychain if there is one, else in a file
    #[default]
    #[value(help = None::<&str>)]
    Auto,
    /// In a file that only you can read
    #[value(help = None::<&str>)]
    File,
}

/// The verbs that are about tokens and servers.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum TokenVerb {
    /// Sign in at the issuer of a server, and store the token
    Login(LoginArgs),
    /// Forget the token for a server, and revoke it if the issuer can
    Logout {
        /// Forget every token
        #[arg(long)]
        all: bool,
    },
    /// List the stored tokens: for whom, until when; never the tokens themselves
    Status,
    /// Examine how a server is protected, and how to fix what is wrong
    Explain {
        /// Also examine whether this tool may be called
        #[arg(long, value_name = "NAME")]
        tool: Option<String>,
    },
    /// Manage names of servers, for --url NAME
    Servers {
        /// What to do with them
        #[command(subcommand)]
        verb: ServersVerb,
    },
}

/// How to log in.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoginArgs {
    /// How to obtain the token
    #[arg(long, value_enum, value_name = "GRANT", default_value_t)]
    pub(crate) grant: GrantArg,

    /// The same as --grant device
    #[arg(long, conflicts_with = "grant")]
    pub(crate) device: bool,

    /// A PEM file with the key of the client, instead of a secret (client-credentials)
    #[arg(long, value_name = "FILE")]
    pub(crate) private_key_file: Option<PathBuf>,

    /// The algorithm of that key: ES256, ES384, RS256, RS384 or RS512
    #[arg(long = "alg", alias = "signing-algorithm", value_name = "ALG", default_value = "ES256")]
    pub(crate) signing_algorithm: String,

    /// A file with the JWT that the platform gives this workload (workload)
    #[arg(long, value_name = "FILE")]
    pub(crate) assertion_file: Option<PathBuf>,

    /// A file with the ID token of the enterprise (enterprise)
    #[arg(long, value_name = "FILE")]
    pub(crate) id_token_file: Option<PathBuf>,

    /// The issuer of that ID token
    #[arg(long, value_name = "URL")]
    pub(crate) idp_issuer: Option<String>,

    /// The token endpoint of that issuer
    #[arg(long, value_name = "URL")]
    pub(crate) idp_token_endpoint: Option<String>,

    /// The client that the ID token was issued to
    #[arg(long, value_name = "ID")]
    pub(crate) idp_client_id: Option<String>,

    /// A file with the secret of that client
    #[arg(long, value_name = "FILE")]
    pub(crate) idp_client_secret_file: Option<PathBuf>,
}

/// The ways to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum GrantArg {
    /// You sign in with a browser
    #[default]
    Browser,
    /// You sign in on another device
    Device,
    /// A program signs in for itself, with a secret or a key
    ClientCredentials,
    /// A workload with a JWT of its platform
    Workload,
    /// You signed in at your enterprise already
    Enterprise,
}
