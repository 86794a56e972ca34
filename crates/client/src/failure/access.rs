//! Faults of getting and keeping tokens.

use auth_core::Challenge;
use outbound::{AddressError, OutboundError};
use rmcp::transport::auth::AuthError;

use super::Failure;
use crate::{
    Exit,
    config::Config,
    oauth::LoginError,
    servers::ServersError,
    store::{Entry, FileError, Listed, Place, StoreError},
    tls,
};

impl Failure {
    /// There is no token to be had.
    pub(crate) fn login(error: &LoginError, config: &Config) -> Self {
        let exit = match error {
            LoginError::Cancelled => return Self::cancelled(),
            LoginError::TooLate(_) => Exit::Timeout,
            LoginError::Usage(_) | LoginError::File(..) => Exit::Usage,
            LoginError::Down { .. }
            | LoginError::Busy { .. }
            | LoginError::Auth(AuthError::DiscoveryRequestFailed { .. }) => Exit::Unreachable,
            _ => Exit::Unauthorized,
        };
        let failure = Self::new(exit, format!("no token for {}: {error}", config.endpoint));
        match hint(error, config) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }

    /// The token that is stored cannot be renewed just now.
    pub(crate) fn renewal(error: &LoginError, config: &Config) -> Self {
        let mut failure = Self::login(error, config);
        if failure.exit != Exit::Cancelled {
            failure.message = format!("the token for {} is not renewed: {error}", config.endpoint);
        }
        failure
    }

    /// The same, for somebody who was signed in.
    pub(crate) fn sign_in_ended(mut self, entry: &Entry, config: &Config) -> Self {
        self.message =
            format!("your sign-in at {} for {} has ended", entry.issuer, config.endpoint);
        self
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
            StoreError::File(FileError::OthersFolder(path)) => {
                failure.with_hint(format!("chmod 700 {0}, or chown it to yourself", path.display()))
            }
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
    pub(crate) fn from_outbound(error: &OutboundError, config: &Config) -> Self {
        super::http::from_outbound(error, config)
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

    /// The challenge that came with it.
    pub(crate) fn challenge(&self) -> Option<&Challenge> {
        self.refusal.as_ref()?.challenge.as_ref()
    }

    /// Whether a token with more scopes would do (RFC 6750 §3.1).
    pub(crate) fn lacks_scope(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.lacks_scope)
    }
}

/// What to do about a sign-in that came to nothing.
fn hint(error: &LoginError, config: &Config) -> Option<String> {
    let url = &config.endpoint;
    let words = error.to_string();
    Some(match error {
        _ if tls::is_unknown_authority(&words) => tls::UNKNOWN_AUTHORITY.to_owned(),
        LoginError::Refused(refused) if refused.fault == AddressError::Private => {
            "if you trust it, --allow-private lets it be asked".to_owned()
        }
        LoginError::Usage(_) | LoginError::File(..) | LoginError::Pasted => return None,
        LoginError::NoPkce => {
            "if you know that it has PKCE (Microsoft Entra ID and Amazon Cognito \
             do, and do not say so): --assume-pkce"
                .to_owned()
        }
        LoginError::ResourceDiffers { resource, .. } => format!(
            "other servers may take a token for it, too. If you trust them all: --accept-resource {}",
            shell_word(resource)
        ),
        LoginError::NoIssuer
        | LoginError::Auth(AuthError::AuthorizationServersUnavailable { .. }) => {
            "nobody can sign in there: get a token from whoever runs the server, and set it as \
             MCP_TOKEN"
                .to_owned()
        }
        LoginError::OAuth { code, .. } if code == "access_denied" => {
            "you declined, or the issuer does not let you: try again, or ask whoever runs it"
                .to_owned()
        }
        LoginError::OAuth { .. } if error.is_about_client() => {
            "the issuer does not know this client, or does not let it do this: pass another \
             client id with --client-id"
                .to_owned()
        }
        LoginError::Registration(_) => {
            "get a client id from whoever runs the issuer, and give it as --client-id".to_owned()
        }
        LoginError::TooLate(_) => {
            format!(
                "if the page showed an error, `client login --url {url}` tries it with a new client"
            )
        }
        LoginError::Down { .. } | LoginError::Busy { .. } => "try again later".to_owned(),
        LoginError::Auth(AuthError::DiscoveryRequestFailed { .. }) => {
            format!("is it running? `client explain --url {url}` says more")
        }
        _ => format!("`client explain --url {url}` says more"),
    })
}

/// A server's words in a command that somebody may paste into a shell.
fn shell_word(words: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/-+,@".contains(c);
    if words.chars().all(is_plain) { words } else { "..." }
}
