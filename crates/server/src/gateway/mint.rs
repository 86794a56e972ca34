//! Tokens for servers behind the gateway, signed by the issuer in this process.
//!
//! 1. They are access tokens (RFC 9068): a server verifies them with the keys that the issuer
//!    publishes, by `iss`, `aud` and `typ`.
//! 2. `sub` is the caller. A caller of another issuer is `ISSUER#SUBJECT`, and so is one of this
//!    issuer whose subject looks like that. No issuer has a `#` (RFC 8414 §2), so no two callers
//!    have one `sub`.
//! 3. `act` is the gateway, by the URI of the resource that was called (RFC 8693 §4.1). Without a
//!    caller the gateway itself is `sub`.
//! 4. They are not recorded, and so cannot be revoked: they end within a minute, and with the
//!    caller's own token. For one that is past its `exp` there is none, although the guard allows
//!    for clocks that differ.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{
    ClientId, Clock, InvalidNameError, Issuer, NumericDate, Principal, ResourceUri, SigningKeys,
    Subject, TokenId, TokenIssuer, TokenRequest,
};
use secrecy::SecretString;
use serde_json::json;
use settings::key_folder::KeyFolder;
use upstream::credentials::{MintError, MintRequest, MintSubject, MintToken, MintedToken};

use crate::random::random;

/// How often the folder is checked for new keys, in seconds.
const INTERVAL: u64 = 1;

/// Mints tokens in the name of the issuer in this process.
pub(super) struct Mint {
    issuer: Issuer,
    keys: Arc<KeyFolder>,
    /// The gateway: the resource that was called.
    gateway: String,
    clock: Arc<dyn Clock>,
    checked: Mutex<NumericDate>,
}

impl Mint {
    /// Signs with the keys of the folder, for calls of `gateway`.
    pub(super) fn new(
        issuer: Issuer,
        keys: KeyFolder,
        gateway: &ResourceUri,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (gateway, checked) = (gateway.to_string(), Mutex::new(clock.now()));
        Self { issuer, keys: Arc::new(keys), gateway, clock, checked }
    }

    /// Reads new keys. What cannot be read is reported by the issuer, and the old ones are used.
    fn refresh(&self, now: NumericDate) {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back is no reason to wait until it has caught up.
        if now.as_secs().abs_diff(checked.as_secs()) >= INTERVAL {
            *checked = now;
            let _ = self.keys.refresh(now);
        }
    }

    fn sign(&self, request: &MintRequest<'_>) -> Result<MintedToken, MintError> {
        let now = self.clock.now();
        self.refresh(now);
        let (subject, client, lifetime) = match request.subject {
            MintSubject::Caller(caller) => {
                let client = caller.client_id().cloned().map_or_else(|| self.client(), Ok);
                let lifetime = request.lifetime.min(left(caller, now)?);
                (self.subject_of(caller), client, lifetime)
            }
            MintSubject::Gateway => (self.gateway.parse(), self.client(), request.lifetime),
        };
        let key = self.keys.active(now).map_err(unsigned)?;
        let lifetime = key.lifetime(lifetime);
        let token_id = TokenId::from_random(random().map_err(unsigned)?);
        let subject: Subject = subject.map_err(unsigned)?;
        let mut token = TokenRequest::new(subject, request.audience.clone(), token_id)
            .client_id(client.map_err(unsigned)?)
            .scopes(request.scopes.clone())
            .lifetime(lifetime);
        if let MintSubject::Caller(_) = request.subject {
            token = token.claim("act", json!({ "sub": self.gateway })).map_err(unsigned)?;
        }
        let issuer = TokenIssuer::new(self.issuer.clone(), key.key);
        let token = issuer.issue(&token, now).map_err(unsigned)?;
        Ok(MintedToken::new(SecretString::from(token.expose()), lifetime))
    }

    fn client(&self) -> Result<ClientId, InvalidNameError> {
        self.gateway.parse()
    }

    fn subject_of(&self, caller: &Principal) -> Result<Subject, InvalidNameError> {
        subject_of(&self.issuer, caller.issuer(), caller.subject())
    }
}

/// How long a caller's own token is still valid.
fn left(caller: &Principal, now: NumericDate) -> Result<Duration, MintError> {
    let left = caller.expires_at().since(now);
    if left.as_secs() == 0 { Err(MintError::Ended) } else { Ok(left) }
}

