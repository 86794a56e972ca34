//! What can be wrong with the configuration, each fault with what to do about it.

use auth_core::{InvalidName, ResourceUriError};
use settings::EnvFileError;

use crate::signer::SignerFault;

/// One fault of the configuration. All that there are are shown together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The `.env` file cannot be read.
    #[error("{0}. Correct it, or name another file with --env-file")]
    EnvFile(EnvFileError),
    /// `JWT_ISSUER` is no issuer.
    #[error("JWT_ISSUER: {0}. Set the issuer's URL, for example http://localhost:8000")]
    Issuer(InvalidName),
    /// `MCP_RESOURCE` is no canonical URI.
    #[error("MCP_RESOURCE: {0}. Set the server's URI, for example http://localhost:8000/mcp")]
    Resource(ResourceUriError),
    /// There is no usable key.
    #[error(transparent)]
    Signer(#[from] SignerFault),
    /// `--claim` names the same claim twice.
    #[error("--claim {0} is given twice: a claim has one value; write a list as {0}:=[1,2]")]
    ClaimTwice(String),
    /// The token would not fit into what servers read.
    #[error("{0}. Leave out some --claim, --scope or --role")]
    TooLong(auth_core::IssueError),
}
