//! What an authorization server is configured to do.

use std::{collections::BTreeSet, time::Duration};

use auth_core::{Issuer, ResourceUri, RoleName, oauth::GrantType};

use crate::{AssertionProviders, ServedPolicy};

use crate::providers::Providers;

/// The configuration of an [`AuthorizationServer`](crate::AuthorizationServer).
#[derive(Debug, Clone)]
pub struct IssuerConfig {
    /// Its name: an `https` URL, or `http` to a loopback host. The endpoints are below it.
    pub issuer: Issuer,
    /// The resources that tokens are issued for. A request that names none is for the first.
    pub resources: Vec<ServedResource>,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// Whether clients may register themselves (RFC 7591).
    pub registration: bool,
    /// Whether client ID metadata documents are fetched.
    pub metadata_documents: bool,
    /// How many clients may be registered at once.
    pub max_clients: u64,
    /// How many registrations one address may make in a minute.
    pub registrations_per_minute: u32,
    /// Whether users sign in with passwords and one-time codes.
    pub passwords: bool,
    /// Other identity providers with which users sign in.
    pub providers: Providers,
    /// The roles whose users need a second factor.
    pub second_factor_roles: Vec<RoleName>,
    /// Other issuers whose assertions are exchanged for access tokens.
    pub assertion_providers: AssertionProviders,
}

/// A protected resource that tokens are issued for.
#[derive(Debug, Clone)]
pub struct ServedResource {
    /// Its canonical URI: the audience of its tokens.
    pub uri: ResourceUri,
    /// What people call it, for the consent page.
    pub name: String,
    /// Who may do what there: which scopes there are, what each opens, what a role may hold.
    pub policy: ServedPolicy,
}

/// How long things live.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Access tokens. At least six minutes: clients renew five minutes before the end.
    pub access_token: Duration,
    /// A grant whose refresh token is not used.
    pub refresh_idle: Duration,
    /// A browser session.
    pub session: Duration,
    /// A browser session that is not used.
    pub session_idle: Duration,
    /// A registered client that never got a token.
    pub unused_client: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_token: Duration::from_mins(15),
            refresh_idle: Duration::from_hours(30 * 24),
            session: Duration::from_hours(7 * 24),
            session_idle: Duration::from_hours(24),
            unused_client: Duration::from_hours(6),
        }
    }
}

impl IssuerConfig {
    /// The defaults for `issuer` and its resources.
    #[must_use]
    pub fn new(issuer: Issuer, resources: Vec<ServedResource>) -> Self {
        Self {
            issuer,
            resources,
            lifetimes: Lifetimes::default(),
            registration: true,
            metadata_documents: true,
            max_clients: 10_000,
            registrations_per_minute: 20,
            passwords: true,
            providers: Providers::default(),
            second_factor_roles: Vec::new(),
            assertion_providers: AssertionProviders::default(),
        }
    }

    /// The path of the issuer without a slash at its end: empty, or `/auth`.
    #[must_use]
    pub fn base_path(&self) -> &str {
        let url = self.issuer.as_str();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.find('/').map_or("", |at| rest.get(at..).unwrap_or_default()).trim_end_matches('/')
    }

    /// Whether browsers reach it over TLS, so that cookies are `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.issuer.as_str().starts_with("https://")
    }

    /// Whether the assertions of some identity provider are exchanged (ID-JAG).
    #[must_use]
    pub fn accepts_id_jags(&self) -> bool {
        self.assertion_providers.accept_id_jags()
    }

    /// The grants of the token endpoint.
    #[must_use]
    pub fn grant_types(&self) -> BTreeSet<GrantType> {
        let accepts_assertions = !self.assertion_providers.is_empty();
        let is_there = |grant: &GrantType| *grant != GrantType::JwtBearer || accepts_assertions;
        GrantType::ALL.into_iter().filter(is_there).collect()
    }

    /// The address of the token endpoint.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        format!("{}/token", self.issuer)
    }

    /// The resource with this URI.
    #[must_use]
    pub fn resource(&self, uri: &ResourceUri) -> Option<&ServedResource> {
        self.resources.iter().find(|resource| resource.uri == *uri)
    }

    /// The URIs of all resources, in order.
    #[must_use]
    pub fn resource_uris(&self) -> Vec<ResourceUri> {
        self.resources.iter().map(|resource| resource.uri.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_path_is_the_path_of_the_issuer() {
        for (issuer, path) in [
            ("http://localhost:8000", ""),
            ("https://as.example/", ""),
            ("https://as.example/auth", "/auth"),
            ("https://as.example/a/b/", "/a/b"),
        ] {
            let config = IssuerConfig::new(issuer.parse().unwrap(), Vec::new());
            assert_eq!(config.base_path(), path, "{issuer}");
        }
    }
}
