//! The flags of `serve`.

use std::path::PathBuf;

use clap::Args;
use terminal::help;

/// What `serve` runs.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen: host:port [default: the configured address].
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) bind: Option<String>,

    /// The policy of the resource server [default: the configured one, else the one that the server
    /// has built in].
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// The file with the configuration; it need not exist.
    #[arg(long, value_name = "FILE", default_value = ".env", help_heading = help::GLOBAL)]
    pub(crate) env_file: PathBuf,
}
