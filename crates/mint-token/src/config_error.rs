//! What can be wrong with the configuration, and what to do about it.

use std::time::Duration;

use auth_core::{InvalidNameError, ResourceUriError, display::excerpt};
use settings::{EnvFileError, IssuerUrlError};

use terminal::{Invocation, duration};

use crate::{
    input::InputError, policy::PolicySourceError, server::ServerError, signer::SignerError,
};

/// One error of the configuration. All of them are shown together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The `.env` file cannot be read.
    #[error(transparent)]
    EnvFile(EnvFileError),
    /// `--issuer` or `JWT_ISSUER` is not an issuer.
    #[error("{0}: {1}. Set the issuer's URL, for example http://localhost:8000")]
    Issuer(&'static str, IssuerUrlError),
    /// `TOKEN_SUBJECT` is no subject.
    #[error("TOKEN_SUBJECT: {0}. Set the subject of a user, for example alice")]
    Subject(InvalidNameError),
    /// `MCP_RESOURCE` is not a canonical URI.
    #[error("MCP_RESOURCE: {0}. Set the server's URI, for example http://localhost:8000/mcp")]
    Resource(ResourceUriError),
    /// There is no usable key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// `--claim` names the same claim twice.
    #[error("--claim {0} is given twice: a claim has one value; write a list as {0}:=[1,2]")]
    ClaimTwice(String),
    /// The policy cannot be read, or does not say what is asked.
    #[error(transparent)]
    Policy(#[from] PolicySourceError),
    /// A section of `bartizan.toml` has a resource that is not a canonical URI.
    #[error("[upstreams.{0}]: its resource: {1}")]
    Upstream(String, ResourceUriError),
    /// Tools of more than one server.
    #[error("--for-tool names tools of different servers: a token is for one; mint one for each")]
    TwoServers,
    /// `--url` is not a canonical URI.
    #[error("--url: {0}")]
    Server(ResourceUriError),
    /// `--like` does not name a token.
    #[error("--like: {0}")]
    LikeInput(#[from] InputError),
    /// `--like` names a token that cannot be copied.
    #[error("--like: {0}")]
    Like(String),
    /// The key would be removed before the token expires.
    #[error(
        "the keys in this folder are rotated, and stay published for tokens that live for {} at \
         most: choose a shorter --ttl, or a longer --max-ttl for `rotate`",
        duration::words(*.0)
    )]
    OutlivesKey(Duration),
    /// The token would be longer than servers accept.
    #[error("{0}. Leave out some --claim, --scope or --role")]
    TooLong(auth_core::IssueError),
}

impl ConfigError {
    /// The command that helps.
    pub(crate) fn hint(&self, invocation: &Invocation) -> Option<String> {
        match self {
            Self::Signer(error) => error.hint(invocation),
            Self::Policy(PolicySourceError::Server(error)) => error.hint(invocation),
            Self::Policy(PolicySourceError::NoTool(_, tool, _)) => {
                // Perhaps a tool of a server behind the gateway, in another folder.
                let server = excerpt(tool.split_once('/')?.0);
                Some(format!(
                    "there is no [upstreams.{server}] in bartizan.toml, and no {server}.policy.toml \
                     in this folder"
                ))
            }
            _ => None,
        }
    }

    /// Whether a server could not be reached, rather than something is wrong here.
    pub(crate) const fn is_unreachable(&self) -> bool {
        match self {
            Self::Policy(PolicySourceError::Server(error)) => {
                !matches!(error, ServerError::Token(_))
            }
            _ => false,
        }
    }
}
