//! The issuers whose tokens are accepted, each verified by its keys or by introspection.
//!
//! 1. A JWT is verified with the keys of the issuer that it names: given, or fetched. If it needs a
//!    key that is not there, or its signature is not that of the key which is, the keys are fetched
//!    once more and it is judged once more: at most once in 10 s.
//! 2. A token that is no JWT, or is encrypted, is asked about at the one issuer who takes such
//!    tokens. A JWT is never sent to an issuer that it does not name: other issuers learn nothing
//!    of it.
//! 3. An issuer may also be asked about its JWTs after they have been verified. One without keys is
//!    asked about all that name it, whatever their algorithm, but for those that look like ID
//!    tokens.
//! 4. An issuer that cannot be asked is no pass: [`AuthenticateError::Unavailable`].
//! 5. A JWT that was verified is cached while the keys serve that it was verified with
//!    ([`token_cache`](crate::authenticate::token_cache)); never past its `exp`. Whatever an issuer
//!    is to be asked about it, it is asked for every request.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError},
    time::Duration,
};

use auth_core::{
    AccessToken, Audience, Ceiling, Check, CheckDetail, Claims, Clock, Issuer, IssuerKeys,
    KeyLookupError, NumericDate, Principal, TokenOutline, TokenVerifier, Trace, UnverifiedToken,
    VerifyError,
};

use super::{
    FetchError, Introspection, Keyring, Trust,
    entry::{Source, unavailable},
    flight::landed,
    token_form::{is_encrypted, is_no_jwt},
};
use crate::{
    Authenticate, AuthenticateError, InvalidTokenError, Presented, VerifyToken,
    authenticate::{
        port::unreadable,
        signature_rate_limit::SignatureRateLimit,
        token_cache::{CachedClaims, TokenCacheUse, TokenFingerprint, VerifiedTokenCache},
    },
};

/// How often it is looked whether keys are to be renewed.
const LOOK: Duration = Duration::from_secs(5);

/// The issuers whose tokens count. Cheap to clone.
#[derive(Clone)]
pub struct Issuers(Arc<Inner>);

struct Inner {
    verifier: TokenVerifier,
    clock: Arc<dyn Clock>,
    names: Vec<Issuer>,
    sources: Arc<HashMap<Issuer, Source>>,
    /// The issuer that is asked about tokens that name none.
    opaque: Option<Issuer>,
    cache: VerifiedTokenCache,
    signatures: Arc<SignatureRateLimit>,
}

/// Why issuers cannot be trusted together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuersError {
    /// One issuer twice.
    #[error("the issuer {0} is there twice")]
    Twice(Issuer),
    /// Two issuers who would both be asked about tokens that are no JWTs, and so name neither.
    #[error(
        "{0} and {1} would both be asked about tokens that are no JWTs: only one can be, as such a token does not say whose it is"
    )]
    SeveralOpaque(Issuer, Issuer),
}

/// The state of an issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerStatus {
    /// Which issuer.
    pub issuer: Issuer,
    /// Whether its tokens can be judged. If not, all are refused.
    pub is_usable: bool,
    /// Since when its keys cannot be fetched, and why. Those that were fetched before may still
    /// serve.
    pub failing: Option<(NumericDate, FetchError)>,
    /// Whether it is asked about all of its tokens.
    pub is_only_asked: bool,
    /// Since when it does not answer questions about tokens.
    pub unanswered_since: Option<NumericDate>,
    /// When its keys were fetched last; `None` if they are not fetched, or have not been yet.
    pub keys_fetched: Option<NumericDate>,
}

impl Issuers {
    /// Judges tokens for `audience` at the time of `clock`. Keys are fetched when they are needed
    /// first; [`keep_fresh`](Self::keep_fresh) has them ready before.
    pub fn new(
        audience: Audience,
        clock: Arc<dyn Clock>,
        trusts: impl IntoIterator<Item = Trust>,
    ) -> Result<Self, IssuersError> {
        let mut verifier = TokenVerifier::new(audience);
        let (mut names, mut sources, mut opaque) = (Vec::new(), HashMap::new(), None);
        for Trust { issuer, source } in trusts {
            let name = issuer.issuer().clone();
            if source.introspection.as_ref().is_some_and(Introspection::takes_opaque)
                && let Some(other) = opaque.replace(name.clone())
            {
                return Err(IssuersError::SeveralOpaque(other, name));
            }
            names.push(name.clone());
            verifier = verifier.trust(issuer);
            if sources.insert(name.clone(), source).is_some() {
                return Err(IssuersError::Twice(name));
            }
        }
        let (cache, signatures) = (VerifiedTokenCache::new(), Arc::new(SignatureRateLimit::new()));
        let sources = Arc::new(sources);
        Ok(Self(Arc::new(Inner { verifier, clock, names, sources, opaque, cache, signatures })))
    }

