//! The records of administrative changes: one for each command that changed something.
//!
//! The log is opened before the command runs: without a log that can be written, nothing is
//! changed. It is a chain of its own beside the server's, and its lock is held until the command
//! has ended. Its head is kept in the database of the directory, as that of the server's log: a log
//! that does not have that record is not continued.

use audit_log::{AuditFileError, Files, LogFile, Sink};
use audit_setup::KeptHead;
use auth_core::{
    Clock,
    audit::{Change, Digest, Entry, Head, Timestamp},
    display::chain,
};
use directory::AnyDirectory;
use settings::{Environment, Variable};

use super::context::who;
use crate::{
    args::{
        ClientsCommand, Command, GrantsCommand, RunArgs, SecondFactorCommand, TokensCommand,
        UsersCommand,
    },
    config::{
        settings::{ConfigError, database_url},
        upstreams::UpstreamConfig,
    },
    failure::Failure,
};

/// The longest text that is recorded of the command line, in bytes. A token is longer.
const MAX_BYTES: usize = 128;

/// The longest issuer that is recorded, in bytes.
const MAX_ISSUER_BYTES: usize = 512;

/// The name of a command, what it changes, and how.
type Said = (&'static str, Option<String>, Option<String>);

/// An open log, and the change that will be recorded in it.
pub(crate) struct ChangeRecord {
    log: LogFile,
    files: Files,
    change: Change,
    /// The database of the directory.
    database: String,
}

impl ChangeRecord {
    /// For a command that changes something, where there is an audit log.
    pub(crate) async fn begin(
        command: Option<&Command>,
        args: &RunArgs,
        environment: &Environment,
        clock: &dyn Clock,
    ) -> Result<Option<Self>, Failure> {
        let Some(change) = command.and_then(change_of) else { return Ok(None) };
        Self::open(change, args, environment, clock).await
    }

    async fn open(
        (name, object, detail): Said,
        args: &RunArgs,
        environment: &Environment,
        clock: &dyn Clock,
    ) -> Result<Option<Self>, Failure> {
        let mut faults = Vec::new();
        let config = audit_setup::log_config(environment, &mut faults);
        if !faults.is_empty() {
            return Err(ConfigError(faults).into());
        }
        let Some(mut config) = config else { return Ok(None) };
        // Commands print their results there.
        config.is_copied = false;
        let short = |text: Option<String>| text.filter(|text| text.len() <= MAX_BYTES);
        let change = Change {
            by: who(),
            command: name.to_owned(),
            issuer: issuer_of(name, object.as_deref(), args, environment),
            object: short(object),
            detail: short(detail),
        };
        let files = Files::at(&config.file).of_commands();
        let database = database_url(args, environment).map_err(Failure::Usage)?;
        let kept = kept(&database, &files).await?;
        let log = LogFile::open(&config, files.clone(), kept, now(clock))?;
        Ok(Some(Self { log, files, change, database }))
    }

    /// Records that the change was made.
    pub(crate) async fn finish(mut self, clock: &dyn Clock) -> Result<(), Failure> {
        let time = now(clock);
        self.log.append(time, &Entry::Change(Box::new(self.change)));
        let path = self.files.current().to_owned();
        let not_recorded = |source| AuditFileError::NotRecorded { path, source };
        self.log.close(time).map_err(not_recorded)?;
        // The record is there. The next command keeps its head, if this one cannot.
        if let Err(error) = keep(&self.database, &self.files, self.log.head()).await {
            let error = chain(&error);
            tracing::warn!(%error, "The head of the commands' audit log cannot be kept");
        }
        Ok(())
    }
}

/// Accepts what the server of `config` offers, as `accept` does, with a record that has the digest
/// of the lock file. The record is not held longer than that: a gateway goes on to serve.
pub(crate) async fn accepting<T>(
    name: &'static str,
    config: &UpstreamConfig,
    (args, environment, clock): (&RunArgs, &Environment, &dyn Clock),
    accept: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let said = (name, Some(config.name.as_str().to_owned()), None);
    let record = Box::pin(ChangeRecord::open(said, args, environment, clock)).await?;
    let done = accept()?;
    if let Some(mut record) = record {
        let lock = std::fs::read(&config.lock).ok();
        record.change.detail = lock.map(|bytes| Digest::of(&bytes).to_string());
        Box::pin(record.finish(clock)).await?;
    }
    Ok(done)
}

/// The issuer of the user whom a command is about.
fn issuer_of(
    name: &str,
    object: Option<&str>,
    args: &RunArgs,
    environment: &Environment,
) -> Option<String> {
    let is_about_user =
        name.starts_with("users ") || matches!(name, "tokens revoke --user" | "grants revoke");
    object.filter(|_| is_about_user)?;
    let issuer = args.flag(Variable::JwtIssuer);
    let issuer = issuer.as_deref().or_else(|| environment.get(Variable::JwtIssuer))?;
    (issuer.len() <= MAX_ISSUER_BYTES).then(|| issuer.to_owned())
}

/// The head that the database has of the log in `files`; `None` where there is no database yet.
async fn kept(database: &str, files: &Files) -> Result<Option<Head>, Failure> {
    if AnyDirectory::missing_file(database)?.is_some() {
        return Ok(None);
    }
    let directory = AnyDirectory::open(database).await?;
    let kept = KeptHead::of(files.current(), &directory).load().await;
    directory.close().await;
    Ok(kept?)
}

/// Keeps `head` there.
async fn keep(database: &str, files: &Files, head: Head) -> Result<(), Failure> {
    if AnyDirectory::missing_file(database)?.is_some() {
        return Ok(());
    }
    let directory = AnyDirectory::open(database).await?;
    let kept = KeptHead::of(files.current(), &directory).store(head).await;
    directory.close().await;
    Ok(kept?)
}

fn now(clock: &dyn Clock) -> Timestamp {
    Timestamp::since_epoch(clock.since_epoch())
}

/// The name of the command, what it changes, and how; `None` if it changes nothing.
fn change_of(command: &Command) -> Option<Said> {
    Some(match command {
        Command::Init => ("init", None, None),
        Command::Users(command) => return of_users(command),
        Command::Tokens(TokensCommand::Revoke { token, user, .. }) => match user {
            Some(user) => ("tokens revoke --user", Some(user.clone()), None),
            None => ("tokens revoke", token.clone().filter(|token| token != "-"), None),
        },
        Command::Clients(ClientsCommand::Add(new)) => {
            let id = new.id.as_ref().map(ToString::to_string);
            ("clients add", id, Some(new.name.clone()))
        }
        Command::Clients(ClientsCommand::Remove { id, .. }) => {
            ("clients remove", Some(id.to_string()), None)
        }
        Command::Grants(GrantsCommand::Revoke { grant, user, client, .. }) => {
            let client = client.as_ref().map(ToString::to_string);
            let grant = grant.as_ref().map(ToString::to_string);
            ("grants revoke", grant.or_else(|| user.clone()), client)
        }
        // What the gateway accepts is recorded where it does, see `accepting`.
        _ => return None,
    })
}

fn of_users(command: &UsersCommand) -> Option<Said> {
    let (name, subject, detail) = match command {
        UsersCommand::Add { subject, roles, .. } => {
            let roles = (!roles.is_empty()).then(|| roles.join(" "));
            ("users add", subject, roles)
        }
        UsersCommand::Disable { subject, .. } => ("users disable", subject, None),
        UsersCommand::Enable { subject, .. } => ("users enable", subject, None),
        UsersCommand::Remove { subject, .. } => ("users remove", subject, None),
        UsersCommand::Grant { subject, role, .. } => ("users grant", subject, Some(role.clone())),
        UsersCommand::RevokeRole { subject, role, .. } => {
            ("users revoke-role", subject, Some(role.clone()))
        }
        UsersCommand::Password { subject, .. } => ("users password", subject, None),
        UsersCommand::Code { subject, .. } => ("users code", subject, None),
        UsersCommand::Link { subject, .. } => ("users link", subject, None),
        UsersCommand::SecondFactor(SecondFactorCommand::Reset { subject, .. }) => {
            ("users second-factor reset", subject, None)
        }
        UsersCommand::Import { .. } => return Some(("users import", None, None)),
        UsersCommand::List { .. }
        | UsersCommand::Show { .. }
        | UsersCommand::Export { .. }
        | UsersCommand::Changes { .. } => return None,
    };
    Some((name, Some(subject.clone()), detail))
}
