//! The HTTP client of rmcp's discovery.
//!
//! 1. An issuer that does not answer, or may not be asked, counts as one without metadata. So rmcp
//!    goes on to the next of the `authorization_servers` (RFC 9728 §2), in their order.
//! 2. What kept each of them from answering is recorded. It is reported if none of them answers.
//! 3. All other requests fail as they fail.
//! 4. Where private addresses may be asked, rmcp's own client is needed for those that are written
//!    as IP addresses, and the first issuer that does not answer ends its discovery. It is then
//!    repeated with this client, for which every other issuer counts.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Response, StatusCode};
use outbound::{AddressError, OutboundError};
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationMetadataResolution, OAuthHttpClient,
    OAuthHttpClientFuture, OAuthHttpRequest,
};

use url::Url;

use super::{LoginError, Outward};

/// The well-known paths of an issuer's metadata (RFC 8414 §3, OpenID Connect Discovery §4).
const ISSUER_METADATA: [&str; 2] =
    ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

/// Issuers that did not answer, each with the reason.
#[derive(Debug, Clone, Default)]
pub(super) struct Unreachable(Arc<Mutex<Vec<(String, OutboundError)>>>);

struct DiscoveryClient {
    outward: Outward,
    unreachable: Unreachable,
}

/// Finds the metadata of the issuer of the server at `base`, whose 401 has this `challenge`. All
/// requests go through `outward`. Returns rmcp's manager, what it found, and the issuers that it
/// could not reach.
pub(super) async fn discover(
    base: &str,
    challenge: Option<&str>,
    outward: &Outward,
) -> Result<(AuthorizationManager, AuthorizationMetadataResolution, Unreachable), LoginError> {
    let unreachable = Unreachable::default();
    if let (true, Ok(url)) = (outward.reaches_private(), Url::parse(base)) {
        let mut manager = AuthorizationManager::new_allowing_private_addresses(base).await?;
        manager.with_client(outward.library_client(&url)?)?;
        match manager.resolve_metadata_from_challenge(challenge).await {
            Err(AuthError::DiscoveryRequestFailed { .. }) => {}
            found => return Ok((manager, found?, unreachable)),
        }
    }
    let client = DiscoveryClient { outward: outward.clone(), unreachable: unreachable.clone() };
    let manager = AuthorizationManager::new_with_oauth_http_client(base, Arc::new(client)).await?;
    match manager.resolve_metadata_from_challenge(challenge).await {
        Ok(found) => Ok((manager, found, unreachable)),
        Err(error @ AuthError::AuthorizationServersUnavailable { .. }) => {
            Err(unreachable.error().unwrap_or(error.into()))
        }
        Err(error) => Err(error.into()),
    }
}

impl Unreachable {
    fn add(&self, origin: String, fault: OutboundError) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An issuer has several well-known locations.
        if all.iter().all(|(known, _)| *known != origin) {
            all.push((origin, fault));
        }
    }

    /// The error that names all of them, if there is one.
    pub(super) fn error(&self) -> Option<LoginError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reasons: Vec<String> =
            all.iter().map(|(origin, fault)| format!("{origin}: {fault}")).collect();
        let is_private =
            |fault: &OutboundError| matches!(fault, OutboundError::Address(AddressError::Private));
        let is_private = all.iter().any(|(_, fault)| is_private(fault));
        let reasons = reasons.join("; ");
        (!all.is_empty()).then_some(LoginError::NoIssuerAnswers { reasons, is_private })
    }
}

impl OAuthHttpClient for DiscoveryClient {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let uri = request.request.uri().clone();
            let mut response = Response::new(Vec::new());
            match self.outward.send_as(request.request).await {
                Ok(reply) => {
                    *response.status_mut() = reply.status;
                    *response.headers_mut() = reply.headers;
                    *response.body_mut() = reply.body;
                }
                Err(fault) if ISSUER_METADATA.iter().any(|path| uri.path().contains(path)) => {
                    let scheme = uri.scheme_str().unwrap_or_default();
                    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
                    self.unreachable.add(format!("{scheme}://{authority}"), fault);
                    *response.status_mut() = StatusCode::NOT_FOUND;
                }
                Err(fault) => return Err(fault.into()),
            }
            Ok(response)
        })
    }
}
