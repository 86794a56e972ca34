//! A new token for an old one, without a person.
//!
//! 1. A refresh token goes to the endpoint that it came from, whatever the server or its metadata
//!    say today.
//! 2. Any error code of the issuer means that only a person can help (RFC 6749 §5.2): issuers use
//!    them as they like. No answer and 5xx mean nothing of the kind: the sign-in is still good.

use std::sync::Arc;

use auth_core::{Clock, ScopeSet};

use super::{
    Discovered, Exceptions, LoginError, Outward,
    answer::Answer,
    client_auth::{self, Preferred, method},
    client_credentials, workload,
};
use crate::{
    endpoint::Endpoint,
    store::{Entry, Grant},
};

/// What came of it.
pub(crate) enum Renewal {
    /// A new token.
    New(Box<Entry>),
    /// Only a person can help.
    Ended {
        /// Whether the issuer does not know the client any more.
        is_client_unknown: bool,
    },
}

/// Renews what can be.
pub(crate) async fn renew(
    entry: &Entry,
    outward: &Outward,
    clock: &Arc<dyn Clock>,
) -> Result<Renewal, LoginError> {
    let new = match &entry.grant {
        Grant::AuthorizationCode | Grant::DeviceCode => match entry.refresh_token() {
            Some(token) => return refresh(entry, &token, outward, clock.as_ref()).await,
            None => return Ok(Renewal::Ended { is_client_unknown: false }),
        },
        Grant::Enterprise => return Ok(Renewal::Ended { is_client_unknown: false }),
        Grant::ClientSecret | Grant::PrivateKey { .. } => {
            let (found, scopes) = again(entry, outward, clock).await?;
            let (client, grant) = (entry.client.clone(), entry.grant.clone());
            client_credentials(found, client, grant, scopes.as_ref(), outward).await?
        }
        Grant::Workload { file } => {
            let (found, scopes) = again(entry, outward, clock).await?;
            let client = entry.client.clone();
            workload(found, client, file.clone(), scopes.as_ref(), outward).await?
        }
    };
    Ok(Renewal::New(Box::new(new)))
}

async fn refresh(
    entry: &Entry,
    token: &str,
    outward: &Outward,
    clock: &dyn Clock,
) -> Result<Renewal, LoginError> {
    let endpoint = &entry.metadata.token_endpoint;
    let form = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("resource", entry.resource.as_str()),
    ];
    let who = (&entry.client, method(&entry.client, &entry.metadata, Preferred::Basic));
    let reply = client_auth::post(endpoint, form, who, outward).await?;
    let answer = match Answer::read(endpoint, &reply) {
        Err(error @ LoginError::OAuth { .. }) => {
            return Ok(Renewal::Ended { is_client_unknown: error.is_about_client() });
        }
        answer => answer?,
    };
    let tokens = answer.tokens()?.or_refresh_token(token);
    let old = entry.credentials.granted_scopes.clone();
    let mut credentials =
        tokens.stored(&entry.client.id, &entry.issuer, old.clone(), clock.now())?;
    if !old.is_empty() {
        // The refresh token is good for what it was, however little the access token has (RFC 6749
        // §6).
        credentials.granted_scopes = old;
    }
    Ok(Renewal::New(Box::new(Entry { credentials, ..entry.clone() })))
}

/// The issuer once more, if it is still the same.
async fn again(
    entry: &Entry,
    outward: &Outward,
    clock: &Arc<dyn Clock>,
) -> Result<(Discovered, Option<ScopeSet>), LoginError> {
    let endpoint = Endpoint::parse(&entry.server)
        .map_err(|_| LoginError::InvalidResponse("the stored server has no address"))?;
    // What was accepted at the sign-in still is.
    let exceptions = Exceptions { resource: Some(&entry.resource), assume_pkce: true };
    let found = Discovered::at(&endpoint, None, exceptions, outward, clock).await?;
    if found.info.issuer != entry.issuer {
        return Err(LoginError::Denied(format!(
            "the server now names another issuer, {}: log in again",
            found.info.issuer
        )));
    }
    let scopes = entry.scopes();
    Ok((found, (!scopes.is_empty()).then_some(scopes)))
}
