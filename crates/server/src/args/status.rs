//! `server status` on the command line.

use std::time::Duration;

use clap::Args;
use terminal::{OutputFormat, duration};

use crate::admin::bind::AdminBind;

/// Which server, how often, and in which format.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Where its admin listener is: an address with its port, or unix: and a path [default:
    /// `ADMIN_BIND`]
    #[arg(long, value_name = "ADDR")]
    pub admin: Option<AdminBind>,
    /// Go on, and show each interval [default interval: 2s]
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2s",
        value_parser = duration::parse
    )]
    pub watch: Option<Duration>,
    /// The output format; with --watch a line for each interval
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: OutputFormat,
}
