//! What the command line says of names for servers.

use clap::Subcommand;

/// What to do with the names.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ServersVerb {
    /// Stores a server's URL under a name
    Add {
        /// The name: letters, digits, `-`, `_` and `.`
        name: String,
        /// The URL
        address: String,
    },
    /// Lists the names
    List,
    /// Removes a name
    Remove {
        /// The name
        name: String,
    },
}
