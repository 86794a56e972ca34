//! `--output`: for a person or for a program.

use clap::ValueEnum;

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OutputFormat {
    /// For people
    #[default]
    #[value(help = None::<&str>)]
    Text,
    /// For programs
    #[value(help = None::<&str>)]
    Json,
}
