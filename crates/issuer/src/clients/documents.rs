//! Client ID metadata documents, fetched and remembered
//! (draft-ietf-oauth-client-id-metadata-document §4, §5).
//!
//! 1. A document is fetched by the server's outbound client, which asks public addresses alone and
//!    follows no redirect. It has [`FETCH_TIME`] and
//!    [`MAX_DOCUMENT_BYTES`](auth_core::oauth::MAX_DOCUMENT_BYTES).
//! 2. It is remembered for as long as its `Cache-Control` says ([`freshness`]), a fault for
//!    [`FAULT_FRESH`].
//! 3. One that cannot be had again stays as it was for up to [`MAX_FRESH`] after it was fetched: a
//!    client whose site is down for an hour keeps its users.
//!    The same holds while too much is being fetched, which strangers may cause.
//! 4. One fetch at a time for each address of a document, [`MAX_FETCHES`] in all, and
//!    [`FETCHES_PER_MINUTE`] for each address that asks.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use auth_core::{
    NumericDate,
    oauth::{ClientMetadata, GrantType, MAX_DOCUMENT_BYTES, MetadataUrl, parse_document},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use outbound::{OutboundClient, OutboundError, Request};
use quick_cache::sync::Cache;
use tokio::sync::{Mutex, Semaphore};

use super::{
    ClientLookupError,
    fetch::Fetch,
    freshness::{MAX_FRESH, freshness},
};
use crate::limit::AddressLimit;

/// How long a fetch may take: some clients wait for five seconds.
const FETCH_TIME: Duration = Duration::from_secs(3);
const FAULT_FRESH: Duration = Duration::from_secs(10);
/// How many documents are fetched at once.
const MAX_FETCHES: usize = 32;
/// How many documents are fetched for one address in a minute.
const FETCHES_PER_MINUTE: u32 = 30;
/// How many documents are remembered.
const REMEMBERED: usize = 512;

/// The documents that are remembered.
#[derive(Debug)]
pub(crate) struct Documents {
    slots: Cache<String, Arc<Mutex<Option<Remembered>>>>,
    fetches: Semaphore,
    by_address: AddressLimit,
}

/// What came of the last fetch.
#[derive(Debug, Clone)]
struct Remembered {
    outcome: Result<ClientMetadata, DocumentFault>,
    fetched_at: NumericDate,
    fresh_until: NumericDate,
}

/// Why there is no document, as a text for people.
#[derive(Debug, Clone)]
enum DocumentFault {
    /// It is there, and is not to be used.
    Refused(String),
    /// It is not there now.
    Unreachable(String),
}

impl From<DocumentFault> for ClientLookupError {
    fn from(fault: DocumentFault) -> Self {
        match fault {
            DocumentFault::Refused(words) => Self::Unknown(Some(words)),
            DocumentFault::Unreachable(words) => Self::Unreachable(words),
        }
    }
}

impl Remembered {
    /// Rule 3.
    fn outlives_an_outage(&self, now: NumericDate) -> bool {
        self.outcome.is_ok() && now.since(self.fetched_at) < MAX_FRESH
    }
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            slots: Cache::new(REMEMBERED),
            fetches: Semaphore::new(MAX_FETCHES),
            by_address: AddressLimit::default(),
        }
    }
}

impl Documents {
    /// The metadata in the document at `url`, fetched unless it is remembered.
    pub(super) async fn get(
        &self,
        way: Fetch<'_>,
        url: &MetadataUrl,
        grants: &BTreeSet<GrantType>,
    ) -> Result<ClientMetadata, ClientLookupError> {
        let Ok(slot) = self.slots.get_or_insert_with(url.as_str(), || Ok::<_, ()>(Arc::default()))
        else {
            return Err(busy());
        };
        let mut remembered = slot.lock().await;
        let now = way.now;
        if let Some(last) = remembered.as_ref().filter(|last| now < last.fresh_until) {
            return Ok(last.outcome.clone()?);
        }
        let is_allowed = self.by_address.count(way.asker, FETCHES_PER_MINUTE, now).is_ok();
        let permit = self.fetches.try_acquire().ok().filter(|_| is_allowed);
        let Some(_permit) = permit else {
            let last = remembered.as_ref().filter(|last| last.outlives_an_outage(now));
            return last.map_or_else(|| Err(busy()), |last| Ok(last.outcome.clone()?));
        };
        let next = fetch(way, url, grants).await;
        let next = match (next.outcome.as_ref(), remembered.take()) {
            (Err(DocumentFault::Unreachable(_)), Some(last)) if last.outlives_an_outage(now) => {
                Remembered { fresh_until: next.fresh_until, ..last }
            }
            _ => next,
        };
        let outcome = next.outcome.clone();
        *remembered = Some(next);
        Ok(outcome?)
    }
}

