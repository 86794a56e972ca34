//! Tokens around a run: one is taken from the store, renewed, got anew, and widened as the server asks.
//!
//! 1. A token that was given (`MCP_TOKEN`, a file) is used as it is. The rest is for stored ones.
//! 2. A stored token is renewed ahead of its expiry, or once when the server refuses it with 401. Whoever
//!    renews holds the lock; whoever waited for it takes what the other got.
//! 3. If that does not help, the person is asked to sign in; `--yes` is the answer for scripts.
//! 4. 403 with `insufficient_scope` asks for a sign-in for the union of old and new scopes. Any other 403
//!    means that a new token will not help, and none is got.
//! 5. There are at most three sign-ins in one run, and none for what was just granted:
//!    a token that is refused although it is new is followed by another issuer's, if the server names one.

mod history;
mod lookup;
mod verbs;

use auth_core::{Challenge, Clock, NumericDate, ScopeSet, SystemClock};
use chrono::{DateTime, SecondsFormat};

pub(crate) use lookup::{current, renewed};
pub(crate) use verbs::{Report, perform};

use self::history::{Past, Step};
use crate::{
    command::{self, Answer},
    config::Config,
    console::Console,
    elicit::ServerText,
    failure::Failure,
    interrupt,
    oauth::{Before, Discovered, LoginError, by_code},
    output::Printer,
    sanitize::OwnedScreen,
    store::Entry,
};

/// The time.
pub(crate) fn now() -> NumericDate {
    SystemClock.now()
}

/// A date as RFC 3339 writes it, in UTC: `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(date: NumericDate) -> String {
    DateTime::from_timestamp(date.as_secs(), 0)
        .map_or_else(|| date.to_string(), |date| date.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Does what the configuration says, with whatever token it takes. The token that was used last is in the
/// configuration afterwards.
pub(crate) async fn run(
    config: &mut Config,
    console: &Console,
    printer: &mut Printer<'_>,
) -> Result<Answer, Failure> {
    printer.hide(config.token.as_ref());
    if config.token.is_some() {
        return command::run(config, console, printer).await;
    }
    let mut entry = current(config).await?;
    let mut past = Past::default();
    loop {
        config.token = entry.as_ref().filter(|entry| entry.is_alive(now())).and_then(Entry::token);
        past.was_sent = config.token.is_some();
        printer.hide(config.token.as_ref());
        let failure = match command::run(config, console, printer).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let mut elsewhere = false;
        let wanted = match history::next(&failure, entry.as_ref(), &past) {
            Step::Renew => {
                past.is_renewed = true;
                let new = match &entry {
                    Some(old) => renewed(config, old).await?,
                    None => None,
                };
                if new.is_some() {
                    entry = new;
                    continue;
                }
                past.has_ended = entry.as_ref().is_some_and(Entry::is_renewable);
                // What the issuer said of the client is noted there.
                entry = lookup::stored(config).await?.or(entry);
                None
            }
            Step::SignIn { wanted } => wanted,
            Step::SignInElsewhere => {
                elsewhere = true;
                None
            }
            Step::Stop(why) => return Err(failure.stopped(why)),
            Step::Fail => return Err(failure),
        };
        let agreed = agrees(config, console, wanted.as_ref()).await;
        if !agreed.ok_or_else(Failure::cancelled)? {
            let failure = if entry.is_none() { failure.missing_keychain(config) } else { failure };
            let failure = failure.offering_login(config);
            return Err(match &entry {
                Some(entry) if past.has_ended || !entry.is_alive(now()) => {
                    failure.sign_in_ended(entry, config)
                }
                _ => failure,
            });
        }
        past.sign_ins += 1;
        let known = Known { entry: entry.as_ref(), elsewhere };
        let work = Box::pin(sign_in(config, failure.challenge(), wanted.clone(), known));
        let signed_in = interrupt::or_cancelled(work).await;
        if let Err(LoginError::TooLate(_) | LoginError::Cancelled) = &signed_in {
            lookup::doubt(config).await;
        }
        let signed_in = signed_in.map_err(|error| Failure::login(&error, config))?;
        let Some(new) = signed_in else {
            return Err(failure.stopped(history::REFUSED_ALREADY));
        };
        past.asked = new.scopes().union(&wanted.unwrap_or_default());
        entry = Some(new);
    }
}

async fn agrees(config: &Config, console: &Console, wanted: Option<&ScopeSet>) -> Option<bool> {
    if config.access.args().yes {
        return Some(true);
    }
    let question = match wanted {
        Some(wanted) => {
            let scopes = ServerText::of(console, OwnedScreen::default()).quote(&wanted.to_string());
            format!("{} wants these scopes:\n{scopes}Sign in for them?", config.endpoint)
        }
        None => format!("{} wants you to sign in. Do it now?", config.endpoint),
    };
    interrupt::agrees(console, &question).await
}

/// What was before a sign-in.
#[derive(Clone, Copy)]
struct Known<'a> {
    entry: Option<&'a Entry>,
    /// The issuer of that is of no use any more.
    elsewhere: bool,
}

/// Signs in with a browser, and stores the token. `wanted` are the scopes of a step-up. Nothing, if it
/// would be at the same issuer once more, and that is of no use.
async fn sign_in(
    config: &Config,
    challenge: Option<&Challenge>,
    wanted: Option<ScopeSet>,
    known: Known<'_>,
) -> Result<Option<Entry>, LoginError> {
    let access = &config.access;
    let outward = config.outward()?;
    // What was accepted at the last sign-in still is.
    let mut exceptions = access.args().exceptions();
    exceptions.resource = exceptions.resource.or(known.entry.map(|entry| entry.resource.as_str()));
    let found = Discovered::at(&config.endpoint, challenge, exceptions, &outward).await?;
    let is_elsewhere = known.elsewhere;
    let is_step_up = wanted.is_some();
    // Who we were, and what we had, counts at the same issuer only.
    let known = known.entry.filter(|entry| entry.issuer == found.facts.issuer);
    if is_elsewhere && known.is_some() {
        return Ok(None);
    }
    let wanted = match (&access.args().scope, wanted, known) {
        (Some(set), None, _) => Some(set.clone()),
        (Some(set), Some(wanted), _) => Some(set.union(&wanted)),
        (None, Some(wanted), _) => Some(wanted),
        (None, None, Some(known)) if !known.scopes().is_empty() => {
            let asked = found.scopes(None).await.join(" ").parse().unwrap_or_default();
            Some(known.scopes().union(&asked))
        }
        (None, None, _) => None,
    };
    let client = known.map(|entry| &entry.client);
    let before = Before { client, is_checked: !is_step_up };
    let identity = access.identity()?;
    let answering = access.answering();
    let work = by_code(found, &identity, wanted.as_ref(), before, &answering, &outward);
    let entry = work.await?;
    lookup::keep(config, &entry).await?;
    Ok(Some(entry))
}
