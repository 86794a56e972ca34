//! A token for another token: an enterprise's ID token (RFC 8693, then RFC 7523), or the JWT that a
//! platform gives its workload (RFC 7523 §2.1).
//!
//! One try, one grant: an issuer that refuses is not asked again, nor in another way.

use std::path::PathBuf;

use auth_core::ScopeSet;
use oauth2::ClientSecret;
use rmcp::transport::auth::{
    CredentialStore as _, InMemoryCredentialStore, StoredCredentials,
    enterprise::{EmaAuthorizationServer, EmaClientAuthentication, EmaExchangeRequest},
};
use serde_json::{Value, json};

use super::{Discovered, LoginError, Outward, Reply, read_secret};
use crate::{
    access::now,
    store::{Client, Entry, Grant},
};

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
pub(crate) async fn by_enterprise(
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
        &found.facts.issuer,
        &found.facts.metadata.token_endpoint,
        &client.id,
    )
    .with_client_authentication(authentication(client.secret.as_ref()));
    let token = EmaExchangeRequest::new_with_id_token(
        provider,
        server,
        &found.facts.resource,
        &enterprise.id_token,
    )
    .with_scopes(scopes)
    .exchange(outward, outward)
    .await
    .map_err(|error| LoginError::Denied(error.to_string()))?;
    let mut answer = json!({ "access_token": token.access_token.secret(), "token_type": "bearer" });
    if let (Some(object), Some(life)) = (answer.as_object_mut(), token.expires_in) {
        object.insert("expires_in".to_owned(), life.as_secs().into());
    }
    let mut granted: Vec<String> = token.scopes.into_iter().collect();
    granted.sort();
    store(found, Grant::Enterprise, client, answer, granted).await
}

/// Exchanges the JWT of a workload.
pub(crate) async fn by_workload(
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
        ("resource", found.facts.resource.as_str()),
    ];
    if !joined.is_empty() {
        form.push(("scope", &joined));
    }
    let basic = client.secret.as_deref().map(|secret| (client.id.as_str(), secret));
    if basic.is_none() && !client.id.is_empty() {
        form.push(("client_id", &client.id));
    }
    let reply = outward.post(&found.facts.metadata.token_endpoint, &form, basic).await;
    let reply =
        reply.map_err(|fault| LoginError::Unanswered { what: "the token endpoint", fault })?;
    let answer = token_answer(&reply)?;
    store(found, Grant::Workload { file }, client, answer, scopes).await
}

/// The answer to a token request, if it is one.
pub(super) fn token_answer(reply: &Reply) -> Result<Value, LoginError> {
    let answer = reply.json().ok_or(LoginError::Senseless("it is not JSON"))?;
    match LoginError::from_answer(&answer) {
        Some(error) => Err(error),
        None if reply.status.is_success() => Ok(answer),
        None => Err(LoginError::Senseless("an error that is none")),
    }
}

/// Makes an entry of a token answer. What it does not say of scopes is as it was asked.
pub(super) async fn store(
    found: Discovered,
    grant: Grant,
    client: Client,
    answer: Value,
    asked: Vec<String>,
) -> Result<Entry, LoginError> {
    let granted = answer.get("scope").and_then(Value::as_str);
    let granted = granted.map(|text| text.split(' ').map(str::to_owned).collect());
    let response = serde_json::from_value(answer)
        .map_err(|_| LoginError::Senseless("it is not a token response"))?;
    let received = u64::try_from(now().as_secs()).ok();
    let credentials = StoredCredentials::new(
        client.id.clone(),
        Some(response),
        granted.unwrap_or(asked),
        received,
    )
    .with_issuer(Some(found.facts.issuer.clone()));
    let tokens = InMemoryCredentialStore::new();
    tokens.save(credentials).await?;
    found.facts.entry(grant, client, &tokens).await
}

fn authentication(secret: Option<&String>) -> EmaClientAuthentication {
    match secret {
        Some(secret) => {
            EmaClientAuthentication::ClientSecretBasic(ClientSecret::new(secret.clone()))
        }
        None => EmaClientAuthentication::None,
    }
}
