//! Tokens around a run: one is taken from the store, renewed, obtained, and upgraded as the server
//! asks.
//!
//! 1. A token that is given (`MCP_TOKEN`, a file) is used as it is. The rest is for stored ones.
//! 2. A stored token is renewed ahead of its expiry, or once when the server refuses it with 401.
//!    The process that renews holds the lock; those that waited for it take the token that it
//!    obtained.
//! 3. If that does not help, the person is asked to sign in; `--yes` is the answer for scripts.
//! 4. 403 with `insufficient_scope` asks for a sign-in for the union of old and new scopes. Any
//!    other 403 means that a new token will not help, and none is requested.
//! 5. There are at most three sign-ins in one run, and none for what was just granted: a token that
//!    is refused although it is new is followed by another issuer's, if the server names one.

mod advice;
mod ask;
mod history;
mod login;
mod logout;
mod lookup;
mod sign_in;
mod status;
mod turn;

use auth_core::{AccessToken, ScopeSet};

use crate::{
    command,
    config::Config,
    console::Console,
    elicit::ServerText,
    failure::Failure,
    oauth::LoginError,
    progress::Progress,
    request::Answer,
    sanitize::OwnedSanitizer,
    store::{Entry, Listed, Place},
};
use ask::{confirmed, or_cancelled};
use history::{Action, NEW_TOKEN_REFUSED, next_action};
use sign_in::{Previous, sign_in};
use turn::{Turn, turn};

pub(crate) use advice::{advised, with_source};
pub(crate) use history::History;
pub(crate) use login::login;
pub(crate) use logout::logout;
pub(crate) use lookup::{current, stored};
pub(crate) use sign_in::Way;
pub(crate) use status::status;

/// Sends the request of the configuration, with whatever token it takes.
pub(crate) async fn run(
    config: &Config,
    console: &Console,
    progress: &mut dyn Progress,
) -> Result<Answer, Failure> {
    progress.redact(config.token.as_ref());
    if config.token.is_some() {
        let token = config.token.as_ref();
        return match command::run(config, token, console, progress).await {
            Ok(answer) => Ok(answer),
            Err(failure) => Err(advised(failure, config, token).await),
        };
    }
    let mut attempts = Attempts::new(current(config).await?, History::default());
    loop {
        let token = attempts.token(config);
        progress.redact(token.as_ref());
        match command::run(config, token.as_ref(), console, progress).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => {
                let after = attempts.after(failure, config, &Person::AtTerminal(console)).await;
                if let Err(failure) = after {
                    return Err(advised(failure, config, token.as_ref()).await);
                }
            }
        }
    }
}

