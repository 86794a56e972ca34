//! The directory of users as the guard's [`Users`].

use std::{collections::BTreeSet, panic::resume_unwind, sync::Arc};

use audit_log::AuditLog;
use auth_core::{
    AccountError, Claims, Issuer, NumericDate, RoleName, Subject, TokenId, audit, display::quoted,
};
pub use bartizan::Provisioning;
use bartizan::{Issuers, NewUser, NoRoomError, Recorder, UserAuthenticator, UserRecord, Users};
use directory::{Directory, DirectoryError, Stamp, User};
use tracing::Instrument;

/// Verifies tokens by their issuers, and takes users from a directory.
pub type DirectoryAuthenticator<D> = UserAuthenticator<DirectoryUsers<D>, Issuers>;

/// The users of a directory. One who is added at its first use has a record in the audit log, if
/// there is one, and is not added while there is no room for that.
#[derive(Debug)]
pub struct DirectoryUsers<D> {
    directory: Arc<D>,
    audit: Option<AuditLog>,
    /// How the server's command line is called, for remedies in the log.
    server_command: String,
}

impl<D> DirectoryUsers<D> {
    /// The users of `directory`. The log suggests commands of `server_command`, for example
    /// `bartizan-server`.
    pub fn new(directory: Arc<D>, server_command: &str) -> Self {
        Self { directory, audit: None, server_command: server_command.to_owned() }
    }

    /// Records users who are added in this log.
    #[must_use]
    pub fn audit(self, audit: Option<AuditLog>) -> Self {
        Self { audit, ..self }
    }
}

/// Why users of a directory cannot be asked for or added.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryUsersError {
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The audit log has no room for the record of a user who would be added.
    #[error("a user is not added, as that could not be recorded")]
    Unrecordable(#[from] NoRoomError),
    /// The process ends.
    #[error("a user is not added, as the server stops")]
    Ending,
}

/// A user of a directory.
#[derive(Debug, Clone)]
pub struct DirectoryUser(Arc<User>);

/// What is recorded of a user who was added at its first use: as of one whom an operator adds, but
/// by the issuer that vouches for the user.
fn addition(issuer: &Issuer, subject: &Subject, roles: &BTreeSet<RoleName>) -> audit::Change {
    audit::Change {
        by: format!("issuer {}", issuer.as_str()),
        command: "users add".to_owned(),
        object: Some(subject.as_str().to_owned()),
        issuer: Some(issuer.as_str().to_owned()),
        detail: Some(roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(" ")),
    }
}

/// Adds `user`; `false` if another request, or another node, was faster.
async fn insert(
    directory: &impl Directory,
    user: &NewUser,
    now: NumericDate,
) -> Result<bool, DirectoryError> {
    let NewUser { issuer, subject, display_name, roles } = user;
    let new = |display_name: &str| directory::NewUser {
        issuer: issuer.clone(),
        subject: subject.clone(),
        display_name: display_name.to_owned(),
        roles: roles.clone(),
    };
    let stamp = Stamp::new("first use", now);
    let name = display_name.as_deref().unwrap_or(subject.as_str());
    let added = match directory.add(new(name), &stamp).await {
        Err(DirectoryError::DisplayName) => directory.add(new(subject.as_str()), &stamp).await,
        added => added,
    };
    match added {
        Ok(()) => Ok(true),
        Err(DirectoryError::Exists { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

impl<D: Directory> Users for DirectoryUsers<D> {
    type User = DirectoryUser;
    type Error = DirectoryUsersError;

    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<DirectoryUser>, DirectoryUsersError> {
        Ok(self.directory.find(issuer, subject).await?.map(DirectoryUser))
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryUsersError> {
        Ok(self.directory.is_revoked(issuer, token_id).await?)
    }

    async fn add(&self, user: NewUser, now: NumericDate) -> Result<(), DirectoryUsersError> {
        let Some(log) = self.audit.clone() else {
            insert(self.directory.as_ref(), &user, now).await?;
            return Ok(());
        };
        let room = log.reserve().await?;
        let directory = Arc::clone(&self.directory);
        // In a task of its own: if the caller goes away while the database makes the change, it is
        // recorded nevertheless. There are as many as there is room for records, and the log is
        // closed after them.
        let adding = tokio::spawn(
            async move {
                if insert(directory.as_ref(), &user, now).await? {
                    log.record_change_in(room, addition(&user.issuer, &user.subject, &user.roles));
                }
                Ok(())
            }
            .in_current_span(),
        );
        match adding.await {
            Ok(added) => added,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(DirectoryUsersError::Ending),
            },
        }
    }

    fn record_use(&self, user: &DirectoryUser, now: NumericDate) {
        self.directory.touch(&user.0, now);
    }

    /// The command with which the operator lets a user in. It has the name that the token has for
    /// the user, by which a person recognises who that is: a subject may be random text.
    fn remedy(&self, refusal: AccountError, claims: &Claims) -> Option<String> {
        let server = &self.server_command;
        let (issuer, subject) = (quoted(claims.issuer().as_str()), claims.subject().as_str());
        // What begins with a dash would be taken for an option.
        let dashes = if subject.starts_with('-') { "-- " } else { "" };
        let subject = format!("{dashes}{}", quoted(subject));
        match refusal {
            AccountError::UnknownUser => {
                let name = claims.display_name().map_or_else(|| "NAME".into(), quoted);
                let name = format!("--name={name}");
                Some(format!("{server} users add --issuer {issuer} {name} --role ROLE {subject}"))
            }
            AccountError::DisabledUser => {
                Some(format!("{server} users enable --issuer {issuer} {subject}"))
            }
            AccountError::RevokedToken => None,
        }
    }
}

impl UserRecord for DirectoryUser {
    fn display_name(&self) -> &Arc<str> {
        self.0.display_name()
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn roles_at(&self, now: NumericDate) -> Arc<BTreeSet<RoleName>> {
        self.0.roles_at(now)
    }

    fn tokens_valid_from(&self) -> Option<NumericDate> {
        self.0.valid_from()
    }
}
