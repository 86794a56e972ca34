//! One provider of assertions at work: where its keys are, and whether it signed an assertion.
//!
//! 1. Keys are found by discovery in the order of the MCP authorization page (RFC 8414, OpenID
//!    Connect Discovery), or are at the address that the operator named.
//! 2. An assertion that no key verifies has the keys fetched anew, at most once in 10 s: a provider
//!    may rotate its keys at any time.

use auth_core::{
    Clock, Issuer, IssuerKeys, KeySet,
    oauth::{AssertionError, UnverifiedAssertion, VerifiedAssertion},
};
use outbound::{Address, AddressClass, Request, document::IssuerMetadata, well_known};
use std::{sync::Arc, time::Duration};

use super::{AssertionKeys, AssertionProvider};
use crate::providers::{Kept, NamedBy, ProviderClient, ProviderFault, fetch_keys, unreachable};

/// How long metadata is used.
const METADATA_LIFETIME: Duration = Duration::from_hours(1);

/// One provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) config: AssertionProvider,
    client: ProviderClient,
    place: Kept<KeysPlace>,
    keys: Kept<KeySet>,
}

/// Where keys are, and who says so.
#[derive(Debug, Clone)]
struct KeysPlace {
    address: Address,
    named_by: NamedBy,
}

impl Provider {
    pub(super) fn new(config: AssertionProvider, client: ProviderClient) -> Self {
        let (place, keys) = (Kept::new("its metadata"), Kept::new("its keys"));
        Self { config, client, place, keys }
    }

    /// What the assertion says, if this provider signed it.
    pub(crate) async fn verify(
        &self,
        assertion: &UnverifiedAssertion<'_>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Result<VerifiedAssertion, AssertionError>, ProviderFault> {
        let place = self.place(clock).await?;
        let fetch = || {
            let KeysPlace { address, named_by } = (*place).clone();
            fetch_keys(self.client.clone(), address, named_by)
        };
        let by = |keys: &KeySet| {
            assertion.verify(&IssuerKeys::new(self.config.issuer.clone(), keys.clone()))
        };
        let keys = self.keys.get(clock, fetch()).await?;
        match by(&keys) {
            Err(fault) if fault.may_need_newer_keys() => {
                let newer = self.keys.newer_than(&keys, clock, fetch()).await;
                Ok(newer.map_or(Err(fault), |newer| by(&newer)))
            }
            judged => Ok(judged),
        }
    }

    async fn place(&self, clock: &Arc<dyn Clock>) -> Result<Arc<KeysPlace>, ProviderFault> {
        match &self.config.keys {
            AssertionKeys::Discover => {
                let (client, issuer) = (self.client.clone(), self.config.issuer.clone());
                self.place.get(clock, discover(client, issuer)).await
            }
            AssertionKeys::Url(url) => {
                let address = url.parse().map_err(|fault| unreachable("its keys", fault))?;
                Ok(Arc::new(KeysPlace { address, named_by: NamedBy::Operator }))
            }
        }
    }
}

/// Rule 1.
async fn discover(
    client: ProviderClient,
    issuer: Issuer,
) -> Result<(KeysPlace, Duration), ProviderFault> {
    const WHAT: &str = "its metadata";
    let base: Address = issuer.as_str().parse().map_err(|fault| unreachable(WHAT, fault))?;
    let mut status = 404;
    for url in well_known::issuer_metadata(base.url()) {
        let address = Address::try_from(url).map_err(|fault| unreachable(WHAT, fault))?;
        let response = client.send(Request::get(address), NamedBy::Operator).await;
        let response = response.map_err(|fault| unreachable(WHAT, fault))?;
        status = response.status.as_u16();
        if status != 200 {
            continue;
        }
        let metadata = IssuerMetadata::read(&response).map_err(ProviderFault::Metadata)?;
        metadata.require_issuer(issuer.as_str()).map_err(ProviderFault::Metadata)?;
        let (address, _) = metadata.address("jwks_uri").map_err(ProviderFault::Metadata)?;
        let source: AddressClass = metadata.source();
        let place = KeysPlace { address, named_by: NamedBy::Metadata(source) };
        return Ok((place, METADATA_LIFETIME));
    }
    Err(ProviderFault::Status { what: WHAT, status })
}
