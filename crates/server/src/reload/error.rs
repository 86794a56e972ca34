//! Why files that were read again are refused.

use bartizan::MissingRulesError;
use tls_setup::TlsFileError;

use crate::{
    config::{policy_file::PolicyFileError, settings::ConfigError},
    failure::Failure,
    gateway::files::GatewayFileError,
};

/// Why the new version of a file is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// The policy by itself.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// It lacks a rule.
    #[error(transparent)]
    MissingRules(#[from] MissingRulesError),
    /// The file of an upstream cannot be read.
    #[error(transparent)]
    Upstream(#[from] GatewayFileError),
    /// The policy of an upstream was suggested, and no one accepted it.
    #[error("the policy is not accepted")]
    NotAccepted,
    /// The settings cannot be put in force.
    #[error(transparent)]
    Settings(Box<Failure>),
    /// Settings that are read at the start alone have changed.
    #[error("this takes effect with a restart: {}", .0.join(", "))]
    Restart(Vec<String>),
    /// The files of the certificate.
    #[error(transparent)]
    Tls(#[from] TlsFileError),
    /// It does not fit the other settings. These may change, so it is judged again.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl ReloadError {
    /// Whether the reason is outside of the files, so that they may be accepted later as they are.
    pub(crate) const fn may_pass(&self) -> bool {
        let is_early = matches!(self, Self::Tls(TlsFileError::Early { .. }));
        is_early || matches!(self, Self::Config(_) | Self::NotAccepted)
    }

    /// The reason in a few words, without a name or a line of the file: any caller may read it in
    /// `/readyz`.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Policy(PolicyFileError::Unreadable { .. })
            | Self::Upstream(GatewayFileError::Io { .. }) => "it cannot be read",
            Self::Policy(PolicyFileError::Syntax(_)) => "it is not well formed",
            Self::Policy(PolicyFileError::Faults(_)) => "it is invalid",
            Self::Policy(PolicyFileError::MissingRules(_)) | Self::MissingRules(_) => {
                "it has no rule for something that is offered"
            }
            Self::Upstream(GatewayFileError::Lock { .. }) => "it is no lock file",
            Self::NotAccepted => "it is not accepted",
            Self::Tls(error) => error.reason(),
            Self::Config(_) => "it does not fit the other settings",
            Self::Settings(_) => "the server cannot be configured so",
            Self::Restart(_) => "it takes effect with a restart",
        }
    }
}