/// Who can be asked to sign in.
pub(crate) enum Person<'a> {
    /// A person at the terminal, who is asked first, unless `--yes` is the answer.
    AtTerminal(&'a Console),
    /// A person who is asked by the page to sign in at, and by nothing before it.
    AtPage(Way<'a>),
    /// No one.
    Absent,
}

/// The token of a run, and what was tried to obtain it.
pub(crate) struct Attempts {
    pub(crate) entry: Option<Entry>,
    pub(crate) history: History,
}

impl Attempts {
    /// Attempts that begin with a stored entry.
    pub(crate) fn new(entry: Option<Entry>, history: History) -> Self {
        Self { entry, history }
    }

    /// The token to send.
    pub(crate) fn token(&mut self, config: &Config) -> Option<AccessToken> {
        let token = alive_token(config, self.entry.as_ref());
        self.history.was_sent = token.is_some();
        token
    }

    /// Obtains another token after a refusal. An error if that is not possible, or would not help;
    /// otherwise the request may be sent once more.
    pub(crate) async fn after(
        &mut self,
        failure: Failure,
        config: &Config,
        person: &Person<'_>,
    ) -> Result<(), Failure> {
        let token = alive_token(config, self.entry.as_ref());
        let mut elsewhere = false;
        let wanted = match next_action(&failure, self.entry.as_ref(), &self.history) {
            Action::Renew => {
                self.history.is_renewed = true;
                let new = match &self.entry {
                    Some(old) => lookup::renewed(config, old).await?,
                    None => None,
                };
                if new.is_some() {
                    self.entry = new;
                    return Ok(());
                }
                self.history.has_ended = self.entry.as_ref().is_some_and(Entry::is_renewable);
                // The store has what the issuer said of the client.
                self.entry = stored(config).await?.or_else(|| self.entry.take());
                None
            }
            Action::SignIn { wanted } => wanted,
            Action::SignInElsewhere => {
                elsewhere = true;
                None
            }
            Action::Stop(why) => return Err(failure.stopped(why)),
            Action::Fail => return Err(failure),
        };
        if wanted.is_none()
            && is_offered(config, person)
            && let Some(error) = advice::no_sign_in(config, failure.challenge()).await
        {
            return Err(not_possible(failure, &error, config).await);
        }
        let consent = consents(config, person, wanted.as_ref()).await;
        if !consent.ok_or_else(Failure::cancelled)? {
            return Err(not_signed_in(failure, self.entry.as_ref(), &self.history, config));
        }
        let turn = match person {
            Person::AtPage(way) => {
                (way.begins)();
                turn(config, self.entry.as_ref()).await?
            }
            _ => Turn::Ours(None),
        };
        let _lock = match turn {
            Turn::Ours(lock) => lock,
            Turn::Theirs(entry) => {
                self.entry = Some(*entry);
                return Ok(());
            }
        };
        self.history.sign_ins += 1;
        let previous = Previous { entry: self.entry.as_ref(), elsewhere };
        let callback = config.tokens.callback();
        let by_browser = Way { callback, show: None, begins: &|| {} };
        let way = match person {
            Person::AtPage(way) => way,
            _ => &by_browser,
        };
        let challenge = failure.challenge();
        let work = Box::pin(sign_in(config, challenge, wanted.clone(), previous, way));
        let signed_in = or_cancelled(work).await;
        if let Err(LoginError::SignInTimeout(_) | LoginError::Cancelled) = &signed_in {
            lookup::doubt_client(config).await;
        }
        let new = match signed_in {
            Ok(Some(new)) => new,
            Ok(None) => return Err(failure.stopped(NEW_TOKEN_REFUSED)),
            Err(error) => {
                return Err(advice::of_login(&error, config, challenge, token.as_ref()).await);
            }
        };
        self.history.requested = new.scopes().union(&wanted.unwrap_or_default());
        self.entry = Some(new);
        Ok(())
    }
}

/// The token of an entry that has not expired.
pub(crate) fn alive_token(config: &Config, entry: Option<&Entry>) -> Option<AccessToken> {
    entry.filter(|entry| entry.is_alive(config.clock.now())).and_then(Entry::token)
}

/// The failure of a run whose user does not sign in now.
fn not_signed_in(
    failure: Failure,
    entry: Option<&Entry>,
    history: &History,
    config: &Config,
) -> Failure {
    let context = config.context(None);
    let failure = match entry {
        None if is_in_keychain(config) => failure.missing_keychain(),
        _ => failure,
    };
    let can_sign_in = config.tokens.folder().is_some();
    let failure = if can_sign_in { failure.offering_login(&context) } else { failure };
    match entry {
        Some(entry) if history.has_ended || !entry.is_alive(config.clock.now()) => {
            failure.sign_in_ended(entry, &context)
        }
        _ => failure,
    }
}

/// The failure of a run whose user cannot sign in.
async fn not_possible(failure: Failure, error: &LoginError, config: &Config) -> Failure {
    if let LoginError::Cancelled = error {
        return Failure::cancelled();
    }
    let context = advice::context_of_known(config, failure.challenge(), None).await;
    failure.without_sign_in(error, &context.unwrap_or_else(|| config.context(None)))
}

/// Whether a sign-in is a suggestion, which is made only where it can be followed.
fn is_offered(config: &Config, person: &Person<'_>) -> bool {
    match person {
        Person::AtPage(_) => false,
        Person::AtTerminal(_) => !config.tokens.args().yes && config.tokens.folder().is_some(),
        Person::Absent => config.tokens.folder().is_some(),
    }
}

/// Whether the list names a token for the server whose secrets are in the keychain.
fn is_in_keychain(config: &Config) -> bool {
    let listed = config.tokens.store().and_then(|store| store.list().ok()).unwrap_or_default();
    let is_ours = |one: &Listed| one.summary.server == config.endpoint.as_str();
    listed.iter().any(|one| is_ours(one) && one.kept_in == Place::Keychain)
}

async fn consents(config: &Config, person: &Person<'_>, wanted: Option<&ScopeSet>) -> Option<bool> {
    let console = match person {
        Person::AtPage(_) => return Some(true),
        Person::Absent => return Some(false),
        Person::AtTerminal(_) if config.tokens.args().yes => return Some(true),
        Person::AtTerminal(console) => console,
    };
    let question = match wanted {
        Some(wanted) => {
            let server_text = ServerText::of(console, OwnedSanitizer::default());
            let scopes = server_text.quote(&wanted.to_string());
            format!("{} wants these scopes:\n{scopes}Sign in for them?", config.endpoint)
        }
        None => format!("{} wants you to sign in. Do it now?", config.endpoint),
    };
    confirmed(console, &question).await
}
