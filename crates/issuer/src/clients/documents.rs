//! Client ID metadata documents, fetched and remembered
//! (draft-ietf-oauth-client-id-metadata-document §4, §5).
//!
//! 1. A document is fetched by the server's outbound client, which asks public addresses alone and
//!    follows no redirect. It has at most
//!    [`MAX_DOCUMENT_BYTES`](auth_core::oauth::MAX_DOCUMENT_BYTES).
//! 2. It is remembered as all is that clients publish ([`Published`]).

use std::{collections::BTreeSet, time::Duration};

use auth_core::oauth::{
    ClientMetadata, GrantType, MAX_DOCUMENT_BYTES, MetadataUrl, parse_document,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use outbound::{OutboundClient, OutboundError, Request};

use super::{
    ClientLookupError,
    fetch::Fetch,
    freshness::freshness,
    published::{Published, PublishedError},
};

/// The documents that are remembered.
#[derive(Debug)]
pub(crate) struct Documents(Published<ClientMetadata>);

impl From<PublishedError> for ClientLookupError {
    fn from(fault: PublishedError) -> Self {
        match fault {
            PublishedError::Refused(text) => Self::Unknown(Some(text)),
            PublishedError::Unreachable(text) => Self::Unreachable(text),
        }
    }
}

impl Default for Documents {
    fn default() -> Self {
        Self(Published::new("metadata documents"))
    }
}

impl Documents {
    /// The metadata in the document at `url`, fetched unless it is remembered.
    pub(super) async fn get(
        &self,
        way: Fetch<'_>,
        url: &MetadataUrl,
        grants: &BTreeSet<GrantType>,
    ) -> Result<ClientMetadata, PublishedError> {
        self.0.get(way, url.as_str(), |_| false, read(way.outbound, url, grants)).await
    }
}

/// The document, and for how long it may be remembered.
async fn read(
    outbound: &OutboundClient,
    url: &MetadataUrl,
    grants: &BTreeSet<GrantType>,
) -> Result<(ClientMetadata, Duration), PublishedError> {
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
        PublishedError::Refused(format!("{fault}{}", reason.unwrap_or_default()))
    })?;
    Ok((metadata, freshness(&response.headers)))
}

fn check_head(status: StatusCode, headers: &HeaderMap) -> Result<(), PublishedError> {
    if status.is_redirection() {
        let words = format!("the address redirects elsewhere ({status}), which is not followed");
        return Err(PublishedError::Refused(words));
    }
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(PublishedError::Unreachable(format!("its host answers {status}")));
    }
    if status != StatusCode::OK {
        return Err(PublishedError::Refused(format!("its host answers {status}")));
    }
    let media_type = crate::body::media_type(headers).unwrap_or_default();
    let is_json = media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"));
    if is_json {
        Ok(())
    } else {
        let words = "the document does not come as application/json";
        Err(PublishedError::Refused(words.to_owned()))
    }
}

fn not_fetched(fault: &OutboundError) -> PublishedError {
    let words = format!("the document cannot be fetched: {fault}");
    match fault {
        OutboundError::Connect { .. }
        | OutboundError::Timeout(_)
        | OutboundError::TimedOut
        | OutboundError::Interrupted(_)
        | OutboundError::Setup(_) => PublishedError::Unreachable(words),
        _ => PublishedError::Refused(words),
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
        assert!(matches!(head(200, "text/html"), Err(PublishedError::Refused(_))));
        for status in [201, 301, 302, 304, 307, 403, 404] {
            let fault = head(status, "application/json");
            assert!(matches!(fault, Err(PublishedError::Refused(_))), "{status}");
        }
        for status in [429, 500, 503] {
            let fault = head(status, "application/json");
            assert!(matches!(fault, Err(PublishedError::Unreachable(_))), "{status}");
        }
    }
}
