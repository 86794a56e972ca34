//! Why a command failed, and with which exit code.

use std::{error::Error, io, path::PathBuf};

use audit_log::AuditFileError;
use audit_setup::AuditSetupError;
use auth_core::audit::{CheckpointError, Fault, Finding};
use directory::{AuditTableError, DirectoryError};
use issuer_setup::SetupError;
use terminal::{Invocation, Program};

use crate::{
    admin::ask::AskError,
    config::{policy_file::PolicyFileError, settings::ConfigError},
};

/// What is found where a log was signed with several keys.
const UNKNOWN_KEY: Fault = Fault::Checkpoint(CheckpointError::UnknownKey);

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration is invalid.
    #[error("the configuration is invalid:\n{0}")]
    Config(#[from] ConfigError),
    /// The policy is invalid.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// A resource cannot be served.
    #[error(transparent)]
    Resource(#[from] crate::app::resource::ResourceError),
    /// The policy or the lock file of an upstream.
    #[error(transparent)]
    Gateway(#[from] crate::gateway::files::GatewayFileError),
    /// An upstream does not say what it offers.
    #[error("cannot list what {name} offers: {source}")]
    Listing {
        /// The name of the upstream.
        name: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An upstream cannot be served as it is configured.
    #[error("{name} cannot be served: {source}")]
    Opening {
        /// The name of the upstream.
        name: String,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The policy of an upstream is still the suggested one.
    #[error("{name} is not served until {} is accepted", policy.display())]
    NotAccepted {
        /// The name of the upstream.
        name: String,
        /// The policy file.
        policy: PathBuf,
    },
    /// The files of an upstream change while it is added.
    #[error("the policy or the lock file of {name} is being written: replace it by a rename")]
    Unsettled {
        /// The name of the upstream.
        name: String,
    },
    /// There is a policy of an upstream, and no lock file.
    #[error("{}: no such file, so nothing says what of {name} was accepted", lock.display())]
    NoLock {
        /// The name of the upstream.
        name: String,
        /// The lock file.
        lock: PathBuf,
    },
    /// An upstream offers what its policy has no rule for.
    #[error("{}: no rule for what is offered:\n{}", policy.display(), rules.join("\n"))]
    NoRules {
        /// The policy file.
        policy: PathBuf,
        /// What has none, each with a rule that would do.
        rules: Vec<String>,
    },
    /// No upstream of this name is configured.
    #[error(
        "no [upstreams.{0}] in bartizan.toml: add the command of the server after --, or --url"
    )]
    NoSuchUpstream(String),
    /// `.env` could not be read or written.
    #[error(transparent)]
    EnvFile(#[from] settings::EnvFileError),
    /// A flag or an argument.
    #[error("{0}")]
    Usage(String),
    /// It was asked for, and the answer was no.
    #[error("{0}")]
    Declined(String),
    /// Who read the output has closed it.
    #[error("the output is closed")]
    Closed,
    /// The address is in use, or is not one of this machine.
    #[error("cannot listen on {address}: {source}. {}", bind_hint(.source))]
    Bind {
        /// Where.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The place of the admin listener is in use, or is none of this machine.
    #[error("the admin listener cannot listen on {place}: {source}. Check ADMIN_BIND")]
    AdminBind {
        /// Where.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// The admin listener does not say how the server is.
    #[error("the admin listener at {place} cannot be asked: {source}")]
    Asking {
        /// Where.
        place: String,
        /// Why not.
        source: AskError,
    },
    /// The directory of users.
    #[error("the directory of users cannot be used: {0}")]
    Directory(#[from] DirectoryError),
    /// There is no directory of users, and the command makes none.
    #[error("there is no directory of users at {}", .0.display())]
    NoDirectory(PathBuf),
    /// The authorization server.
    #[error("the authorization server cannot be used: {0}")]
    AuthorizationServer(#[from] issuer::OpenError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditFileError),
    /// The database into which it is copied.
    #[error(transparent)]
    AuditTable(#[from] AuditTableError),
    /// A row of that database does not say what its record says.
    #[error(
        "the audit log is not as it was written: {place} has columns that differ from its line"
    )]
    AuditRow {
        /// The log and the row.
        place: String,
    },
    /// A record of the audit log is not as it was written.
    #[error("the audit log is not as it was written: {place}: {finding}")]
    AuditFinding {
        /// The file and the line.
        place: String,
        /// Which record, and what is wrong with it.
        finding: Finding,
    },
    /// A line of the audit log cannot be read.
    #[error("{place} is not a record as it was written")]
    AuditRecord {
        /// The file and the line.
        place: String,
    },
    /// What was asked for is there, but for some records.
    #[error("{first}; left out for such a reason: {count}")]
    AuditLeftOut {
        /// What is wrong with the first.
        first: Box<Self>,
        /// How many.
        count: u64,
    },
    /// A file in the place of a token id.
    #[error("{0:?} is a file, and not the id of a token")]
    TokenFile(String),
    /// A text that is no id of a token that was made here.
    #[error(
        "{0:?} is not the id of a token that was made here: such a one has 22 characters, letters, \
         digits, - and _"
    )]
    NotAnOwnTokenId(String),
    /// The user does not exist.
    #[error("no user {subject:?} of {issuer}")]
    NoSuchUser {
        /// The issuer.
        issuer: String,
        /// The subject.
        subject: String,
    },
    /// The user exists already.
    #[error("there is a user {subject:?} of {issuer} already")]
    UserExists {
        /// The issuer.
        issuer: String,
        /// The subject.
        subject: String,
    },
    /// The client of the authorization server does not exist.
    #[error("no client {0:?}")]
    NoSuchClient(String),
    /// The client exists already.
    #[error("there is a client {0:?} already")]
    ClientExists(String),
    /// The grant does not exist, or has ended.
    #[error("no grant {0:?} that has not ended")]
    NoSuchGrant(String),
    /// An unexpected error.
    #[error("{context}: {source}")]
    Io {
        /// While doing what.
        context: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl From<AuditSetupError> for Failure {
    fn from(error: AuditSetupError) -> Self {
        match error {
            AuditSetupError::File(error) => error.into(),
            AuditSetupError::Directory(error) => error.into(),
            AuditSetupError::Table(error) => error.into(),
        }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Settings(faults) => ConfigError(faults).into(),
            SetupError::Keys(fault) => {
                let or = "or set SIGN_IN=off if tokens come from elsewhere";
                ConfigError(vec![format!("{fault}, {or}")]).into()
            }
            SetupError::Directory(error) => error.into(),
            SetupError::Open(error) => error.into(),
        }
    }
}

impl Failure {
    /// The exit code, as `--help` lists them.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Io { .. } => 1,
            Self::Config(_)
            | Self::Policy(_)
            | Self::Resource(_)
            | Self::Gateway(_)
            | Self::NotAccepted { .. }
            | Self::Unsettled { .. }
            | Self::NoLock { .. }
            | Self::NoRules { .. }
            | Self::EnvFile(_)
            | Self::Usage(_)
            | Self::TokenFile(_)
            | Self::NotAnOwnTokenId(_)
            | Self::AuditTable(AuditTableError::Url(_))
            | Self::Declined(_) => 2,
            Self::Bind { .. } | Self::AdminBind { .. } => 3,
            Self::Listing { .. } | Self::Opening { .. } | Self::Asking { .. } => 6,
            Self::Audit(AuditFileError::CutOff { .. }) => 10,
            Self::Audit(AuditFileError::Damaged { .. } | AuditFileError::Changed { .. })
            | Self::AuditRecord { .. }
            | Self::AuditRow { .. }
            | Self::AuditLeftOut { .. } => 8,
            Self::Audit(_) | Self::AuditTable(AuditTableError::Hash { .. }) => 7,
            Self::AuditFinding { finding, .. } => match finding.fault {
                Fault::Checkpoint(_) | Fault::WrittenAnew { .. } => 9,
                Fault::Incomplete | Fault::CutOff => 10,
                Fault::Changed(_)
                | Fault::Replaced
                | Fault::Missing { .. }
                | Fault::OutOfOrder
                | Fault::Inserted
                | Fault::NotFirst => 8,
            },
            Self::Directory(fault) if fault.is_of_the_url() => 2,
            Self::AuditTable(AuditTableError::Unavailable { .. })
            | Self::Directory(_)
            | Self::NoDirectory(_)
            | Self::AuthorizationServer(_) => 4,
            Self::NoSuchUser { .. }
            | Self::UserExists { .. }
            | Self::NoSuchClient(_)
            | Self::ClientExists(_)
            | Self::NoSuchUpstream(_)
            | Self::NoSuchGrant(_) => 5,
        }
    }

    /// The error of another library behind it, where its own text does not include that.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Directory(fault) => fault.source(),
            Self::AuditTable(fault) => fault.source(),
            Self::AuthorizationServer(fault) => fault.source(),
            Self::Listing { source, .. } | Self::Opening { source, .. } => source.source(),
            Self::Asking { source, .. } => source.source(),
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
            Self::NoDirectory(_) => {
                let command = invocation.command(Program::Server, "init");
                let folder = "run it in the folder of the server, or name the directory with \
                              --database-url";
                Some(format!("{folder}; `{command}` makes one"))
            }
            Self::TokenFile(_) => {
                let command = invocation.command(Program::Server, "tokens revoke -");
                Some(format!("`{command} < FILE` revokes the token that is in a file"))
            }
            Self::NotAnOwnTokenId(_) => {
                let command = invocation.command(Program::Server, "tokens revoke -");
                Some(format!(
                    "the id is the jti of the token; `{command} < FILE` revokes the token that is \
                     in a file; --issuer names the issuer of a token that was made elsewhere"
                ))
            }
            Self::NoSuchClient(_) => {
                let command = invocation.command(Program::Server, "clients list --all");
                Some(format!("`{command}` shows all clients"))
            }
            Self::NoSuchGrant(_) => {
                let command = invocation.command(Program::Server, "grants list");
                Some(format!("`{command}` shows all grants"))
            }
            Self::Audit(AuditFileError::Damaged { .. } | AuditFileError::Changed { .. })
            | Self::AuditLeftOut { .. } => {
                let command = invocation.command(Program::Server, "audit verify");
                Some(format!("`{command}` names the first record that is not as it was written"))
            }
            Self::AuditFinding { finding: Finding { fault: UNKNOWN_KEY, .. }, .. } => {
                let files = "audit verify --key NEW --key OLD";
                let command = invocation.command(Program::Server, files);
                Some(format!("`{command}` checks a log whose key was replaced"))
            }
            Self::NotAccepted { .. } => {
                Some("read it, and start again with --accept, or edit it".into())
            }
            Self::NoLock { .. } => Some("--accept takes what is offered now".into()),
            _ => None,
        }
    }

    /// The same of a program that runs until it is stopped: there, a closed output is an error.
    #[must_use]
    pub(crate) fn of_a_server(self) -> Self {
        match self {
            Self::Closed => Self::Io {
                context: "cannot write the output",
                source: io::ErrorKind::BrokenPipe.into(),
            },
            other => other,
        }
    }

    /// The output cannot be written.
    pub(crate) fn output(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io { context: "cannot write the output", source },
        }
    }
}

fn bind_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "Another program listens there: stop it, or choose another address with --bind or \
             BIND_ADDR, and the same port in MCP_RESOURCE and JWT_ISSUER"
        }
        io::ErrorKind::PermissionDenied => "Ports under 1024 need privileges: choose a higher one",
        _ => "Check --bind or BIND_ADDR",
    }
}
