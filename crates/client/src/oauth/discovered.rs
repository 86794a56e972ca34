//! The metadata of the server and of its issuer, found and checked.

use std::sync::Arc;

use auth_core::{Challenge, Clock, NumericDate, ScopeSet};
use rmcp::transport::auth::{
    AuthorizationManager, AuthorizationMetadata, AuthorizationMetadataSource, OAuthClientConfig,
    StoredCredentials,
};
use serde_json::Value;
use url::Url;

use super::{LoginError, Outward, answer::Tokens, discovery, redirect};
use crate::{
    endpoint::Endpoint,
    store::{Client, Entry, Grant},
};

/// The scope that asks for a refresh token (OpenID Connect Core §11).
const OFFLINE: &str = "offline_access";
/// What of the metadata is needed to renew a token.
const KEPT: [&str; 4] = [
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "client_id_metadata_document_supported",
    "revocation_endpoint",
];

/// What the user accepts although the standards do not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exceptions<'a> {
    /// A resource above the server's URL.
    pub(crate) resource: Option<&'a str>,
    /// An issuer that does not say that it has PKCE; so, too, a server of 2025-03-26 that publishes
    /// nothing and has its issuer's endpoints at its own address.
    pub(crate) assume_pkce: bool,
}

/// A server whose issuer is known, and rmcp's manager for it.
pub(crate) struct Discovered {
    pub(crate) manager: AuthorizationManager,
    pub(crate) info: IssuerInfo,
}

/// What is known of the issuer and of the resource.
pub(crate) struct IssuerInfo {
    pub(crate) metadata: AuthorizationMetadata,
    /// The issuer; where its metadata does not say, the server's own origin.
    pub(crate) issuer: String,
    /// `resource`, as the server spells it.
    pub(crate) resource: String,
    server: String,
    clock: Arc<dyn Clock>,
}

impl Discovered {
    /// Asks the server, and the issuer that it names. `challenge` is the server's 401.
    pub(crate) async fn at(
        endpoint: &Endpoint,
        challenge: Option<&Challenge>,
        exceptions: Exceptions<'_>,
        outward: &Outward,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, LoginError> {
        if !endpoint.keeps_secrets() {
            return Err(LoginError::PlainHttp);
        }
        // As we read it: rmcp's own reader knows less of the grammar.
        let challenge = challenge.map(ToString::to_string);
        let (mut manager, found, unreachable) =
            discovery::discover(endpoint.as_str(), challenge.as_deref(), outward).await?;
        let is_guess = found.source == AuthorizationMetadataSource::LegacyEndpointFallback;
        if is_guess && !exceptions.assume_pkce {
            return Err(unreachable.error().unwrap_or(LoginError::NoIssuer));
        }
        let metadata = found.metadata;
        for address in addresses(&metadata) {
            outward.check(address)?;
        }
        let resource = resource(&mut manager, &metadata).await?;
        if !is_same(endpoint.as_str(), &resource)
            && !exceptions.resource.is_some_and(|accepted| is_same(accepted, &resource))
        {
            return Err(LoginError::ResourceDiffers { resource, server: endpoint.to_string() });
        }
        let issuer = metadata.issuer.clone().unwrap_or_else(|| origin(endpoint));
        manager.set_metadata(metadata.clone());
        let (server, clock) = (endpoint.as_str().to_owned(), Arc::clone(clock));
        let info = IssuerInfo { metadata, issuer, resource, server, clock };
        Ok(Self { manager, info })
    }

    /// The scopes to ask for: those that are wanted, else those of the challenge or the resource.
    pub(crate) async fn scopes(&self, wanted: Option<&ScopeSet>) -> Vec<String> {
        match wanted {
            Some(wanted) => wanted.iter().map(ToString::to_string).collect(),
            None => self.manager.select_initial_scopes(&[]).await,
        }
    }
}

impl IssuerInfo {
    /// A member of the metadata that rmcp has no name for, if it is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.metadata.additional_fields.get(name)?.as_str()
    }

    /// A member of the metadata that rmcp has no name for, if it is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.metadata.additional_fields.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// The same scopes with the one that asks for a refresh token, where the issuer lists it
    /// (SEP-2207).
    pub(super) fn with_offline(&self, mut scopes: Vec<String>) -> Vec<String> {
        let mut listed = self.metadata.scopes_supported.iter().flatten();
        let is_there = |scopes: &[String]| scopes.iter().any(|scope| scope == OFFLINE);
        if !scopes.is_empty() && !is_there(&scopes) && listed.any(|scope| scope == OFFLINE) {
            scopes.push(OFFLINE.to_owned());
        }
        scopes
    }

