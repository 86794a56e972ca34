//! Tokens that say nothing themselves: their issuer is asked (RFC 7662).
//!
//! 1. Asked with the server's own credentials: HTTP Basic, both halves form-encoded (RFC 6749
//!    §2.3.1).
//! 2. A yes is remembered for 30 s, a no for 5 s, at most 10 000 of each, under the token's digest.
//!    What is remembered is the answer: it is judged anew, with the time, whenever the token comes.
//! 3. A no never pushes a yes out: sending garbage cannot make the issuer be asked about others.
//! 4. Requests with the same token share one question. Questions are queued
//!    ([`questions`](super::questions), [`turns`](super::turns)): tokens that were good before go
//!    first, and one that no request waits for any more is not asked about.
//! 5. An issuer that cannot be asked is neither a yes nor a no, and is not remembered.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{AccessToken, IntrospectionResponse, Issuer, NumericDate};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::{
    AddressError, FetchError, FetchFault, IssuerClient, Location,
    client::at,
    discovery::Endpoint,
    questions::{Questions, Said, Unasked},
};
use crate::{authenticate::cache::Cache, observer::INVALID_TOKEN};

/// A name for a token: its digest.
type Digest = [u8; 32];

/// How long to wait before looking for the endpoint again.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a yes is remembered, if nothing else was set.
const YES: Duration = Duration::from_secs(30);
/// How long a no is remembered.
const NO: Duration = Duration::from_secs(5);
/// How many of each.
const CAPACITY: usize = 10_000;
/// How long it counts that the issuer did not answer.
const FAILING: Duration = Duration::from_mins(1);
/// How long it is remembered that a token was good, so that it goes first.
const ACTIVE: Duration = Duration::from_hours(1);

/// Which tokens an issuer is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IntrospectWhen {
    /// Those that are no JWT.
    #[default]
    Opaque,
    /// Its JWTs, after they have been verified here: so that one that was revoked is seen.
    Jwt,
    /// Both.
    Always,
}

/// The introspection endpoint of one issuer.
pub struct Introspection {
    inner: Arc<Inner>,
    pub(crate) when: IntrospectWhen,
    yes: Duration,
}

struct Inner {
    client: IssuerClient,
    endpoint: Endpoint,
    client_id: String,
    secret: SecretString,
    questions: Arc<Questions<Digest, Result<Known, FetchError>>>,
    state: Mutex<State>,
}

struct State {
    yes: Cache<Digest, Known>,
    no: Cache<Digest, Known>,
    /// Tokens that were good, for longer than what was said about them serves.
    active: Cache<Digest, ()>,
    /// Since when the issuer does not answer, and when that was seen last.
    failing: Option<(NumericDate, NumericDate)>,
}

type Known = Arc<IntrospectionResponse>;

impl Introspection {
    /// The endpoint of `issuer` at `location`, asked as the client `client_id` with its `secret`.
    /// An error if it should be discovered and the issuer is no address that may be asked.
    pub fn new(
        client: &IssuerClient,
        issuer: &Issuer,
        location: Location,
        client_id: impl Into<String>,
        secret: &str,
    ) -> Result<Self, AddressError> {
        let endpoint = Endpoint::new(client.clone(), issuer, location, "introspection_endpoint")?;
        let state = State {
            yes: Cache::new(CAPACITY),
            no: Cache::new(CAPACITY),
            active: Cache::new(CAPACITY),
            failing: None,
        };
        let inner = Inner {
            client: client.clone(),
            endpoint,
            client_id: client_id.into(),
            secret: SecretString::from(secret),
            questions: Arc::new(Questions::new()),
            state: Mutex::new(state),
        };
        Ok(Self { inner: Arc::new(inner), when: IntrospectWhen::Opaque, yes: YES })
    }

    /// Sets which tokens the issuer is asked about.
    #[must_use]
    pub fn when(self, when: IntrospectWhen) -> Self {
        Self { when, ..self }
    }

    /// Sets for how long a yes is remembered: how late a revocation may be seen.
    #[must_use]
    pub fn remember(self, yes: Duration) -> Self {
        Self { yes, ..self }
    }

    /// Sets how many yeses and how many noes are remembered at most.
    #[must_use]
    pub fn capacity(self, capacity: usize) -> Self {
        let mut state = self.inner.state();
        (state.yes, state.no) = (Cache::new(capacity), Cache::new(capacity));
        drop(state);
        self
    }

    /// What the issuer says about `token`, now or a short while ago. A token `is_known` if it was
    /// verified: no garbage.
    pub(crate) async fn ask(
        &self,
        token: &AccessToken,
        is_known: bool,
    ) -> Result<Known, FetchError> {
        let digest = token.digest();
        let is_known = is_known || self.inner.was_active(&digest);
        let remembered = || self.inner.remembered(&digest).map(Ok);
        let question = || Arc::clone(&self.inner).answer(token.clone(), digest, self.yes);
        let asked = self.inner.questions.ask(digest, is_known, remembered, question).await;
        asked.unwrap_or_else(|unasked| {
            let fault = match unasked {
                Unasked::TooMany | Unasked::BrokenOff => FetchFault::Pause,
                Unasked::TooLate => FetchFault::Timeout,
            };
            Err(FetchError { address: "introspection".into(), fault })
        })
    }