    /// The same issuers, with the same keys, for tokens for another audience: for a server with
    /// several resources. Keys that are replaced or fetched are so for both.
    ///
    /// Issuers with audiences of their own are left out, as their tokens do not say which of
    /// several resources they are for.
    #[must_use]
    pub fn for_audience(&self, audience: Audience) -> Self {
        let inner = &self.0;
        let verifier = inner.verifier.for_audience(audience);
        let is_left = |name: &&Issuer| verifier.trusted(name).is_some();
        Self(Arc::new(Inner {
            clock: Arc::clone(&inner.clock),
            names: inner.names.iter().filter(is_left).cloned().collect(),
            sources: Arc::clone(&inner.sources),
            opaque: inner.opaque.clone().filter(|name| is_left(&name)),
            cache: VerifiedTokenCache::new(),
            signatures: Arc::clone(&inner.signatures),
            verifier,
        }))
    }

    /// The issuers, in the order in which they were given.
    #[must_use]
    pub fn names(&self) -> &[Issuer] {
        &self.0.names
    }

    /// What a token must name as its audience.
    #[must_use]
    pub fn audience(&self) -> &Audience {
        self.0.verifier.audience()
    }

    /// What `token` says, if it is valid, and bound to no client certificate.
    pub async fn verify(&self, token: &AccessToken) -> Result<Arc<Claims>, AuthenticateError> {
        self.verify_presented(Presented::bare(token)).await
    }

    /// What the token that is presented says, if it is valid, and bound to no other client
    /// certificate than the one that is presented with it.
    async fn verify_presented(
        &self,
        presented: Presented<'_>,
    ) -> Result<Arc<Claims>, AuthenticateError> {
        let Presented { token, certificate, .. } = presented;
        let inner = &self.0;
        let fingerprint = inner.cache.fingerprint(token);
        let cached = fingerprint.and_then(|it| inner.cached(it));
        inner.cache.count(cached.is_some());
        if let Some((claims, source)) = cached {
            // It may have been presented with another certificate then.
            claims.check_certificate(certificate)?;
            source.confirm(token, &claims).await?;
            return Ok(claims);
        }
        // On the heap: most tokens are cached, and its future is large.
        Box::pin(self.judge(presented, fingerprint, None)).await
    }

    /// The same, answered from no cache: every check is made, and recorded in `trace`.
    pub async fn verify_traced(
        &self,
        token: &AccessToken,
        trace: &mut Trace,
    ) -> Result<Arc<Claims>, AuthenticateError> {
        self.judge(Presented::bare(token), None, Some(trace)).await
    }

    /// Makes every check, and caches by `fingerprint` what was verified.
    async fn judge(
        &self,
        presented: Presented<'_>,
        fingerprint: Option<TokenFingerprint>,
        mut trace: Option<&mut Trace>,
    ) -> Result<Arc<Claims>, AuthenticateError> {
        let inner = &self.0;
        let Presented { token, certificate, .. } = presented;
        let parsed = match UnverifiedToken::parse(token) {
            Ok(parsed) => parsed.presented_with(certificate),
            Err(fault) => {
                return match &inner.opaque {
                    Some(issuer) if is_no_jwt(token) || inner.may_be_encrypted(token, issuer) => {
                        Box::pin(inner.introspected(issuer, presented, trace)).await
                    }
                    _ => Box::pin(inner.unread(presented, fault.into(), trace)).await,
                }
                .map(Arc::new);
            }
        };
        let issuer = parsed.unverified_issuer();
        let Some((issuer, source)) = issuer.and_then(|it| inner.sources.get_key_value(it)) else {
            // Refused, by the first check that it does not pass.
            let now = inner.clock.now();
            let verdict = inner.verifier.verify_parsed(&parsed, None, now, trace);
            return Ok(verdict
                .map(Arc::new)
                .map_err(|fault| inner.invalid(&parsed, None, now, fault))?);
        };
        if source.is_only_asked() {
            // An ID token is not for this server, whatever its issuer says of it.
            let unasked = VerifyError::OtherToken;
            return Box::pin(inner.unread(presented, unasked, trace)).await.map(Arc::new);
        }
        let known = Box::pin(inner.signed(source, &parsed, trace.as_deref_mut())).await?;
        let claims = Arc::clone(&known.claims);
        if let Some(fingerprint) = fingerprint {
            inner.cache.insert(fingerprint, known, inner.clock.now());
        }
        if source.introspection.as_ref().is_some_and(Introspection::takes_jwts) {
            let detail = || CheckDetail {
                expected: "the issuer says that the token is still good".into(),
                found: format!("{issuer} was asked"),
            };
            if let Some(trace) = trace {
                trace.record(Check::Introspection, detail());
            }
        }
        Box::pin(source.confirm(token, &claims)).await?;
        Ok(claims)
    }

