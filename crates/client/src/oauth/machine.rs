//! A program gets a token for itself, with a secret or a key (OAuth 2.1 §4.2, RFC 7523 §2.2).
//!
//! rmcp signs with the key and makes the request; the answer is read here, as every other one is.

use std::{path::Path, sync::Arc};

use auth_core::ScopeSet;
use rmcp::transport::auth::{AuthorizationManager, ClientCredentialsConfig, JwtSigningAlgorithm};

use super::{
    Discovered, LoginError, Outward, Reply,
    answer::Answer,
    client_auth::{self, Preferred, method},
    read_secret,
    recorder::Recorder,
};
use crate::store::{Client, Entry, Grant};

/// Gets a token for the client itself. With the grant [`Grant::PrivateKey`] its key signs; else its
/// secret is sent.
pub(crate) async fn client_credentials(
    found: Discovered,
    client: Client,
    grant: Grant,
    wanted: Option<&ScopeSet>,
    outward: &Outward,
) -> Result<Entry, LoginError> {
    let scopes = found.scopes(wanted).await;
    let endpoint = &found.info.metadata.token_endpoint;
    let reply = if let Grant::PrivateKey { file, algorithm } = &grant {
        let config = ClientCredentialsConfig::PrivateKeyJwt {
            client_id: client.id.clone(),
            signing_key: key(file)?,
            signing_algorithm: signing(algorithm)?,
            token_endpoint_audience: None,
            scopes: scopes.clone(),
            resource: Some(found.info.resource.clone()),
        };
        signed(&found, &config, outward).await?
    } else {
        if client.secret.is_none() {
            let words = "client credentials need --client-secret-file".to_owned();
            return Err(LoginError::Usage(words));
        }
        let joined = scopes.join(" ");
        let mut form =
            vec![("grant_type", "client_credentials"), ("resource", found.info.resource.as_str())];
        if !joined.is_empty() {
            form.push(("scope", &joined));
        }
        let who = (&client, method(&client, &found.info.metadata, Preferred::Post));
        client_auth::post(endpoint, form, who, outward).await?
    };
    let tokens = Answer::read(endpoint, &reply)?.tokens()?;
    found.info.entry(grant, client, &tokens, scopes)
}

/// The reply to a request that rmcp signs.
async fn signed(
    found: &Discovered,
    config: &ClientCredentialsConfig,
    outward: &Outward,
) -> Result<Reply, LoginError> {
    let recorder = Recorder::new(outward);
    let base = found.info.resource.as_str();
    let mut manager =
        AuthorizationManager::new_with_oauth_http_client(base, Arc::new(recorder.clone())).await?;
    manager.set_metadata(found.info.metadata.clone());
    manager.validate_client_credentials_metadata(config)?;
    manager.configure_client_credentials(config)?;
    let exchanged = manager.exchange_client_credentials(config).await;
    match (recorder.take(), exchanged) {
        // Whatever rmcp makes of it.
        (Some(reply), _) => reply,
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => Err(LoginError::InvalidResponse("there is no token")),
    }
}

fn key(file: &Path) -> Result<Vec<u8>, LoginError> {
    Ok(read_secret(file)?.into_bytes())
}

fn signing(algorithm: &str) -> Result<JwtSigningAlgorithm, LoginError> {
    Ok(match algorithm {
        "ES256" => JwtSigningAlgorithm::ES256,
        "ES384" => JwtSigningAlgorithm::ES384,
        "RS256" => JwtSigningAlgorithm::RS256,
        "RS384" => JwtSigningAlgorithm::RS384,
        "RS512" => JwtSigningAlgorithm::RS512,
        other => return Err(LoginError::Usage(format!("the key cannot sign with {other}"))),
    })
}
