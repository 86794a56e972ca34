//! The token that goes with each request, for as long as the bridge runs.
//!
//! 1. It is obtained, renewed and upgraded as in every run ([`crate::session`]). One piece of work
//!    at a time does so; requests that were refused meanwhile wait for it, and take what it
//!    obtained.
//! 2. That work is not ended with the request that it began for. A renewal that was begun is
//!    finished even at the end of the program: the issuer may have used up the old refresh token.
//! 3. Other bridges, and other runs, change the same store. What they obtained is looked for first.
//! 4. A person is asked by a page in the browser, or with a code for another device, and not again
//!    for a minute after a sign-in that came to nothing. For the scopes of a step-up the person is
//!    asked once.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{AccessToken, ScopeSet};
use tokio::{
    sync::oneshot,
    task::spawn_local,
    time::{Instant, sleep, timeout},
};

use crate::{
    config::Config,
    failure::Failure,
    oauth::{Callback, print_code},
    session::{self, Attempts, History, Person, Way, alive_token},
    store::Entry,
};

/// How long no one is asked after a sign-in that came to nothing.
const PAUSE: Duration = Duration::from_mins(1);
/// How long a renewal may go on after the end.
const GRACE: Duration = Duration::from_secs(5);
/// The most step-ups that are remembered.
const MAX_ASKED: usize = 100;

/// How a person may be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// Whether at all.
    pub(super) signs_in: bool,
    /// Whether with a code for another device, even if there is a browser.
    pub(super) by_device: bool,
}

/// The token.
#[derive(Clone)]
pub(super) struct Tokens(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    asking: Asking,
    state: Mutex<State>,
    /// Held by the one piece of work.
    work: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    is_loaded: bool,
    entry: Option<Entry>,
    paused_until: Option<Instant>,
    /// The scopes that a person was asked for.
    asked: Vec<ScopeSet>,
    /// Whether a person is being asked.
    is_asking: bool,
    /// What the person has to do, where no browser shows it.
    prompt: Option<String>,
}

/// A request that was refused.
pub(super) struct Refused {
    pub(super) failure: Failure,
    /// The token that was sent.
    pub(super) token: Option<AccessToken>,
    /// How long the request may wait for a person. Without a time it waits as long as it takes.
    pub(super) patience: Option<Duration>,
    /// Whether a person may be asked because of it.
    pub(super) may_ask: bool,
}

impl Tokens {
    /// The tokens for the server of the configuration.
    pub(super) fn new(config: Arc<Config>, asking: Asking) -> Self {
        let (state, work) = (Mutex::default(), tokio::sync::Mutex::default());
        Self(Arc::new(Inner { config, asking, state, work }))
    }

    /// The token to send now; renewed, if it is about to expire.
    pub(super) async fn current(&self) -> Result<Option<AccessToken>, Failure> {
        let config = &self.0.config;
        if config.token.is_some() {
            return Ok(config.token.clone());
        }
        if self.0.is_ready() {
            return Ok(alive_token(config, self.0.state().entry.as_ref()));
        }
        let inner = Arc::clone(&self.0);
        let loaded = spawn_local(async move {
            let _work = inner.work.lock().await;
            if !inner.is_ready() {
                let entry = session::current(&inner.config).await?;
                let mut state = inner.state();
                (state.entry, state.is_loaded) = (entry, true);
            }
            Ok(())
        });
        // What ended otherwise was ended with the program.
        loaded.await.unwrap_or_else(|_| Err(Failure::cancelled()))?;
        Ok(alive_token(config, self.0.state().entry.as_ref()))
    }