fn busy() -> ClientLookupError {
    let words = "too many metadata documents are being fetched: try again in a minute";
    ClientLookupError::Unreachable(words.to_owned())
}

async fn fetch(way: Fetch<'_>, url: &MetadataUrl, grants: &BTreeSet<GrantType>) -> Remembered {
    let fetched = tokio::time::timeout(FETCH_TIME, read(way.outbound, url, grants)).await;
    let fetched = fetched.unwrap_or_else(|_| {
        let words = format!("the document did not come within {} seconds", FETCH_TIME.as_secs());
        Err(DocumentFault::Unreachable(words))
    });
    let fresh = fetched.as_ref().map_or(FAULT_FRESH, |(_, fresh)| *fresh);
    let outcome = fetched.map(|(metadata, _)| metadata);
    Remembered { outcome, fetched_at: way.now, fresh_until: way.now.plus(fresh) }
}

/// The document, and for how long it may be remembered.
async fn read(
    outbound: &OutboundClient,
    url: &MetadataUrl,
    grants: &BTreeSet<GrantType>,
) -> Result<(ClientMetadata, Duration), DocumentFault> {
    let address = outbound.check(url.as_str()).map_err(|fault| not_fetched(&fault))?;
    let accept = HeaderValue::from_static("application/json");
    let request = Request::get(address).header(header::ACCEPT, accept);
    let mut response = outbound.stream(request).await.map_err(|fault| not_fetched(&fault))?;
    check_head(response.status, &response.headers)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| not_fetched(&fault))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_DOCUMENT_BYTES {
            break;
        }
    }
    let metadata = parse_document(url, &body, grants).map_err(|fault| {
        let reason = std::error::Error::source(&fault).map(|source| format!(": {source}"));
        DocumentFault::Refused(format!("{fault}{}", reason.unwrap_or_default()))
    })?;
    Ok((metadata, freshness(&response.headers)))
}

fn check_head(status: StatusCode, headers: &HeaderMap) -> Result<(), DocumentFault> {
    if status.is_redirection() {
        let words = format!("the address redirects elsewhere ({status}), which is not followed");
        return Err(DocumentFault::Refused(words));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(DocumentFault::Unreachable(format!("its host answers {status}")));
    }
    if status != StatusCode::OK {
        return Err(DocumentFault::Refused(format!("its host answers {status}")));
    }
    let media_type = crate::body::media_type(headers).unwrap_or_default();
    let is_json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if is_json {
        Ok(())
    } else {
        let words = "the document does not come as application/json";
        Err(DocumentFault::Refused(words.to_owned()))
    }
}

fn not_fetched(fault: &OutboundError) -> DocumentFault {
    let words = format!("the document cannot be fetched: {fault}");
    match fault {
        OutboundError::Connect { .. }
        | OutboundError::Timeout(_)
        | OutboundError::TimedOut
        | OutboundError::Interrupted(_)
        | OutboundError::Setup(_) => DocumentFault::Unreachable(words),
        _ => DocumentFault::Refused(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_with_200_is_a_document() {
        let head = |status: u16, kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            check_head(StatusCode::from_u16(status).unwrap(), &headers)
        };
        assert!(head(200, "application/json; charset=utf-8").is_ok());
        assert!(head(200, "application/cimd+json").is_ok());
        assert!(matches!(head(200, "text/html"), Err(DocumentFault::Refused(_))));
        for status in [201, 301, 302, 304, 307, 403, 404] {
            let fault = head(status, "application/json");
            assert!(matches!(fault, Err(DocumentFault::Refused(_))), "{status}");
        }
        for status in [429, 500, 503] {
            let fault = head(status, "application/json");
            assert!(matches!(fault, Err(DocumentFault::Unreachable(_))), "{status}");
        }
    }
}
