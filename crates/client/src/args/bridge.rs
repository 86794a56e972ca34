//! What the command line says of the bridge.

use clap::Args;

/// How the bridge runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct BridgeArgs {
    /// The server, instead of --url
    #[arg(value_name = "URL | NAME")]
    pub(crate) address: Option<String>,

    /// Sign in on another device, even if there is a browser here
    #[arg(long)]
    pub(crate) device: bool,

    /// Never ask a person to sign in; answer with an error instead
    #[arg(long, conflicts_with = "device")]
    pub(crate) no_sign_in: bool,

    /// Write a line to stderr for each message: its method, never its content
    #[arg(long, short)]
    pub(crate) verbose: bool,
}
