//! All providers of an installation.

use std::{fmt, sync::Arc};

use outbound::{CertificateAuthorities, OutboundError};

use super::{ProviderConfigError, SignInProvider, http::ProviderClient, provider::Provider};

/// The providers with which users sign in, in the order of their buttons. Its clones share what is
/// known of them.
#[derive(Clone, Default)]
pub struct Providers(Arc<[Arc<Provider>]>);

/// Why providers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// Their configuration has faults, each with the name of its provider.
    #[error("{}", .0.iter().map(|(name, fault)| format!("{name}: {fault}")).collect::<Vec<_>>().join("\n"))]
    Config(Vec<(String, ProviderConfigError)>),
    /// There is no HTTP client.
    #[error("no HTTP client for sign-in providers")]
    Client(#[source] OutboundError),
}

impl Providers {
    /// Puts providers to use. `authorities` are trusted besides the system's.
    pub fn new(
        configs: Vec<SignInProvider>,
        authorities: &CertificateAuthorities,
    ) -> Result<Self, ProvidersError> {
        let mut faults = Vec::new();
        for (place, config) in configs.iter().enumerate() {
            let of_it = config.faults().into_iter();
            faults.extend(of_it.map(|fault| (config.name.to_string(), fault)));
            if configs.iter().take(place).any(|other| other.name == config.name) {
                let fault = ProviderConfigError::NameTwice(config.name.clone());
                faults.push((config.name.to_string(), fault));
            }
        }
        if !faults.is_empty() {
            return Err(ProvidersError::Config(faults));
        }
        if configs.is_empty() {
            return Ok(Self::default());
        }
        let client = ProviderClient::new(authorities).map_err(ProvidersError::Client)?;
        let made = configs.into_iter().map(|it| Arc::new(Provider::new(it, client.clone())));
        Ok(Self(made.collect()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name and the label of each, in order.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|it| (it.config.name.as_str(), it.config.label.as_str()))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arc<Provider>> {
        self.0.iter().find(|provider| provider.config.name.as_str() == name)
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|provider| &provider.config)).finish()
    }
}
