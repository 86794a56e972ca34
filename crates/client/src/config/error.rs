//! Why a run cannot begin.

use std::{io, path::PathBuf};

use auth_core::AccessTokenError;
use outbound::AuthoritiesError;
use settings::EnvFileError;

use super::certificate::CertificateError;
use crate::{
    endpoint::EndpointError, failure::Failure, request::ArgumentError, servers::ServersError,
};

/// Why a run cannot begin. No variant shows a byte of the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The `.env` file.
    #[error("{0}")]
    EnvFile(EnvFileError),
    /// `--env-file` names a file that does not exist.
    #[error("--env-file {0}: there is no such file")]
    NoEnvFile(PathBuf),
    /// `--url` or `MCP_URL`.
    #[error("{source_name} {fault}")]
    Url {
        /// Where it came from.
        source_name: &'static str,
        /// What is wrong with it.
        fault: EndpointError,
    },
    /// `MCP_TOKEN` or the token file holds no token.
    #[error("{source_name}: {fault}")]
    Token {
        /// Where it came from.
        source_name: String,
        /// What is wrong with it.
        fault: AccessTokenError,
    },
    /// A file cannot be read.
    #[error("{source_name}: {fault}")]
    File {
        /// Which file.
        source_name: String,
        /// What the file system said.
        fault: io::Error,
    },
    /// A file of certificate authorities cannot be used.
    #[error("{source_name}: {fault}")]
    Authorities {
        /// Which file.
        source_name: String,
        /// What is wrong with it.
        fault: AuthoritiesError,
    },
    /// The client's own certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A token, and plain http to another machine.
    #[error("the token is not sent over plain http to {0}: others on the network could read it")]
    PlainHttp(String),
    /// A token of the user's own, and a server that the file in the current folder alone names.
    #[error("the token is not sent to {0}, which nothing but .env in this folder names")]
    ServerFromFolder(String),
    /// The same with a certificate.
    #[error(
        "the client certificate is not presented to {0}, which nothing but .env in this folder \
         names"
    )]
    CertificateFromFolder(String),
    /// An argument of `call`.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// A name for a server.
    #[error(transparent)]
    Servers(#[from] ServersError),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::usage(&error.to_string());
        match error {
            ConfigError::Servers(error) => Self::from(error),
            ConfigError::Certificate(error) => Self::from(error),
            ConfigError::PlainHttp(_) => failure.with_hint("use an https URL"),
            ConfigError::ServerFromFolder(_) | ConfigError::CertificateFromFolder(_) => failure
                .with_hint(
                    "if that server may have it, name it: --url URL, MCP_URL in the environment, \
                     or --env-file .env",
                ),
            ConfigError::Token { .. } => failure.with_hint(
                "give the token alone, without `Bearer` or quotes; `{save-token}` makes one",
            ),
            _ => failure,
        }
    }
}