    /// Whether a person can sign in with a code, and PKCE.
    pub(super) fn has_code(&self, assume_pkce: bool) -> Result<(), LoginError> {
        let types = self.metadata.response_types_supported.as_ref();
        if types.is_some_and(|types| !types.iter().any(|one| one == "code")) {
            return Err(LoginError::NotOffered("sign-in with a browser (response type `code`)"));
        }
        match &self.metadata.code_challenge_methods_supported {
            Some(methods) if methods.iter().any(|method| method == "S256") => Ok(()),
            Some(_) => Err(LoginError::NotOffered("PKCE with S256")),
            None if assume_pkce => Ok(()),
            None => Err(LoginError::NoPkce),
        }
    }

    /// What time it is.
    pub(super) fn now(&self) -> NumericDate {
        self.clock.now()
    }

    /// Where a client registers itself.
    pub(super) fn registration(&self) -> Result<&str, LoginError> {
        self.metadata.registration_endpoint.as_deref().ok_or(LoginError::NotOffered(
            "registration: get a client id from those who run it, and give it as --client-id",
        ))
    }

    /// The entry of these tokens, got for the scopes that were `asked`.
    pub(super) fn entry(
        &self,
        grant: Grant,
        client: Client,
        tokens: &Tokens,
        asked: Vec<String>,
    ) -> Result<Entry, LoginError> {
        let credentials = tokens.stored(&client.id, &self.issuer, asked, self.now())?;
        Ok(self.entry_of(grant, client, credentials))
    }

    fn entry_of(&self, grant: Grant, client: Client, credentials: StoredCredentials) -> Entry {
        let mut metadata = self.metadata.clone();
        metadata.additional_fields.retain(|name, _| KEPT.contains(&name.as_str()));
        metadata.scopes_supported = None;
        Entry {
            server: self.server.clone(),
            resource: self.resource.clone(),
            issuer: self.issuer.clone(),
            grant,
            client,
            metadata,
            credentials,
        }
    }
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

/// The `resource` that rmcp found and checked. It says it in an authorization URL only, so one is
/// made that is never followed, from metadata without what could keep it from being made.
async fn resource(
    manager: &mut AuthorizationManager,
    metadata: &AuthorizationMetadata,
) -> Result<String, LoginError> {
    let mut lenient = metadata.clone();
    lenient.response_types_supported = None;
    lenient.code_challenge_methods_supported = None;
    manager.set_metadata(lenient);
    manager.configure_client(OAuthClientConfig::new(
        "unused",
        redirect::redirect_uri("127.0.0.1", 1),
    ))?;
    let url = manager.get_authorization_url(&[]).await?;
    let url =
        Url::parse(&url).map_err(|_| LoginError::InvalidResponse("no authorization endpoint"))?;
    redirect::parameter(&url, "resource").ok_or(LoginError::InvalidResponse("no resource"))
}

/// Whether a resource is the very server (RFC 9728 §3.3). A query of the URL says nothing of which
/// server it is (RFC 9728 §3.1 has no place for one in metadata that is looked for).
pub(super) fn is_same(server: &str, resource: &str) -> bool {
    let (Ok(mut server), Ok(resource)) = (Url::parse(server), Url::parse(resource)) else {
        return false;
    };
    if resource.query().is_none() {
        server.set_query(None);
    }
    server == resource
}

fn origin(endpoint: &Endpoint) -> String {
    Url::parse(endpoint.as_str()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_very_server() {
        let server = "https://mcp.example/a/mcp";
        for same in ["https://mcp.example/a/mcp", "https://MCP.example:443/a/mcp"] {
            assert!(is_same(server, same), "{same}");
        }
        assert!(is_same("https://mcp.example/a/mcp?key=x", server));
        assert!(is_same("https://mcp.example", "https://mcp.example/"));
        for other in [
            "https://mcp.example/",
            "https://mcp.example/a",
            "https://mcp.example/a/mcp/",
            "https://mcp.example/a/mcp?key=x",
            "http://mcp.example/a/mcp",
            "https://evil.example/a/mcp",
            "mcp",
        ] {
            assert!(!is_same(server, other), "{other}");
        }
    }
}