    /// Puts `keys` in the place of those that were given with their issuer: for keys in a file that
    /// has changed. Requests that are under way go on with what they had. `false` if there is no
    /// such issuer, or if it fetches its keys.
    pub fn replace_keys(&self, keys: IssuerKeys) -> bool {
        let source = self.0.sources.get(keys.issuer()).filter(|it| it.keyring.is_none());
        let Some(source) = source else { return false };
        let mut given = source.given.write().unwrap_or_else(PoisonError::into_inner);
        *given = Some(Arc::new(keys));
        true
    }

    /// Begins with the keys that `before` has fetched, for issuers of both whose keys are at the
    /// same place: for settings that were read again. So an issuer that cannot be asked now is no
    /// worse off than before.
    pub fn begin_with(&self, before: &Self) {
        for (name, source) in self.0.sources.iter() {
            let old = before.0.sources.get(name).and_then(|it| it.keyring.as_ref());
            if let (Some(new), Some(old)) = (&source.keyring, old) {
                new.begin_with(old);
            }
        }
    }

    /// The state of each issuer.
    #[must_use]
    pub fn status(&self) -> Vec<IssuerStatus> {
        let status = |issuer: &Issuer| {
            let source = self.0.sources.get(issuer);
            let keyring = source.and_then(|source| source.keyring.as_ref());
            IssuerStatus {
                issuer: issuer.clone(),
                is_usable: source.is_none_or(Source::is_usable),
                failing: keyring.and_then(Keyring::failing).map(|it| (it.since, it.error)),
                is_only_asked: source.is_some_and(Source::is_only_asked),
                unanswered_since: source.and_then(|it| it.introspection.as_ref()?.failing_since()),
                keys_fetched: keyring.and_then(Keyring::fetched),
            }
        };
        self.0.names.iter().map(status).collect()
    }

    /// How often tokens for this audience were answered from the cache of verified tokens.
    #[must_use]
    pub fn token_cache_use(&self) -> TokenCacheUse {
        self.0.cache.counted()
    }

    /// Fetches whatever keys are to be fetched by now, and waits for them.
    pub async fn renew_due(&self) {
        let rings = self.0.sources.values().filter_map(|source| source.keyring.as_ref());
        let landings: Vec<_> = rings.filter_map(Keyring::renew_if_due).collect();
        for landing in landings {
            landed(landing).await;
        }
    }

