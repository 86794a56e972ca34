//! All providers of assertions of an installation.

use std::{fmt, sync::Arc};

use auth_core::Issuer;
use outbound::{CertificateAuthorities, OutboundError};

use super::{AssertionKind, AssertionProvider, AssertionProviderError, provider::Provider};
use crate::providers::ProviderClient;

/// The providers whose assertions are exchanged. Its clones share what is known of them.
#[derive(Clone, Default)]
pub struct AssertionProviders(Arc<[Provider]>);

/// Why providers of assertions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AssertionProvidersError {
    /// Their configuration is invalid.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<AssertionProviderError>),
    /// There is no HTTP client.
    #[error("no HTTP client for providers of assertions")]
    Client(#[source] OutboundError),
}

impl AssertionProviders {
    /// Puts providers to use. `authorities` are trusted besides the system's.
    pub fn new(
        configs: Vec<AssertionProvider>,
        authorities: &CertificateAuthorities,
    ) -> Result<Self, AssertionProvidersError> {
        let faults = AssertionProvider::faults(&configs);
        if !faults.is_empty() {
            return Err(AssertionProvidersError::Config(faults));
        }
        if configs.is_empty() {
            return Ok(Self::default());
        }
        let client = ProviderClient::new(authorities).map_err(AssertionProvidersError::Client)?;
        Ok(Self(configs.into_iter().map(|it| Provider::new(it, client.clone())).collect()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether ID-JAGs of some provider are accepted.
    #[must_use]
    pub fn accept_id_jags(&self) -> bool {
        self.0.iter().any(|provider| provider.config.kind == AssertionKind::IdJag)
    }

    /// The provider that an assertion says it is of.
    pub(crate) fn find(&self, issuer: &Issuer) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.config.issuer == *issuer)
    }
}

impl fmt::Debug for AssertionProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|provider| &provider.config)).finish()
    }
}