/// The `sub` of a caller: one that no other caller has.
fn subject_of(
    own: &Issuer,
    issuer: &Issuer,
    subject: &Subject,
) -> Result<Subject, InvalidNameError> {
    let text = subject.as_str();
    // What goes out by itself has the URI of the resource: no user's subject is one.
    if issuer == own && !text.contains('#') && !text.contains("://") {
        return Ok(subject.clone());
    }
    format!("{issuer}#{subject}").parse()
}

fn unsigned(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> MintError {
    MintError::Unsigned(error.into())
}

impl MintToken for Mint {
    fn mint(&self, request: &MintRequest<'_>) -> Result<MintedToken, MintError> {
        self.sign(request)
    }
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mint({})", self.issuer)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Algorithm, Audience, Ceiling, KeySet, ScopeSet, TokenVerifier, TrustedIssuer};
    use secrecy::ExposeSecret;
    use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};

    use super::*;

    #[test]
    fn no_two_callers_have_one_sub() {
        let (own, other) = ("https://own.example", "https://other.example");
        let sub = |issuer: &str, subject: &str| {
            let (own, issuer) = (own.parse().unwrap(), issuer.parse().unwrap());
            subject_of(&own, &issuer, &subject.parse().unwrap()).map(|it| it.as_str().to_owned())
        };
        assert_eq!(sub(own, "alice").unwrap(), "alice");
        assert_eq!(sub(other, "alice").unwrap(), "https://other.example#alice");
        let forged = sub(own, "https://other.example#alice").unwrap();
        assert_eq!(forged, "https://own.example#https://other.example#alice");
        let forged = sub(own, "https://mcp.example/mcp/notes").unwrap();
        assert_eq!(
            forged, "https://own.example#https://mcp.example/mcp/notes",
            "the gateway's own"
        );
        assert!(sub(other, &"a".repeat(255)).is_err());
    }

    /// A caller whose token ends at `end`, seconds after the test's time.
    fn caller(end: i64) -> Principal {
        let key = TestKey::shared(Algorithm::Hs256);
        let token = Forge::valid(key).claim("exp", NOW + end).sign(key);
        let keys = KeySet::from_iter([key.verifying()]);
        let entry = TrustedIssuer::new(ISSUER.parse().unwrap(), keys);
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(entry);
        let now = NumericDate::from_secs(NOW).unwrap();
        let claims = verifier.verify(&token.parse().unwrap(), now).unwrap();
        Principal::new(&claims, Ceiling::IssuerDecides)
    }

    #[test]
    fn a_token_ends_with_the_callers_own_and_is_signed_by_a_published_key() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(NOW);
        let keys =
            KeyFolder::open_or_make(&folder.path().join("keys"), Algorithm::Es256, clock.now());
        let gateway: ResourceUri = "https://mcp.example/mcp/notes".parse().unwrap();
        let mint = Mint::new(ISSUER.parse().unwrap(), keys.unwrap(), &gateway, clock.clone());
        let audience: Audience = "https://notes.example/mcp".parse().unwrap();
        let scopes: ScopeSet = "a b".parse().unwrap();
        let minted = |caller: &Principal| {
            mint.mint(&MintRequest {
                audience: &audience,
                subject: MintSubject::Caller(caller),
                scopes: &scopes,
                lifetime: Duration::from_mins(1),
            })
        };
        let entry = TrustedIssuer::new(ISSUER.parse().unwrap(), mint.keys.published().unwrap());
        let verifier = TokenVerifier::new(audience.clone()).trust(entry);
        for (end, lasts) in [(3600, 60), (60, 60), (59, 59), (1, 1)] {
            let token = minted(&caller(end)).unwrap();
            assert_eq!(token.lifetime(), Duration::from_secs(lasts), "{end}");
            let text = token.text().expose_secret().parse().unwrap();
            let claims = verifier.verify(&text, clock.now()).unwrap();
            assert_eq!(claims.scopes(), &scopes);
            assert_eq!(claims.expires_at().as_secs(), NOW + i64::try_from(lasts).unwrap());
        }
        // The guard still accepts it, as clocks may differ.
        let ends = caller(1);
        clock.advance(Duration::from_secs(1));
        assert!(matches!(minted(&ends), Err(MintError::Ended)));
    }
}
