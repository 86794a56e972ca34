//! Why files that were read again are refused.

use std::{num::NonZeroU32, path::PathBuf};

use bartizan::MissingRulesError;
use tls_setup::TlsFileError;

use crate::{
    config::{policy_file::PolicyFileError, settings::ConfigError},
    failure::Failure,
    gateway::files::GatewayFileError,
};

/// At the next look: within a second.
const SOON: NonZeroU32 = NonZeroU32::MIN;
/// After 5 s: servers behind the gateway are started to judge settings.
const LATER: NonZeroU32 = NonZeroU32::new(10).unwrap();

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
    /// A file of an upstream is gone.
    #[error("{}: there is no such file. Restore it", .0.display())]
    Missing(PathBuf),
    /// The policy of an upstream was suggested, and no one accepted it.
    #[error("the policy is not accepted")]
    NotAccepted,
    /// The settings cannot be put in force. What they name may change, so they are judged again.
    #[error(transparent)]
    Settings(Box<Failure>),
    /// The configuration file is wrong by itself.
    #[error(transparent)]
    ConfigFile(ConfigError),
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
    /// After how many looks the files are judged again as they are, where the reason is outside of
    /// them, so that they may be accepted later; `None` where it is in them.
    pub(crate) const fn looks_until_again(&self) -> Option<NonZeroU32> {
        match self {
            Self::Tls(TlsFileError::Early { .. }) | Self::Config(_) | Self::NotAccepted => {
                Some(SOON)
            }
            Self::Settings(_) => Some(LATER),
            _ => None,
        }
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
            Self::Missing(_) => "one of them is not there",
            Self::NotAccepted => "it is not accepted",
            Self::Tls(error) => error.reason(),
            Self::Config(_) => "it does not fit the other settings",
            Self::Settings(_) | Self::ConfigFile(_) => "the server cannot be configured so",
            Self::Restart(_) => "it takes effect with a restart",
        }
    }
}
