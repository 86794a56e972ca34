//! A new token for an old one, without a person.
//!
//! A refresh token goes to the endpoint that it came from, whatever the server or its metadata say today.

use auth_core::ScopeSet;
use reqwest::Url;
use rmcp::transport::auth::{
    AuthError, CredentialStore as _, InMemoryCredentialStore, OAuthClientConfig,
};

use super::{
    Discovered, LoginError, Outward, by_client_credentials, by_workload, discovered::manager,
};
use crate::{
    endpoint::Endpoint,
    store::{Entry, Grant},
};

/// Renews what can be. `Ok(None)` where only a person can help.
pub(crate) async fn renew(entry: &Entry, outward: &Outward) -> Result<Option<Entry>, LoginError> {
    match &entry.grant {
        Grant::AuthorizationCode | Grant::DeviceCode if entry.has_refresh_token() => {
            refresh(entry, outward).await
        }
        Grant::AuthorizationCode | Grant::DeviceCode | Grant::Enterprise => Ok(None),
        Grant::ClientSecret | Grant::PrivateKey { .. } => {
            let (found, scopes) = again(entry, outward).await?;
            let (client, grant) = (entry.client.clone(), entry.grant.clone());
            by_client_credentials(found, client, grant, scopes.as_ref()).await.map(Some)
        }
        Grant::Workload { file } => {
            let (found, scopes) = again(entry, outward).await?;
            let client = entry.client.clone();
            by_workload(found, client, file.clone(), scopes.as_ref(), outward).await.map(Some)
        }
    }
}

async fn refresh(entry: &Entry, outward: &Outward) -> Result<Option<Entry>, LoginError> {
    outward.check(&entry.metadata.token_endpoint)?;
    let is_canonical = Url::parse(&entry.resource).is_ok_and(|url| url.as_str() == entry.resource);
    let base = if is_canonical { &entry.resource } else { &entry.server };
    let mut manager = manager(base, outward).await?;
    if !is_canonical {
        // rmcp spells the resource as it was found, so it has to be found.
        manager.resolve_metadata().await?;
    }
    manager.set_metadata(entry.metadata.clone());
    let redirect_uri = entry.client.redirect_uri.as_deref().unwrap_or(&entry.server);
    let mut client = OAuthClientConfig::new(entry.client.id.clone(), redirect_uri);
    if let Some(secret) = &entry.client.secret {
        client = client.with_client_secret(secret.clone());
    }
    manager.configure_client(client)?;
    let tokens = InMemoryCredentialStore::new();
    tokens.save(entry.credentials.clone()).await?;
    manager.set_credential_store(tokens.clone());
    match manager.refresh_token().await {
        Ok(_) => {}
        Err(AuthError::TokenRefreshRejected(_) | AuthError::AuthorizationRequired) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let credentials = tokens.load().await?.ok_or(LoginError::Senseless("there is no token"))?;
    Ok(Some(Entry { credentials, ..entry.clone() }))
}

/// The issuer once more, if it is still the same.
async fn again(
    entry: &Entry,
    outward: &Outward,
) -> Result<(Discovered, Option<ScopeSet>), LoginError> {
    let endpoint = Endpoint::parse(&entry.server)
        .map_err(|_| LoginError::Senseless("the stored server has no address"))?;
    let found = Discovered::at(&endpoint, None, outward).await?;
    if found.facts.issuer != entry.issuer {
        return Err(LoginError::Denied(format!(
            "the server now names another issuer, {}: log in again",
            found.facts.issuer
        )));
    }
    let scopes = entry.scopes();
    Ok((found, (!scopes.is_empty()).then_some(scopes)))
}
