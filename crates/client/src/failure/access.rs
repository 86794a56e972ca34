//! Faults of getting and keeping tokens.

use super::Failure;
use crate::{
    Exit,
    config::Config,
    oauth::LoginError,
    servers::ServersError,
    store::{FileError, Listed, Place, StoreError},
};

impl Failure {
    /// There is no token to be had.
    pub(crate) fn login(error: &LoginError, config: &Config) -> Self {
        let exit = match error {
            LoginError::Cancelled => return Self::cancelled(),
            LoginError::TooLate => Exit::Timeout,
            LoginError::Usage(_) | LoginError::File(..) => Exit::Usage,
            LoginError::Unanswered { .. } => Exit::Unreachable,
            _ => Exit::Unauthorized,
        };
        let failure = Self::new(exit, format!("no token for {}: {error}", config.endpoint));
        match error {
            LoginError::Refused(crate::oauth::Refused::Private(_)) => {
                failure.with_hint("if you trust it, --allow-private lets it be asked")
            }
            LoginError::Usage(_) | LoginError::File(..) | LoginError::Pasted => failure,
            _ => failure.with_hint(format!("`client explain --url {}` says more", config.endpoint)),
        }
    }

    /// The token store cannot be used.
    pub(crate) fn store(error: &StoreError) -> Self {
        let failure = Self::usage(&format!("the token store cannot be used: {error}"));
        match error {
            StoreError::File(FileError::Loose(path)) => {
                failure.with_hint(format!("chmod 600 {}", path.display()))
            }
            StoreError::Damaged(path) => failure.with_hint(format!(
                "remove {} and sign in again with `client login`",
                path.display()
            )),
            StoreError::File(_) => failure,
        }
    }

    /// What was to be forgotten is still there.
    pub(crate) fn still_kept(server: &str) -> Self {
        let message =
            format!("the token for {server} is still in the keychain, which cannot be read");
        Self::usage(&message).with_hint("unlock the keychain, and try again")
    }

    /// What the doctor found.
    pub(crate) fn explained(exit: Exit, count: usize) -> Self {
        let failures = if count == 1 { "1 check fails" } else { &format!("{count} checks fail") };
        Self::new(exit, failures)
    }

    /// A fault of the HTTP client.
    pub(crate) fn from_reqwest(error: &reqwest::Error, config: &Config) -> Self {
        super::http::from_reqwest(error, config)
    }

    /// The names of servers.
    pub(crate) fn servers(error: &ServersError) -> Self {
        let failure = Self::usage(&error.to_string());
        match error {
            ServersError::Unknown(_) => failure.with_hint("`client servers list` lists them"),
            _ => failure,
        }
    }

    /// The same, where a token that the list names was not to be had.
    pub(crate) fn missing_keychain(mut self, config: &Config) -> Self {
        let listed = config.access.store().and_then(|store| store.list().ok()).unwrap_or_default();
        let ours = |one: &Listed| one.summary.server == config.endpoint.as_str();
        if listed.iter().any(|one| ours(one) && one.kept_in == Place::Keychain) {
            self.message.push_str(". A token is kept in the keychain, which cannot be read");
        }
        self
    }

    /// The same, for somebody who could sign in.
    pub(crate) fn offering_login(self, config: &Config) -> Self {
        if config.access.folder().is_none() || self.challenge().is_none() {
            return self;
        }
        let again = if self.lacks_scope() {
            "repeat it with --yes, or on a terminal, to sign in for more scopes".to_owned()
        } else {
            format!("sign in with `client login --url {}`", config.endpoint)
        };
        self.with_hint(again)
    }

    /// The same, and why nothing more was tried.
    pub(crate) fn stopped(self, why: &str) -> Self {
        self.with_hint(why)
    }

    /// The challenge that came with it, as it was sent.
    pub(crate) fn challenge(&self) -> Option<&str> {
        self.refusal.as_ref()?.challenge.as_deref()
    }

    /// Whether a token with more scopes would do (RFC 6750 §3.1).
    pub(crate) fn lacks_scope(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.lacks_scope)
    }
}
