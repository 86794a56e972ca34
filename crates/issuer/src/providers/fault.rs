//! What goes wrong between this server and a provider: for the log. The person sees that the
//! provider did not confirm who they are, and nothing that the provider wrote.

use auth_core::openid::{GitHubError, IdTokenError, TokenResponseError, UserInfoError};
use outbound::{OutboundError, document::DocumentError};

/// Why a provider did not say who the user is.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ProviderFault {
    /// No response.
    #[error("no answer of the provider: {what}")]
    Unreachable {
        /// What was asked for.
        what: &'static str,
        #[source]
        source: OutboundError,
    },
    /// Another status than is good.
    #[error("the provider answers with the status {status}: {what}")]
    Status {
        /// What was asked for.
        what: &'static str,
        /// The status.
        status: u16,
    },
    /// The metadata is not usable.
    #[error("the provider's metadata cannot be used")]
    Metadata(#[source] DocumentError),
    /// The keys are not usable.
    #[error("the provider's key set is malformed or has no usable key")]
    Keys,
    /// It was asked a moment ago, without success.
    #[error("the provider was asked for {0} a moment ago, without success")]
    Pause(&'static str),
    /// Too many sign-ins at once.
    #[error("too many sign-ins through the provider at once")]
    Busy,
    /// The request could not go on: the program is shutting down.
    #[error("the request to the provider was given up")]
    Interrupted,
    /// No tokens.
    #[error(transparent)]
    Tokens(#[from] TokenResponseError),
    /// No ID token.
    #[error("the provider's answer has no {0}")]
    TokenMissing(&'static str),
    /// The ID token is refused.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// What the provider says about the user cannot be used.
    #[error("the answer of the UserInfo endpoint cannot be used")]
    UserInfo(#[source] std::sync::Arc<UserInfoError>),
    /// What GitHub says about the user cannot be used.
    #[error("an answer of GitHub cannot be used")]
    GitHub(#[source] std::sync::Arc<GitHubError>),
}

impl ProviderFault {
    /// Whether another try in a moment may succeed.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Pause(_) | Self::Busy | Self::Interrupted => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429,
            Self::Tokens(TokenResponseError::Malformed(status))
            | Self::Metadata(DocumentError::Status(status)) => *status >= 500,
            _ => false,
        }
    }
}

impl From<UserInfoError> for ProviderFault {
    fn from(fault: UserInfoError) -> Self {
        Self::UserInfo(fault.into())
    }
}

impl From<GitHubError> for ProviderFault {
    fn from(fault: GitHubError) -> Self {
        Self::GitHub(fault.into())
    }
}
