//! Why a command failed, in words, and with which exit code.

use std::{error::Error, io};

use directory::DirectoryError;
use terminal::{Invocation, Program};

use crate::config::{policy_file::PolicyFileError, settings::ConfigError};

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Faults in the configuration.
    #[error("the configuration has faults:\n{0}")]
    Config(#[from] ConfigError),
    /// Faults in the policy.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// A resource cannot be served.
    #[error(transparent)]
    Resource(#[from] crate::app::ResourceError),
    /// `.env` could not be read or written.
    #[error(transparent)]
    EnvFile(#[from] settings::EnvFileError),
    /// A flag or an argument.
    #[error("{0}")]
    Usage(String),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}. {}", bind_hint(.source))]
    Bind {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The directory of users.
    #[error("the directory of users cannot be used: {0}")]
    Directory(#[from] DirectoryError),
    /// A user who is not there.
    #[error("no user {subject:?} of {issuer}")]
    NoSuchUser {
        /// The issuer.
        issuer: String,
        /// The subject.
        subject: String,
    },
    /// A user who is there already.
    #[error("there is a user {subject:?} of {issuer} already")]
    UserExists {
        /// The issuer.
        issuer: String,
        /// The subject.
        subject: String,
    },
    /// Something that should not happen.
    #[error("{context}: {source}")]
    Io {
        /// While doing what.
        context: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure {
    /// The exit code, as `--help` lists them.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Io { .. } => 1,
            Self::Config(_)
            | Self::Policy(_)
            | Self::Resource(_)
            | Self::EnvFile(_)
            | Self::Usage(_) => 2,
            Self::Bind { .. } => 3,
            Self::Directory(_) => 4,
            Self::NoSuchUser { .. } | Self::UserExists { .. } => 5,
        }
    }

    /// What stands behind it in others' words, where its own say that something does.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Directory(fault) => fault.source(),
            _ => None,
        }
    }

    /// The command that helps.
    #[must_use]
    pub fn hint(&self, invocation: &Invocation) -> Option<String> {
        match self {
            Self::NoSuchUser { .. } => {
                let command = invocation.command(Program::Server, "users list");
                Some(format!("`{command}` shows all users"))
            }
            _ => None,
        }
    }

    /// A failure to write what was asked for.
    pub(crate) fn output(source: io::Error) -> Self {
        Self::Io { context: "cannot write the output", source }
    }
}

fn bind_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "Another program listens there: stop it, or choose another address with --bind or BIND_ADDR"
        }
        io::ErrorKind::PermissionDenied => "Ports under 1024 need privileges: choose a higher one",
        _ => "Check --bind or BIND_ADDR",
    }
}
