//! All providers of an installation.

use std::{fmt, sync::Arc};

use outbound::{CertificateAuthorities, OutboundError};

use super::{ProviderConfigError, SignInProvider, http::ProviderClient, provider::Provider};
use crate::pages::{self, Label};

/// The providers with which users sign in, in the order of their buttons. Its clones share what is
/// known of them.
#[derive(Clone, Default)]
pub struct Providers(Arc<[Arc<Provider>]>);

/// Why providers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// Their configuration is invalid: each fault with the name of its provider.
    #[error("{}", lines(.0))]
    Config(Vec<(String, ProviderConfigError)>),
    /// There is no HTTP client.
    #[error("no HTTP client for sign-in providers")]
    Client(#[source] OutboundError),
}

fn lines(faults: &[(String, ProviderConfigError)]) -> String {
    let lines: Vec<_> = faults.iter().map(|(name, fault)| format!("{name}: {fault}")).collect();
    lines.join("\n")
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

    /// The buttons of the sign-in page, in order.
    pub(crate) fn buttons(&self) -> Vec<pages::Provider> {
        let button = |provider: &Arc<Provider>| pages::Provider {
            id: provider.config.name.to_string(),
            name: Label::name(&provider.config.label),
        };
        self.0.iter().map(button).collect()
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