    /// Obtains another token after a refusal. An error if the request cannot be sent once more.
    /// `history` is what was tried for this request.
    pub(super) async fn after(
        &self,
        refused: Refused,
        history: &mut History,
    ) -> Result<(), Failure> {
        if self.0.config.token.is_some() {
            return Err(refused.failure);
        }
        let (done, result) = oneshot::channel();
        let (inner, before) = (Arc::clone(&self.0), history.clone());
        let patience = refused.patience;
        spawn_local(async move {
            let _work = inner.work.lock().await;
            // Its request may have been cancelled.
            if !done.is_closed() {
                let _ = done.send(inner.obtain(refused, before).await);
            }
        });
        let result = match patience {
            Some(time) => timeout(time, result).await,
            None => Ok(result.await),
        };
        match result {
            Ok(Ok((result, now))) => {
                *history = now;
                result
            }
            Ok(Err(_)) => Err(Failure::cancelled()),
            Err(_) => {
                let prompt = self.0.state().prompt.clone();
                Err(Failure::sign_in_pending(prompt, &self.0.config.context(None)))
            }
        }
    }

    /// Waits until no renewal is in progress any more. A person is not waited for.
    pub(super) async fn settled(&self) {
        let deadline = Instant::now() + GRACE;
        while self.0.work.try_lock().is_err()
            && !self.0.state().is_asking
            && Instant::now() < deadline
        {
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the token can be sent as it is: nothing is to be read or renewed before.
    fn is_ready(&self) -> bool {
        let state = self.state();
        let now = self.config.clock.now();
        let is_due = |entry: &Entry| entry.is_renewable() && !entry.is_fresh(now);
        state.is_loaded && !state.entry.as_ref().is_some_and(is_due)
    }

    async fn obtain(
        self: &Arc<Self>,
        refused: Refused,
        history: History,
    ) -> (Result<(), Failure>, History) {
        let Refused { failure, token, may_ask, .. } = refused;
        let secret =
            |token: &Option<AccessToken>| token.as_ref().map(|token| token.expose().to_owned());
        let entry = self.state().entry.clone();
        // Another request of ours, or another program, may have obtained one meanwhile.
        let stored = match session::stored(&self.config).await {
            Ok(stored) => stored,
            Err(failure) => return (Err(failure), history),
        };
        for candidate in [&entry, &stored] {
            let alive = alive_token(&self.config, candidate.as_ref());
            if alive.is_some() && secret(&alive) != secret(&token) {
                self.state().entry.clone_from(candidate);
                return (Ok(()), history);
            }
        }
        let required = failure.required().filter(|_| failure.lacks_scope()).cloned();
        let sign_ins = history.sign_ins;
        let mut attempts = Attempts::new(stored.or(entry), history);
        let show = |page: &str, code: &str| {
            print_code(page, code);
            let prompt = format!("open {page} on any device, enter the code {code}, and try again");
            self.state().prompt = Some(prompt);
        };
        let begins = || self.state().is_asking = true;
        let browser = self.config.tokens.browser();
        let by_device = self.asking.by_device || !browser.is_there();
        let person = if may_ask && self.may_ask(required.as_ref()) {
            Person::AtPage(Way {
                callback: Callback::Loopback(browser.clone()),
                show: by_device.then_some(&show),
                begins: &begins,
            })
        } else {
            Person::Absent
        };
        let result = attempts.after(failure, &self.config, &person).await;
        let was_asked = attempts.history.sign_ins > sign_ins;
        let mut state = self.state();
        (state.is_asking, state.prompt) = (false, None);
        let had = attempts.entry.as_ref().map(Entry::scopes).unwrap_or_default();
        (state.entry, state.is_loaded) = (attempts.entry, true);
        if was_asked {
            if let Some(required) = required {
                if state.asked.len() >= MAX_ASKED {
                    state.asked.clear();
                }
                state.asked.push(required);
            } else if result.is_err() {
                state.paused_until = Some(Instant::now() + PAUSE);
            }
        }
        drop(state);
        let endpoint = &self.config.endpoint;
        let result = result.map_err(|failure| failure.offering_step_up(endpoint, &had));
        (result, attempts.history)
    }

    fn may_ask(&self, required: Option<&ScopeSet>) -> bool {
        let state = self.state();
        let is_paused = state.paused_until.is_some_and(|until| Instant::now() < until);
        let was_asked = required.is_some_and(|required| state.asked.contains(required));
        self.asking.signs_in && !is_paused && !was_asked
    }
}
