//! A flood of bad signatures takes no more than its turns, in whatever way tokens are judged.

use std::{sync::Arc, time::Duration};

use auth_core::{Algorithm, KeySet, TokenVerifier, TrustedIssuer};
use bartizan::{Authenticate, Presented, TokenAuthenticator};
use testkit::{ISSUER, RESOURCE, TestKey};
use tokio::time::Instant;

use crate::support::{clock, es256, issuers, name, token};

/// More than there are turns at once.
const FLOOD: usize = 2000;

/// How long it takes to refuse [`FLOOD`] tokens with a signature that is another's.
async fn refused(authenticate: &impl Authenticate, key: &TestKey, signed_by: &TestKey) -> Duration {
    let bad = token(ISSUER, key).sign_with(|message| signed_by.sign(message));
    let begun = Instant::now();
    for _ in 0..FLOOD {
        assert!(authenticate.authenticate(Presented::bare(&bad.parse().unwrap())).await.is_err());
    }
    begun.elapsed()
}

/// The time stands still but for who sleeps.
#[tokio::test(start_paused = true)]
async fn bad_signatures_wait_their_turn() {
    let other = TestKey::generate(Algorithm::Es256);
    let secret = TestKey::shared(Algorithm::Hs256);
    let trusted = |key: &TestKey| {
        TrustedIssuer::new(name(ISSUER), KeySet::from_iter([key.verifying()])).trust_roles(true)
    };
    let verifier = |key| TokenVerifier::new(RESOURCE.parse().unwrap()).trust(trusted(key));
    let alone = |key| TokenAuthenticator::new(verifier(key), Arc::clone(&clock()));
    let among = |key| issuers(&clock(), [trusted(key).into()]);

    for waited in [
        refused(&alone(es256()), es256(), &other).await,
        refused(&among(es256()), es256(), &other).await,
    ] {
        assert!(waited > Duration::from_secs(1), "{waited:?}");
    }
    for waited in [
        refused(&alone(secret), secret, &other).await,
        refused(&among(secret), secret, &other).await,
    ] {
        assert_eq!(waited, Duration::ZERO, "a secret's signature costs too little");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_seen_before_waits_for_nobody() {
    let other = TestKey::generate(Algorithm::Es256);
    let trusted = TrustedIssuer::new(name(ISSUER), KeySet::from_iter([es256().verifying()]));
    let issuers = issuers(&clock(), [trusted.into()]);
    let good = token(ISSUER, es256()).sign(es256());
    assert!(issuers.authenticate(Presented::bare(&good.parse().unwrap())).await.is_ok());
    refused(&issuers, es256(), &other).await;
    let begun = Instant::now();
    assert!(issuers.authenticate(Presented::bare(&good.parse().unwrap())).await.is_ok());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