    /// Since when the issuer does not answer; `None` if it does, or was not asked for a minute:
    /// where no one asks because of this answer, it would never be known to be back.
    pub(crate) fn failing_since(&self) -> Option<NumericDate> {
        let now = self.inner.client.clock.now();
        let (since, last) = self.inner.state().failing?;
        (last.plus(FAILING) >= now).then_some(since)
    }

    /// Whether JWTs of the issuer are asked about.
    pub(crate) const fn takes_jwts(&self) -> bool {
        matches!(self.when, IntrospectWhen::Jwt | IntrospectWhen::Always)
    }

    /// Whether tokens that are no JWT are asked about.
    pub(crate) const fn takes_opaque(&self) -> bool {
        matches!(self.when, IntrospectWhen::Opaque | IntrospectWhen::Always)
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was said about the token a short while ago.
    fn remembered(&self, digest: &Digest) -> Option<Known> {
        let (state, now) = (self.state(), self.client.clock.now());
        state.yes.find(digest, now).or_else(|| state.no.find(digest, now))
    }

    /// Whether the token was good when it was asked about last.
    fn was_active(&self, digest: &Digest) -> bool {
        self.state().active.find(digest, self.client.clock.now()).is_some()
    }

    /// Asks, and remembers what was said.
    async fn answer(
        self: Arc<Self>,
        token: AccessToken,
        digest: Digest,
        yes: Duration,
    ) -> Said<Result<Known, FetchError>> {
        let answer = self.question(&token).await.map(Arc::new);
        if let Err(error) = &answer {
            // Any caller can cause it with an unknown token.
            let remedy = matches!(error.fault, FetchFault::Status(401 | 403))
                .then_some("are client_id and secret those of this server's client there?");
            tracing::warn!(
                target: INVALID_TOKEN, %error, remedy, "An issuer cannot be asked about a token"
            );
        }
        let now = self.client.clock.now();
        // What the issuer does not answer pays like a no: any caller can send what it chokes on.
        let mut is_no = answer.is_err();
        let mut state = self.state();
        match &answer {
            Ok(_) => state.failing = None,
            // It answers: what it makes of this token is another matter.
            Err(FetchError { fault: FetchFault::Status(400), .. }) => {}
            Err(_) => {
                state.failing = Some((state.failing.map_or(now, |(since, _)| since), now));
            }
        }
        if let Ok(known) = &answer {
            if known.is_active() {
                // A yes lasts no longer than the token, but long enough not to be asked for at
                // once.
                let expires = known.expires_at().unwrap_or(now).max(now.plus(NO));
                state.yes.insert(digest, Arc::clone(known), now, now.plus(yes).min(expires));
                state.active.insert(digest, (), now, now.plus(ACTIVE));
            } else {
                is_no = true;
                state.no.insert(digest, Arc::clone(known), now, now.plus(NO));
                // What was good once and is garbage now has no precedence any more. What was never
                // good is not taken down: it would push out what was.
                if state.active.find(&digest, now).is_some() {
                    state.active.insert(digest, (), now, now);
                }
            }
        }
        drop(state);
        Said { answer, is_no }
    }

    async fn question(&self, token: &AccessToken) -> Result<IntrospectionResponse, FetchError> {
        let to = self.endpoint.address(PAUSE).await?;
        let form = Serializer::new(String::new())
            .append_pair("token", token.expose())
            .append_pair("token_type_hint", "access_token")
            .finish();
        let authorization = basic(&self.client_id, self.secret.expose_secret());
        let answer = self.client.post_form(&to, authorization, form).await;
        let answer = answer.inspect_err(|error| {
            if may_have_moved(&error.fault) {
                self.endpoint.invalidate();
            }
        })?;
        IntrospectionResponse::parse(&answer.body).map_err(|_| {
            at(
                &to.address,
                FetchFault::Malformed("an introspection response (RFC 7662 section 2.2)"),
            )
        })
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Introspection({:?} as {:?}, ..)", self.when, self.inner.client_id)
    }
}

/// Whether the endpoint may be elsewhere by now: there is none where it was. Any other answer may
/// be about this token alone (oidc-provider says 400 to a JWT), and so any caller's doing.
const fn may_have_moved(fault: &FetchFault) -> bool {
    use FetchFault::{Status, Timeout, Unreachable};
    matches!(fault, Unreachable(_) | Timeout | Status(300..=399 | 404 | 410))
}

/// The credentials of a client (RFC 6749 §2.3.1): each half form-encoded, then Basic.
fn basic(client_id: &str, secret: &str) -> HeaderValue {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let mut pair = encoded(client_id);
    // A text of our own takes all that is written to it.
    let _ = write!(pair, ":{}", encoded(secret));
    let text = format!("Basic {}", STANDARD.encode(pair));
    // Base64 is always a header's value.
    let mut value = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Basic"));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_form_encoded_before_they_are_basic() {
        let value = basic("my client:7", "p+w/%ü s");
        assert!(value.is_sensitive());
        let text = value.to_str().unwrap().strip_prefix("Basic ").unwrap();
        let pair = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        assert_eq!(pair, "my+client%3A7:p%2Bw%2F%25%C3%BC+s");
    }
}
