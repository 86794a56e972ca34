//! What the server and its issuer say of themselves, found and judged.

use auth_core::ScopeSet;
use reqwest::Url;
use rmcp::transport::auth::{
    AuthorizationManager, AuthorizationMetadata, AuthorizationMetadataSource,
    InMemoryCredentialStore, OAuthClientConfig,
};
use serde_json::Value;

use super::{LoginError, Outward, loopback};
use crate::{
    endpoint::Endpoint,
    store::{Client, Entry, Grant},
};

/// What of the metadata is needed to renew a token.
const KEPT: [&str; 4] = [
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "client_id_metadata_document_supported",
    "revocation_endpoint",
];

/// A server whose issuer is known, and rmcp's manager for it.
pub(crate) struct Discovered {
    pub(crate) manager: AuthorizationManager,
    pub(crate) facts: Facts,
}

/// What was found.
pub(crate) struct Facts {
    pub(crate) metadata: AuthorizationMetadata,
    /// The issuer; where it publishes nothing (2025-03-26), the server's own origin.
    pub(crate) issuer: String,
    /// `resource`, as the server spells it.
    pub(crate) resource: String,
    server: String,
}

impl Discovered {
    /// Asks the server, and the issuer that it names. `challenge` is the server's 401.
    pub(crate) async fn at(
        endpoint: &Endpoint,
        challenge: Option<&str>,
        outward: &Outward,
    ) -> Result<Self, LoginError> {
        if !endpoint.keeps_secrets() {
            return Err(LoginError::PlainHttp);
        }
        let mut manager = manager(endpoint.as_str(), outward).await?;
        let found = manager.resolve_metadata_from_challenge(challenge).await?;
        let metadata = found.metadata;
        for address in addresses(&metadata) {
            outward.check(address)?;
        }
        let resource = resource(&mut manager, &metadata).await?;
        let issuer = match found.source {
            AuthorizationMetadataSource::LegacyEndpointFallback => origin(endpoint),
            _ => metadata.issuer.clone().unwrap_or_else(|| origin(endpoint)),
        };
        manager.set_metadata(metadata.clone());
        let server = endpoint.as_str().to_owned();
        Ok(Self { manager, facts: Facts { metadata, issuer, resource, server } })
    }

    /// The scopes to ask for: those that are wanted, else those of the challenge or the resource.
    pub(crate) async fn scopes(&self, wanted: Option<&ScopeSet>) -> Vec<String> {
        match wanted {
            Some(wanted) => wanted.iter().map(ToString::to_string).collect(),
            None => self.manager.select_initial_scopes(&[]).await,
        }
    }
}

impl Facts {
    /// A member of the metadata that rmcp has no name for, if it is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.metadata.additional_fields.get(name)?.as_str()
    }

    /// A member of the metadata that rmcp has no name for, if it is `true`.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.metadata.additional_fields.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The entry that rmcp's store has the tokens of.
    pub(crate) async fn entry(
        &self,
        grant: Grant,
        client: Client,
        tokens: &InMemoryCredentialStore,
    ) -> Result<Entry, LoginError> {
        use rmcp::transport::auth::CredentialStore as _;
        let credentials = tokens.load().await?.ok_or(LoginError::Senseless("there is no token"))?;
        let mut metadata = self.metadata.clone();
        metadata.additional_fields.retain(|name, _| KEPT.contains(&name.as_str()));
        metadata.scopes_supported = None;
        Ok(Entry {
            server: self.server.clone(),
            resource: self.resource.clone(),
            issuer: self.issuer.clone(),
            grant,
            client,
            metadata,
            credentials,
        })
    }
}

/// A manager whose requests go through `outward`.
pub(super) async fn manager(
    base: &str,
    outward: &Outward,
) -> Result<AuthorizationManager, LoginError> {
    let mut manager = if outward.reaches_private() {
        AuthorizationManager::new_allowing_private_addresses(base).await?
    } else {
        AuthorizationManager::new(base).await?
    };
    manager.with_client(outward.client())?;
    Ok(manager)
}

/// Every address in the metadata that is asked or opened.
fn addresses(metadata: &AuthorizationMetadata) -> Vec<&str> {
    let more = ["device_authorization_endpoint", "revocation_endpoint"];
    let more = more.iter().filter_map(|name| metadata.additional_fields.get(*name)?.as_str());
    [metadata.authorization_endpoint.as_str(), metadata.token_endpoint.as_str()]
        .into_iter()
        .chain(metadata.registration_endpoint.as_deref())
        .chain(more)
        .filter(|address| !address.is_empty())
        .collect()
}

/// The `resource` that rmcp found and checked. It says it in an authorization URL only, so one is made
/// that nobody follows, from metadata without what could keep it from being made.
async fn resource(
    manager: &mut AuthorizationManager,
    metadata: &AuthorizationMetadata,
) -> Result<String, LoginError> {
    let mut lenient = metadata.clone();
    lenient.response_types_supported = None;
    lenient.code_challenge_methods_supported = None;
    manager.set_metadata(lenient);
    manager.configure_client(OAuthClientConfig::new("nobody", loopback::redirect_uri(1)))?;
    let url = manager.get_authorization_url(&[]).await?;
    let url = Url::parse(&url).map_err(|_| LoginError::Senseless("no authorization endpoint"))?;
    loopback::parameter(&url, "resource").ok_or(LoginError::Senseless("no resource"))
}

fn origin(endpoint: &Endpoint) -> String {
    Url::parse(endpoint.as_str()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}
