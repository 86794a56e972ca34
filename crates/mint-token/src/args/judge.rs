//! The flags of the verbs that look at tokens: `inspect`, `verify`, `explain`.

use std::path::PathBuf;

use auth_core::{Issuer, ResourceUri, RoleName};
use clap::Args;

use super::Format;
use crate::ttl::Ttl;

/// Which token: never its text, which would stay in the shell's history.
#[derive(Debug, Args)]
pub(crate) struct TokenArg {
    /// A file with the token, or - to read it from standard input.
    #[arg(value_name = "TOKEN", default_value = "-")]
    pub(crate) token: String,
}

/// What `inspect` shows.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) token: TokenArg,

    /// How it is written to standard output.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: Format,
}

/// Against what a token is judged.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The keys to verify with: a public key, a private one or a key set, as PEM or JWK
    /// [default: the configured key].
    #[arg(long, value_name = "FILE", help_heading = "Against what it is judged")]
    pub(crate) keys: Option<PathBuf>,

    /// The address of a key set to verify with: https, or this machine.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "keys",
        help_heading = "Against what it is judged"
    )]
    pub(crate) jwks_url: Option<String>,

    /// An issuer whose key set is to be discovered (RFC 8414, `OpenID` Connect).
    #[arg(
        long,
        value_name = "ISSUER",
        conflicts_with_all = ["keys", "jwks_url", "iss"],
        help_heading = "Against what it is judged"
    )]
    pub(crate) discover: Option<Issuer>,

    /// Whose tokens are trusted [default: the configured one].
    #[arg(long, value_name = "ISSUER", help_heading = "Against what it is judged")]
    pub(crate) iss: Option<Issuer>,

    /// For which server the token must be meant [default: the configured one].
    #[arg(long, value_name = "URI", help_heading = "Against what it is judged")]
    pub(crate) aud: Option<ResourceUri>,

    /// Take `JWT` for an access token's `typ` too.
    #[arg(long, help_heading = "Against what it is judged")]
    pub(crate) allow_jwt: bool,

    /// How far clocks may disagree, at most 300s [default: 30s].
    #[arg(long, value_name = "TIME", help_heading = "Against what it is judged")]
    pub(crate) leeway: Option<Ttl>,

    /// The file that holds the configuration; it need not exist.
    #[arg(long, value_name = "PATH", default_value = ".env")]
    pub(crate) env_file: PathBuf,
}

/// What `verify` does.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) token: TokenArg,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    /// How it is written to standard output.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: Format,
}

/// What `explain` does.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) token: TokenArg,
    #[command(flatten)]
    pub(crate) what: WhatArgs,

    /// Ask a running server, at its canonical URI; needs `Admin.Read` in `MCP_TOKEN`.
    #[arg(long, value_name = "URL", conflicts_with = "policy")]
    pub(crate) server: Option<String>,

    /// The policy to decide by [default: the configured one, else the one that `server` has built in].
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// A role that the directory gives the user, which bounds the token; repeatable. Without it the
    /// user is taken for one whom nothing bounds.
    #[arg(long, value_name = "ROLE", conflicts_with = "server")]
    pub(crate) user_role: Vec<RoleName>,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    /// How it is written to standard output.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: Format,
}

/// What is called.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhatArgs {
    /// The tool that is called.
    #[arg(long, value_name = "NAME")]
    pub(crate) tool: Option<String>,

    /// The resource that is read.
    #[arg(long, value_name = "URI")]
    pub(crate) resource: Option<String>,

    /// The prompt that is got.
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt: Option<String>,

    /// Any other method.
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<String>,
}
