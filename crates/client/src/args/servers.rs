//! What the command line says of names for servers.

use clap::Subcommand;

/// What to do with the names.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ServersVerb {
    /// Store the URL of a server under a name
    Add {
        /// The name: letters, digits, `-`, `_` and `.`
        name: String,
        /// The URL
        address: String,
    },
    /// List the names
    List,
    /// Remove a name
    Remove {
        /// The name
        name: String,
    },
}