    /// Keeps all keys fresh; never returns. To be spawned, and dropped to stop it.
    pub async fn keep_fresh(&self) {
        loop {
            self.renew_due().await;
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Inner {
    /// Whether the token may be an encrypted one of `issuer`: it does not say whose it is, so only
    /// an issuer that is asked about all of its tokens is asked about those.
    fn may_be_encrypted(&self, token: &AccessToken, issuer: &Issuer) -> bool {
        is_encrypted(token) && self.sources.get(issuer).is_some_and(Source::is_only_asked)
    }

    /// The claims of a JWT that was found good before, with the keys that serve now.
    fn cached(&self, fingerprint: TokenFingerprint) -> Option<(Arc<Claims>, &Source)> {
        let CachedClaims { claims, keys } = self.cache.find(fingerprint, self.clock.now())?;
        let source = self.sources.get(claims.issuer())?;
        match (keys, source.keys()) {
            (None, None) => Some((claims, source)),
            (Some(then), Some(now)) if Arc::ptr_eq(&then, &now) => Some((claims, source)),
            (then, _) => {
                if let Some(keys) = then {
                    self.cache.forget(&keys);
                }
                None
            }
        }
    }

    /// The claims of a JWT whose signature was checked.
    async fn signed(
        &self,
        source: &Source,
        token: &UnverifiedToken<'_>,
        mut trace: Option<&mut Trace>,
    ) -> Result<CachedClaims, InvalidTokenError> {
        let permit = self.signatures.acquire(token.algorithm()).await;
        let (keys, now) = (source.keys(), self.clock.now());
        let verdict =
            self.verifier.verify_parsed(token, keys.as_deref(), now, trace.as_deref_mut());
        let verdict = permit.finish(verdict);
        match (verdict, &source.keyring, keys) {
            (Err(fault), Some(keyring), Some(keys)) if may_need_a_newer_key(fault) => {
                let Some(newer) = keyring.newer_than(&keys).await else {
                    return Err(self.invalid(token, Some(&keys), now, fault));
                };
                if let Some(trace) = trace.as_deref_mut() {
                    trace.restart();
                }
                // Without another permit: keys are fetched once in a while.
                let now = self.clock.now();
                let verdict = self.verifier.verify_parsed(token, Some(&newer), now, trace);
                match verdict {
                    Ok(claims) => Ok(CachedClaims { claims: Arc::new(claims), keys: Some(newer) }),
                    Err(fault) => Err(self.invalid(token, Some(&newer), now, fault)),
                }
            }
            (Ok(claims), _, keys) => Ok(CachedClaims { claims: Arc::new(claims), keys }),
            (Err(fault), _, keys) => Err(self.invalid(token, keys.as_deref(), now, fault)),
        }
    }

    /// The error for a token that was verified with `keys` at `now`.
    fn invalid(
        &self,
        token: &UnverifiedToken<'_>,
        keys: Option<&IssuerKeys>,
        now: NumericDate,
        fault: VerifyError,
    ) -> InvalidTokenError {
        let issuer = token.unverified_issuer().filter(|it| self.sources.contains_key(it));
        InvalidTokenError {
            fault,
            issuer: issuer.cloned(),
            facts: Some(self.verifier.facts(token, keys, now, fault)),
        }
    }

    /// The claims of a JWT that cannot be judged here, if its issuer is one that is only asked;
    /// else it is refused for `fault`. One that looks like an ID token or a refresh token is not
    /// asked about.
    async fn unread(
        &self,
        presented: Presented<'_>,
        fault: VerifyError,
        trace: Option<&mut Trace>,
    ) -> Result<Claims, AuthenticateError> {
        let token = presented.token;
        let outline = TokenOutline::of(token);
        let named = outline.as_ref().and_then(TokenOutline::issuer);
        let source = named.and_then(|issuer| self.sources.get_key_value(issuer));
        let fault = match (source, outline.as_ref()) {
            (Some((issuer, source)), Some(outline)) if source.is_only_asked() => {
                if !outline.is_other_token() {
                    return Box::pin(self.introspected(issuer, presented, trace)).await;
                }
                VerifyError::OtherToken
            }
            _ => fault,
        };
        Err(unreadable(token, fault, |issuer| self.sources.contains_key(issuer)).into())
    }

    /// The claims of a token that its issuer was asked about.
    async fn introspected(
        &self,
        issuer: &Issuer,
        Presented { token, certificate, .. }: Presented<'_>,
        trace: Option<&mut Trace>,
    ) -> Result<Claims, AuthenticateError> {
        let introspection = self.sources.get(issuer).and_then(|it| it.introspection.as_ref());
        let introspection = introspection.ok_or(VerifyError::IssuerUnknown)?;
        let answer = introspection.ask(token, false).await.map_err(unavailable)?;
        let now = self.clock.now();
        let verdict = self.verifier.verify_introspected(issuer, &answer, certificate, now, trace);
        Ok(verdict.map_err(|fault| InvalidTokenError {
            fault,
            issuer: Some(issuer.clone()),
            facts: Some(self.verifier.introspection_facts(
                issuer,
                &answer,
                certificate,
                now,
                fault,
            )),
        })?)
    }
}

impl VerifyToken for Issuers {
    async fn verify(&self, presented: Presented<'_>) -> Result<Arc<Claims>, AuthenticateError> {
        self.verify_presented(presented).await
    }
}

impl Authenticate for Issuers {
    /// Trusts the token alone, as [`TokenAuthenticator`](crate::TokenAuthenticator) does.
    async fn authenticate(&self, presented: Presented<'_>) -> Result<Principal, AuthenticateError> {
        let claims = self.verify_presented(presented).await?;
        Ok(Principal::new(&claims, Ceiling::IssuerDecides))
    }
}

impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Issuers").field(&self.0.names).finish()
    }
}

/// Whether newer keys could make a difference: its key is not there, or is another by now. Some
/// issuers give a new key the `kid` of the old one.
const fn may_need_a_newer_key(fault: VerifyError) -> bool {
    matches!(
        fault,
        VerifyError::Key(KeyLookupError::UnknownKey | KeyLookupError::AlgorithmMismatch)
            | VerifyError::Signature
    )
}
