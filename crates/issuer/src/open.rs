//! An authorization server on the tables of a directory, and what it does by itself.

use std::sync::Arc;

use auth_core::{Clock, SigningKeys};
use directory::{AnyDirectory, DirectoryError, Shared, authorization::AuthorizationStore};
use outbound::{AddressPolicy, CertificateAuthorities, OutboundClient};

use crate::{AuthorizationServer, IssuerConfig, random::random};

/// The name of the key of sealed texts, among the secrets that nodes share.
const SEAL_KEY: &str = "authorization";

/// Why there is no authorization server.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be asked.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The operating system gave no randomness.
    #[error("no randomness for a secret")]
    Random,
}

impl AuthorizationServer {
    /// The authorization server whose tables are in `directory`. What is fetched for clients that
    /// no operator added comes from public addresses alone, over TLS with the system's authorities
    /// and `authorities`.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the key that all nodes share cannot be read or made.
    pub async fn open(
        config: IssuerConfig,
        directory: AnyDirectory,
        keys: Arc<dyn SigningKeys>,
        authorities: CertificateAuthorities,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let fresh: [u8; 32] = random().map_err(|_| OpenError::Random)?;
        let seal_key = Shared::new(directory.clone()).secret(SEAL_KEY, &fresh).await?;
        let outbound = OutboundClient::builder(AddressPolicy::public_only());
        let outbound = outbound.authorities(authorities).on_first_use();
        let store = AuthorizationStore::new(directory);
        Ok(Self::new(config, store, keys, outbound, &seal_key, clock))
    }

    /// Removes what is over: to be called every few minutes, by any number of nodes.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`] if the directory cannot be changed.
    pub async fn prune(&self) -> Result<(), DirectoryError> {
        let (now, lifetimes) = (self.now(), self.config().lifetimes);
        let idle = lifetimes.refresh_idle;
        self.store().prune_authorizations(now, idle).await?;
        self.store().prune_clients(now, lifetimes.unused_client, idle).await?;
        Ok(())
    }
}
