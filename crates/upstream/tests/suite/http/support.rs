//! What several of the tests need.

use std::{error::Error, path::Path, sync::Arc, time::Duration};

use auth_core::{Algorithm, Ceiling, KeySet, NumericDate, Principal, TokenVerifier, TrustedIssuer};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};
use upstream::{
    CallContext,
    http::{HttpClient, HttpLimits, TlsRoots, UpstreamUrl},
};
use zeroize::Zeroizing;

/// Bounds that a test need not wait for.
pub(crate) fn limits() -> HttpLimits {
    HttpLimits {
        connect: Duration::from_millis(500),
        head: Duration::from_secs(5),
        ..HttpLimits::default()
    }
}

pub(crate) fn client(url: &str, limits: HttpLimits) -> HttpClient {
    let url = UpstreamUrl::parse(url).unwrap();
    HttpClient::new(url, &TlsRoots::system(), limits).unwrap()
}

/// A caller whose subject is `user-userson`, and an action that needs `scopes`.
pub(crate) fn caller(scopes: &str) -> CallContext {
    caller_with("user-userson", scopes)
}

pub(crate) fn caller_with(subject: &str, scopes: &str) -> CallContext {
    let key = TestKey::shared(Algorithm::Hs256);
    let forge = Forge::valid(key).claim("sub", subject).claim("client_id", "client-1");
    let entry = TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(entry);
    let now = NumericDate::from_secs(NOW).unwrap();
    let claims = verifier.verify(&forge.sign(key).parse().unwrap(), now).unwrap();
    let principal = Principal::new(&claims, Ceiling::IssuerDecides);
    CallContext::new(Some(Arc::new(principal)), scopes.parse().unwrap())
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Box<dyn Error + Send + Sync>> {
    Ok(Zeroizing::new(std::fs::read_to_string(path)?))
}
