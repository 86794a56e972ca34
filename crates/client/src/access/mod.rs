//! Tokens around a run: one is taken from the store, renewed, got anew, and widened as the server asks.
//!
//! 1. A token that was given (`MCP_TOKEN`, a file) is used as it is. The rest is for stored ones.
//! 2. A stored token is renewed ahead of its expiry, or once when the server refuses it with 401. Whoever
//!    renews holds the lock; whoever waited for it takes what the other got.
//! 3. If that does not help, the person is asked to sign in; `--yes` is the answer for scripts.
//! 4. 403 with `insufficient_scope` asks for a sign-in for the union of old and new scopes. Any other 403
//!    means that a new token will not help, and none is got.
//! 5. There are at most three sign-ins in one run, and none for what was just granted.

mod args;
mod lookup;
mod settings;
mod step;
pub(crate) mod terminal;
mod verbs;

use auth_core::{Clock, NumericDate, ScopeSet, SystemClock};

pub(crate) use args::{AccessArgs, AccessVerb, GrantArg, LoginArgs};
pub(crate) use lookup::{current, renewed};
pub(crate) use settings::Settings;
pub(crate) use verbs::{Report, perform};

use self::step::{Past, Step};
use crate::{
    command::{self, Answer},
    config::Config,
    failure::Failure,
    oauth::{Discovered, LoginError, Outward, by_code},
    store::Entry,
};

/// The time.
pub(crate) fn now() -> NumericDate {
    SystemClock.now()
}

/// Does what the configuration says, with whatever token it takes. The token that was used last is in the
/// configuration afterwards.
pub(crate) async fn run(config: &mut Config) -> Result<Answer, Failure> {
    if config.token.is_some() {
        return command::run(config).await;
    }
    let mut entry = current(config).await?;
    let mut past = Past::default();
    loop {
        config.token = entry.as_ref().filter(|entry| entry.is_alive(now())).and_then(Entry::token);
        past.was_sent = config.token.is_some();
        let failure = match command::run(config).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let wanted = match step::next(&failure, entry.as_ref(), &past) {
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
                None
            }
            Step::SignIn { wanted } => wanted,
            Step::Stop(why) => return Err(failure.stopped(why)),
            Step::Fail => return Err(failure),
        };
        if !agrees(config, wanted.as_ref()).await {
            return Err(failure.offering_login(config));
        }
        past.sign_ins += 1;
        let signed_in = sign_in(config, failure.challenge(), wanted.clone(), entry.as_ref()).await;
        let new = signed_in.map_err(|error| Failure::login(&error, config))?;
        past.asked = new.scopes().union(&wanted.unwrap_or_default());
        entry = Some(new);
    }
}

async fn agrees(config: &Config, wanted: Option<&ScopeSet>) -> bool {
    if config.access.args().yes {
        return true;
    }
    if !terminal::is_there() {
        return false;
    }
    let question = match wanted {
        Some(wanted) => format!("{} wants the scopes {wanted}. Sign in for them?", config.endpoint),
        None => format!("{} wants you to sign in. Do it now?", config.endpoint),
    };
    terminal::agrees(&question).await
}

/// Signs in with a browser, and stores the token. `wanted` are the scopes of a step-up.
async fn sign_in(
    config: &Config,
    challenge: Option<&str>,
    wanted: Option<ScopeSet>,
    known: Option<&Entry>,
) -> Result<Entry, LoginError> {
    let access = &config.access;
    let outward = Outward::new(&config.endpoint, access.args().allow_private)?;
    let found = Discovered::at(&config.endpoint, challenge, &outward).await?;
    // Who we were, and what we had, counts at the same issuer only.
    let known = known.filter(|entry| entry.issuer == found.facts.issuer);
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
    let identity = access.identity()?;
    let entry = by_code(found, &identity, wanted.as_ref(), client, &access.answering()).await?;
    lookup::keep(config, &entry).await?;
    Ok(entry)
}
