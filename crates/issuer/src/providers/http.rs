//! Requests to providers, by the rules of [`outbound`].
//!
//! 1. What the operator named, the provider's issuer, may have any address but a reserved one.
//! 2. What the provider's metadata names may have a public address, or one of the class that the
//!    metadata came from. Such requests have connections of their own.
//! 3. A response takes 5 s and 256 KiB at most, and redirects are not followed.

use std::sync::{Arc, OnceLock};

use outbound::{
    AddressClass, AddressPolicy, CertificateAuthorities, OutboundClient, OutboundError, Request,
    Response,
};

/// Sends requests to providers. Its clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct ProviderClient(Arc<Clients>);

#[derive(Debug)]
struct Clients {
    operator: OutboundClient,
    authorities: CertificateAuthorities,
    // Made when they are needed: each reads the system's certificate authorities.
    public: OnceLock<Result<OutboundClient, OutboundError>>,
    private: OnceLock<Result<OutboundClient, OutboundError>>,
    loopback: OnceLock<Result<OutboundClient, OutboundError>>,
}

/// Who named an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NamedBy {
    /// The operator, in the configuration.
    Operator,
    /// The metadata of a provider, which came from an address of this class.
    Metadata(AddressClass),
}

impl ProviderClient {
    /// Trusts these certificate authorities besides the system's.
    pub(crate) fn new(authorities: &CertificateAuthorities) -> Result<Self, OutboundError> {
        let operator = AddressPolicy::named_by_operator();
        let operator =
            OutboundClient::builder(operator).authorities(authorities.clone()).build()?;
        Ok(Self(Arc::new(Clients {
            operator,
            authorities: authorities.clone(),
            public: OnceLock::new(),
            private: OnceLock::new(),
            loopback: OnceLock::new(),
        })))
    }

    /// Sends a request, and reads its response to the end.
    pub(crate) async fn send(
        &self,
        request: Request,
        named_by: NamedBy,
    ) -> Result<Response, OutboundError> {
        let client = match named_by {
            NamedBy::Operator => &self.0.operator,
            NamedBy::Metadata(source) => self.0.for_metadata(source)?,
        };
        client.send(request).await
    }
}

impl Clients {
    fn for_metadata(&self, source: AddressClass) -> Result<&OutboundClient, OutboundError> {
        let client = match source {
            AddressClass::Private => &self.private,
            AddressClass::Loopback => &self.loopback,
            AddressClass::Public | AddressClass::LinkLocal | AddressClass::Reserved => &self.public,
        };
        let policy = AddressPolicy::for_document(source);
        let made = client.get_or_init(|| {
            OutboundClient::builder(policy).authorities(self.authorities.clone()).build()
        });
        made.as_ref().map_err(Clone::clone)
    }
}
