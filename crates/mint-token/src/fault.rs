//! What can be wrong with the configuration, each fault with what to do about it.

use std::time::Duration;

use auth_core::{InvalidName, ResourceUriError};
use settings::EnvFileError;

use crate::{input::InputError, policy::PolicyFault, server::ServerFault, signer::SignerFault};

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
    /// The policy says no, or nothing.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
    /// `--server` is no canonical URI.
    #[error("--server: {0}")]
    Server(ResourceUriError),
    /// `--like` names no token.
    #[error("--like: {0}")]
    LikeInput(#[from] InputError),
    /// `--like` names a token that cannot be taken for a model.
    #[error("--like: {0}")]
    Like(String),
    /// The key would be gone before the token.
    #[error("the keys in this folder take turns, and are published for tokens of {} s at most: choose a shorter --ttl, or a longer --max-ttl for `rotate`", .0.as_secs())]
    OutlivesKey(Duration),
    /// The token would not fit into what servers read.
    #[error("{0}. Leave out some --claim, --scope or --role")]
    TooLong(auth_core::IssueError),
}

impl Fault {
    /// Whether a server could not be asked, rather than that something is wrong here.
    pub(crate) const fn is_of_the_network(&self) -> bool {
        match self {
            Self::Policy(PolicyFault::Server(fault)) => !matches!(fault, ServerFault::Token(_)),
            _ => false,
        }
    }
}
