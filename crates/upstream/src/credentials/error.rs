//! Why there are no credentials.

use std::error::Error;

use http::StatusCode;
use outbound::OutboundError;

use super::mint::MintError;

/// Why there are no credentials. No variant shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A file with a secret cannot be read.
    #[error("the secret cannot be read")]
    Secret(#[source] Box<dyn Error + Send + Sync>),
    /// The text in the file cannot be sent in a header (RFC 9110 §5.5).
    #[error("the secret is empty or cannot be sent in a header")]
    NotAHeader,
    /// The gateway could not mint a token.
    #[error("no token could be minted")]
    Mint(#[from] MintError),
    /// The token endpoint gave no token.
    #[error("there is no access token")]
    Endpoint(#[from] TokenEndpointError),
    /// It gave none a moment ago, and is not asked again so soon.
    #[error("there was no access token a moment ago")]
    RecentlyFailed,
}

impl CredentialError {
    /// Whether another request may well get what this one did not.
    pub(super) const fn is_of_one_request(&self) -> bool {
        matches!(self, Self::Mint(MintError::Ended))
    }
}

/// Why a token endpoint gave no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenEndpointError {
    /// No answer.
    #[error("the token endpoint does not answer")]
    Unavailable(#[from] OutboundError),
    /// An error (RFC 6749 §5.2), escaped.
    #[error("the token endpoint answers {0}")]
    Refused(String),
    /// No token of type `Bearer` in the answer.
    #[error("the answer of the token endpoint has the status {0} and no bearer token")]
    Malformed(StatusCode),
}

/// Why a header cannot have this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderNameError {
    /// No name of a header (RFC 9110 §5.1).
    #[error("not a header name")]
    Syntax,
    /// A header that MCP defines, or that HTTP needs.
    #[error("the header {0} is filled by MCP or by HTTP itself")]
    Reserved(String),
}
