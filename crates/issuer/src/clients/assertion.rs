//! Clients that authenticate by a signed assertion: `private_key_jwt` (RFC 7523 §2.2).
//!
//! 1. The key is one of the client's: in its metadata, or at its `jwks_uri`.
//! 2. The claims are judged after the signature, by
//!    [`check_client_assertion`](auth_core::oauth::check_client_assertion).
//! 3. An assertion is used once, on whichever node. One that is refused for another reason is not
//!    used up by that.
//! 4. Every fault of the assertion is the same error. The log has the reason.
//! 5. Clients that no operator added have a bound for each address: each assertion is remembered.

use std::{error::Error, sync::Arc};

use auth_core::{
    Issuer, IssuerKeys, Jwks, KeySet, Leeway,
    oauth::{
        AssertionError, ClientAssertion, ClientKeys, ErrorCode, OAuthError, PresentedClient,
        VerifiedAssertion, check_client_assertion,
    },
};

use super::{KnownClient, fetch::Fetch, published::PublishedError};
use crate::{
    AuthorizationServer, PeerAddress,
    respond::{Refusal, Unavailable},
};

/// Verifies the assertion of `client`, whose method is `private_key_jwt`.
pub(super) async fn verify(
    server: &AuthorizationServer,
    client: &KnownClient,
    assertion: &ClientAssertion,
    peer: Option<PeerAddress>,
) -> Result<(), Refusal> {
    let refused = |reason: &(dyn Error + 'static)| {
        tracing::info!(client = client.id.as_str(), reason, "A client's assertion is refused");
        Refusal::from(PresentedClient::refused())
    };
    let verified = match verified(server, client, assertion, peer).await? {
        Ok(verified) => verified,
        Err(fault) => return Err(refused(&*fault)),
    };
    let now = (server.now(), Leeway::default());
    let issuer = server.config().issuer.as_str();
    let audiences = [issuer, &server.config().token_endpoint()];
    let single_use = check_client_assertion(&verified, &client.id, &audiences, now);
    let single_use = single_use.map_err(|fault| refused(&fault))?;
    if !client.is_operators && server.count_single_use(peer.map(|peer| peer.0)).is_err() {
        let text = "too many assertions from this address: try again in a minute";
        return Err(OAuthError::new(ErrorCode::TemporarilyUnavailable, text).into());
    }
    if server.store().use_assertion(verified.issuer().as_str(), &single_use).await? {
        Ok(())
    } else {
        Err(refused(&UsedError))
    }
}

/// An assertion that was used before.
#[derive(Debug, thiserror::Error)]
#[error("the assertion was used before")]
struct UsedError;

type Verified = Result<VerifiedAssertion, Box<dyn Error + Send + Sync>>;

/// Rule 1. What keeps the keys from being known is unavailable, not a refusal.
async fn verified(
    server: &AuthorizationServer,
    client: &KnownClient,
    assertion: &ClientAssertion,
    peer: Option<PeerAddress>,
) -> Result<Verified, Unavailable> {
    let unverified = match assertion.unverified() {
        Ok(unverified) => unverified,
        Err(fault) => return Ok(Err(fault.into())),
    };
    // A client is the issuer of its assertions: both names have the same grammar.
    let Ok(issuer) = client.id.as_str().parse::<Issuer>() else {
        return Ok(Err(AssertionError::Claim("iss").into()));
    };
    let by = |keys: &KeySet| unverified.verify(&IssuerKeys::new(issuer.clone(), keys.clone()));
    let url = match client.metadata.keys() {
        Some(ClientKeys::Uri(url)) => url,
        Some(ClientKeys::Inline(set)) => {
            let keys = Jwks::parse(&set.to_string()).map(|set| set.keys).unwrap_or_default();
            return Ok(by(&keys.into_iter().collect()).map_err(Into::into));
        }
        None => return Ok(by(&KeySet::default()).map_err(Into::into)),
    };
    let (outbound, now) = (server.outbound(), server.now());
    let way = Fetch { outbound, now, asker: peer.map(|peer| peer.0) };
    let keys = match had(server.key_sets().get(way, url, None).await)? {
        Ok(keys) => keys,
        Err(fault) => return Ok(Err(fault.into())),
    };
    match by(&keys) {
        Err(fault) if fault.may_need_newer_keys() => {
            let newer = server.key_sets().get(way, url, Some(&keys)).await;
            let newer = newer.ok().filter(|newer| !Arc::ptr_eq(newer, &keys));
            Ok(newer.map_or(Err(fault), |newer| by(&newer)).map_err(Into::into))
        }
        judged => Ok(judged.map_err(Into::into)),
    }
}

/// Keys, or why the client has none that may be used.
fn had(
    keys: Result<Arc<KeySet>, PublishedError>,
) -> Result<Result<Arc<KeySet>, PublishedError>, Unavailable> {
    match keys {
        Err(fault @ PublishedError::Unreachable(_)) => {
            Err(Unavailable::new("the keys of a client cannot be fetched", fault))
        }
        other => Ok(other),
    }
}
