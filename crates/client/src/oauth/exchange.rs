//! A token for another token: an enterprise's ID token (RFC 8693, then RFC 7523), or the JWT that a
//! platform gives its workload (RFC 7523 §2.1).
//!
//! One try, one grant: an issuer that refuses is not asked again, nor in another way.

use std::path::PathBuf;

use auth_core::ScopeSet;
use oauth2::ClientSecret;
use rmcp::transport::auth::enterprise::{
    EmaAuthorizationServer, EmaClientAuthentication, EmaExchangeRequest,
};

use super::{
    Discovered, LoginError, Outward,
    answer::{Answer, Tokens},
    client_auth::{self, Preferred, method},
    read_secret,
    recorder::Recorder,
};
use crate::store::{Client, Entry, Grant};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The enterprise's identity provider, and what it said of the person.
#[derive(Clone)]
pub(crate) struct Enterprise {
    pub(crate) issuer: String,
    pub(crate) token_endpoint: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) id_token: String,
}

/// Exchanges an enterprise's ID token.
pub(crate) async fn enterprise(
    found: Discovered,
    client: Client,
    enterprise: &Enterprise,
    wanted: Option<&ScopeSet>,
    outward: &Outward,
) -> Result<Entry, LoginError> {
    let scopes = found.scopes(wanted).await;
    let provider = EmaAuthorizationServer::new(
        &enterprise.issuer,
        &enterprise.token_endpoint,
        &enterprise.client_id,
    )
    .with_client_authentication(authentication(enterprise.client_secret.as_ref()));
    let server = EmaAuthorizationServer::new(
        &found.info.issuer,
        &found.info.metadata.token_endpoint,
        &client.id,
    )
    .with_client_authentication(authentication(client.secret.as_ref()));
    let token = EmaExchangeRequest::new_with_id_token(
        provider,
        server,
        &found.info.resource,
        &enterprise.id_token,
    )
    .with_scopes(scopes);
    let (at_provider, at_server) = (Recorder::new(outward), Recorder::new(outward));
    let token = token.exchange(&at_provider, &at_server).await.map_err(|error| {
        let at_server = at_server.refusal(&found.info.issuer, &found.info.metadata.token_endpoint);
        let refusal = at_server
            .or_else(|| at_provider.refusal(&enterprise.issuer, &enterprise.token_endpoint));
        refusal.unwrap_or_else(|| LoginError::Exchange(error.to_string()))
    })?;
    let mut granted: Vec<String> = token.scopes.into_iter().collect();
    granted.sort();
    let life = token.expires_in.map(|life| life.as_secs());
    let tokens = Tokens::new(token.access_token.secret().clone(), life);
    found.info.entry(Grant::Enterprise, client, &tokens, granted)
}

/// Exchanges the JWT of a workload.
pub(crate) async fn workload(
    found: Discovered,
    client: Client,
    file: PathBuf,
    wanted: Option<&ScopeSet>,
    outward: &Outward,
) -> Result<Entry, LoginError> {
    let assertion = read_secret(&file)?;
    let scopes = found.scopes(wanted).await;
    let joined = scopes.join(" ");
    let mut form = vec![
        ("grant_type", JWT_BEARER),
        ("assertion", assertion.as_str()),
        ("resource", found.info.resource.as_str()),
    ];
    if !joined.is_empty() {
        form.push(("scope", &joined));
    }
    let endpoint = &found.info.metadata.token_endpoint;
    let who = (&client, method(&client, &found.info.metadata, Preferred::Basic));
    let reply = client_auth::post(endpoint, form, who, outward).await?;
    let tokens = Answer::read(endpoint, &reply)?.tokens()?;
    found.info.entry(Grant::Workload { file }, client, &tokens, scopes)
}

fn authentication(secret: Option<&String>) -> EmaClientAuthentication {
    match secret {
        Some(secret) => {
            EmaClientAuthentication::ClientSecretBasic(ClientSecret::new(secret.clone()))
        }
        None => EmaClientAuthentication::None,
    }
}
