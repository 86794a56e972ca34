//! A program gets a token for itself, with a secret or a key (OAuth 2.1 §4.2, RFC 7523 §2.2).

use std::path::Path;

use auth_core::ScopeSet;
use rmcp::transport::auth::{
    ClientCredentialsConfig, InMemoryCredentialStore, JwtSigningAlgorithm,
};

use super::{Discovered, LoginError, read_secret};
use crate::store::{Client, Entry, Grant};

/// Gets a token for the client itself. With the grant [`Grant::PrivateKey`] its key signs; else its secret
/// is sent.
pub(crate) async fn by_client_credentials(
    mut found: Discovered,
    client: Client,
    grant: Grant,
    wanted: Option<&ScopeSet>,
) -> Result<Entry, LoginError> {
    let scopes = found.scopes(wanted).await;
    let resource = Some(found.facts.resource.clone());
    let config = match &grant {
        Grant::PrivateKey { file, algorithm } => ClientCredentialsConfig::PrivateKeyJwt {
            client_id: client.id.clone(),
            signing_key: key(file)?,
            signing_algorithm: signing(algorithm)?,
            token_endpoint_audience: None,
            scopes: scopes.clone(),
            resource,
        },
        _ => ClientCredentialsConfig::ClientSecret {
            client_id: client.id.clone(),
            client_secret: client.secret.clone().ok_or_else(|| {
                LoginError::Usage("client credentials need --client-secret-file".to_owned())
            })?,
            scopes: scopes.clone(),
            resource,
        },
    };
    let tokens = InMemoryCredentialStore::new();
    found.manager.set_credential_store(tokens.clone());
    found.manager.validate_client_credentials_metadata(&config)?;
    found.manager.configure_client_credentials(&config)?;
    found.manager.exchange_client_credentials(&config).await?;
    let mut entry = found.facts.entry(grant, client, &tokens).await?;
    if entry.credentials.granted_scopes.is_empty() {
        // An omitted `scope` means what was asked for (RFC 6749 §5.1).
        entry.credentials.granted_scopes = scopes;
    }
    Ok(entry)
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
