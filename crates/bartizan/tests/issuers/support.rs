//! What the tests share.

use std::{sync::Arc, time::Duration};

use auth_core::{Algorithm, Claims, Issuer, KeySet, TrustedIssuer, VerifyError};
use bartizan::{AuthenticateError, Introspection, IssuerClient, Issuers, Keyring, Location, Trust};
use testkit::{Forge, ManualClock, NOW, RESOURCE, TestIssuer, TestKey};

pub(crate) fn es256() -> &'static TestKey {
    TestKey::shared(Algorithm::Es256)
}

pub(crate) fn ed_dsa() -> &'static TestKey {
    TestKey::shared(Algorithm::EdDsa)
}

pub(crate) fn clock() -> Arc<ManualClock> {
    ManualClock::at(NOW)
}

pub(crate) fn client(clock: &Arc<ManualClock>) -> IssuerClient {
    IssuerClient::new(clock.clone()).unwrap()
}

pub(crate) fn name(issuer: &str) -> Issuer {
    issuer.parse().unwrap()
}

/// An entry without keys of its own.
pub(crate) fn entry(issuer: &str) -> TrustedIssuer {
    TrustedIssuer::new(name(issuer), KeySet::default())
}

pub(crate) fn issuers(
    clock: &Arc<ManualClock>,
    trusts: impl IntoIterator<Item = Trust>,
) -> Issuers {
    Issuers::new(RESOURCE.parse().unwrap(), clock.clone(), trusts).unwrap()
}

/// Trusts `issuer` with keys from `location`.
pub(crate) fn fetching(clock: &Arc<ManualClock>, issuer: &str, location: Location) -> Trust {
    let keyring = Keyring::new(&client(clock), &name(issuer), location).unwrap();
    Trust::new(entry(issuer)).keyring(keyring)
}

/// Trusts the issuer alone, whose keys are discovered.
pub(crate) fn discovering(clock: &Arc<ManualClock>, issuer: &TestIssuer) -> Issuers {
    issuers(clock, [fetching(clock, &issuer.issuer(), Location::Discover)])
}

/// Trusts the issuer alone, whose keys are at `/keys`.
pub(crate) fn at_keys(clock: &Arc<ManualClock>, issuer: &TestIssuer) -> Issuers {
    let location = Location::At(issuer.url("/keys").parse().unwrap());
    issuers(clock, [fetching(clock, &issuer.issuer(), location)])
}

/// The introspection of the issuer, whose endpoint is at `/introspect`.
pub(crate) fn asking(clock: &Arc<ManualClock>, issuer: &TestIssuer) -> Introspection {
    let location = Location::At(issuer.url("/introspect").parse().unwrap());
    let issuer = name(&issuer.issuer());
    Introspection::new(&client(clock), &issuer, location, "mcp server", "s3cret/+of ours").unwrap()
}

/// A token of `issuer`, signed by `key`, good for two days.
pub(crate) fn token(issuer: &str, key: &TestKey) -> Forge {
    Forge::valid(key).claim("iss", issuer).claim("exp", NOW + 2 * 24 * 3600 + 3600)
}

/// Whether a token is believed, or why not.
pub(crate) async fn judge(issuers: &Issuers, token: &str) -> Result<Claims, VerifyError> {
    match issuers.verify(&token.parse().unwrap()).await {
        Ok(claims) => Ok(Arc::unwrap_or_clone(claims)),
        Err(AuthenticateError::InvalidToken(void)) => Err(void.fault),
        Err(other) => panic!("{other:?}"),
    }
}

pub(crate) const HOUR: Duration = Duration::from_hours(1);
