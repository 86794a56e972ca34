//! The flags of the verbs that read tokens: `inspect`, `verify`, `explain`.

use std::{path::PathBuf, time::Duration};

use auth_core::{Issuer, ResourceUri, RoleName};
use clap::Args;
use terminal::{OutputFormat, help};

use super::whole_seconds;

/// Which token: never its text, which would stay in the shell's history.
#[derive(Debug, Clone, Args)]
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

    /// How the result is printed.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: OutputFormat,
}

/// What a token is verified against.
#[derive(Debug, Clone, Args)]
pub(crate) struct TrustArgs {
    /// The keys to verify with: a public key, a private one or a key set, as PEM or JWK
    /// [default: the configured key].
    #[arg(long, value_name = "FILE", help_heading = "Verification")]
    pub(crate) keys: Option<PathBuf>,

    /// The URL of a key set to verify with: https, or http to this machine.
    #[arg(long, value_name = "URL", conflicts_with = "keys", help_heading = "Verification")]
    pub(crate) jwks_url: Option<String>,

    /// An issuer whose key set is to be discovered (RFC 8414, `OpenID` Connect).
    #[arg(
        long,
        value_name = "ISSUER",
        conflicts_with_all = ["keys", "jwks_url", "iss"],
        help_heading = "Verification"
    )]
    pub(crate) discover: Option<Issuer>,

    /// The issuer whose tokens are trusted [default: the configured one].
    #[arg(long = "issuer", alias = "iss", value_name = "URI", help_heading = "Verification")]
    pub(crate) iss: Option<Issuer>,

    /// The server that the token must be for [default: the configured one].
    #[arg(long = "resource", alias = "aud", value_name = "URI", help_heading = "Verification")]
    pub(crate) aud: Option<ResourceUri>,

    /// Also accept `JWT` as an access token's `typ`.
    #[arg(long, help_heading = "Verification")]
    pub(crate) allow_jwt: bool,

    /// How far clocks may differ, at most 300s [default: 2s for tokens that `JWT_SECRET`
    /// signs, 30s for others].
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = whole_seconds,
        help_heading = "Verification"
    )]
    pub(crate) leeway: Option<Duration>,

    /// The file with the configuration; it need not exist.
    #[arg(long, value_name = "FILE", default_value = ".env", help_heading = help::GLOBAL)]
    pub(crate) env_file: PathBuf,
}

/// What `verify` does.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) token: TokenArg,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    /// How the result is printed.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: OutputFormat,
}

/// What `explain` does.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) token: TokenArg,
    #[command(flatten)]
    pub(crate) what: WhatArgs,

    /// Ask a running server, at its canonical URI; needs `Admin.Read` in `MCP_TOKEN`.
    #[arg(long = "url", alias = "server", value_name = "URL", conflicts_with = "policy")]
    pub(crate) server: Option<String>,

    /// The policy [default: the configured one, else the one that the server has built in].
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// A role that the user has in the directory, which limits the token; repeatable. Without it,
    /// no role limits the token.
    #[arg(long, value_name = "ROLE", conflicts_with = "server")]
    pub(crate) user_role: Vec<RoleName>,

    #[command(flatten)]
    pub(crate) trust: TrustArgs,

    /// How the result is printed.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: OutputFormat,
}

/// What is called.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhatArgs {
    /// The tool that is called. SERVER/TOOL is a tool of a server behind the gateway.
    #[arg(long, value_name = "[SERVER/]TOOL")]
    pub(crate) tool: Option<String>,

    /// The resource that is read.
    #[arg(long = "read", value_name = "URI")]
    pub(crate) resource: Option<String>,

    /// The prompt that is requested.
    #[arg(long, value_name = "NAME")]
    pub(crate) prompt: Option<String>,

    /// Any other method.
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Option<String>,
}
