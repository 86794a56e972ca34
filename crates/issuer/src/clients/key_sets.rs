//! Public keys of clients at a `jwks_uri`, fetched and remembered (RFC 7517 §5, RFC 7591 §2).
//!
//! 1. A set is fetched by the server's outbound client, which asks public addresses alone and
//!    follows no redirect: the client names the address. It has at most [`MAX_BYTES`].
//! 2. It is remembered as all is that clients publish ([`Published`]).
//! 3. An assertion that no remembered key verifies has the set fetched anew: a client may rotate
//!    its keys at any time.

use std::{sync::Arc, time::Duration};

use auth_core::{Jwks, KeySet};
use http::{HeaderValue, StatusCode, header};
use outbound::{OutboundClient, OutboundError, Request};

use super::{
    fetch::Fetch,
    freshness::freshness,
    published::{Published, PublishedError},
};

/// The longest key set, in bytes: 64 keys of RSA with 4096 bits.
const MAX_BYTES: usize = 64 * 1024;

/// The key sets that are remembered.
#[derive(Debug)]
pub(crate) struct KeySets(Published<Arc<KeySet>>);

impl Default for KeySets {
    fn default() -> Self {
        Self(Published::new("key sets"))
    }
}

impl KeySets {
    /// The keys at `url`, fetched unless they are remembered, or, for a caller whom the keys `seen`
    /// do not help, fetched anew (rule 3).
    pub(super) async fn get(
        &self,
        way: Fetch<'_>,
        url: &str,
        seen: Option<&Arc<KeySet>>,
    ) -> Result<Arc<KeySet>, PublishedError> {
        let is_seen = |keys: &Arc<KeySet>| seen.is_some_and(|seen| Arc::ptr_eq(seen, keys));
        self.0.get(way, url, is_seen, read(way.outbound, url)).await
    }
}

/// The keys, and for how long they may be remembered.
async fn read(
    outbound: &OutboundClient,
    url: &str,
) -> Result<(Arc<KeySet>, Duration), PublishedError> {
    let refused = |words: &str| PublishedError::Refused(words.to_owned());
    let address = outbound.check(url).map_err(|fault| not_fetched(&fault))?;
    let accept = HeaderValue::from_static("application/jwk-set+json, application/json");
    let request = Request::get(address).header(header::ACCEPT, accept);
    let mut response = outbound.stream(request).await.map_err(|fault| not_fetched(&fault))?;
    let status = response.status;
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(PublishedError::Unreachable(format!("the host of the keys answers {status}")));
    }
    if status != StatusCode::OK {
        return Err(refused(&format!("the host of the keys answers {status}")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| not_fetched(&fault))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err(refused("the key set is too long"));
        }
    }
    let text = str::from_utf8(&body).map_err(|_| refused("the key set is not JSON"))?;
    let keys = Jwks::parse(text).map_err(|_| refused("it is not a JSON Web Key Set"))?;
    let keys: KeySet = keys.keys.into_iter().collect();
    if keys.is_empty() {
        return Err(refused("the key set has no key that can be used"));
    }
    Ok((Arc::new(keys), freshness(&response.headers)))
}

fn not_fetched(fault: &OutboundError) -> PublishedError {
    let words = format!("the keys cannot be fetched: {fault}");
    if fault.is_unreachable() || matches!(fault, OutboundError::Setup(_)) {
        PublishedError::Unreachable(words)
    } else {
        PublishedError::Refused(words)
    }
}
