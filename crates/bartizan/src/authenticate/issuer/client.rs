//! The client for issuers: one request, one bounded response, by the rules of [`outbound`].
//!
//! 1. A response takes 5 s and 256 KiB at most, and has the status 200.
//! 2. What the operator named may have any address but a reserved one.
//! 3. What a document named may have a public address, or one of the class that the document came
//!    from. Such requests have connections of their own.

use std::sync::{Arc, OnceLock};

use auth_core::Clock;
use http::{HeaderValue, StatusCode, header};
use outbound::{
    Address, AddressClass, AddressError, AddressPolicy, CertificateAuthorities, Limits,
    OutboundClient, OutboundError, Request, Response, document::DocumentError,
};

/// Sends requests to issuers, at times that a clock says. Made once and shared.
#[derive(Debug, Clone)]
pub struct IssuerClient {
    operator: OutboundClient,
    documents: Arc<DocumentClients>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Clients for what documents name, by the class of the address that a document came from. Made
/// when they are needed: each reads the system's certificate authorities.
#[derive(Debug, Default)]
struct DocumentClients {
    authorities: CertificateAuthorities,
    public: OnceLock<Result<OutboundClient, OutboundError>>,
    private: OnceLock<Result<OutboundClient, OutboundError>>,
    loopback: OnceLock<Result<OutboundClient, OutboundError>>,
}

/// An address, and who named it.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) address: Address,
    pub(crate) named_by: NamedBy,
}

/// Who named an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NamedBy {
    /// The operator, in the configuration.
    Operator,
    /// A document that came from an address of this class.
    Document(AddressClass),
}

/// An issuer that could not be asked, or whose response is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {fault}")]
pub struct FetchError {
    /// What was asked for.
    pub address: String,
    /// What went wrong.
    pub fault: FetchFault,
}

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// No response, or none that can be read.
    #[error("{0}")]
    Unreachable(String),
    /// No whole response in time.
    #[error("no answer within {} s", Limits::default().time.as_secs())]
    Timeout,
    /// Another status than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// A response over 256 KiB.
    #[error("the answer is longer than {} bytes", Limits::default().body)]
    TooLong,
    /// A response that is not what it should be.
    #[error("the answer is not {0}")]
    Malformed(&'static str),
    /// A document of another issuer (RFC 8414 §3.3).
    #[error("the document names another issuer")]
    IssuerDiffers,
    /// A document without the member that is needed.
    #[error("the document has no {0}")]
    Missing(&'static str),
    /// A document with an address that may not be asked.
    #[error("the document's {0}: {1}")]
    Address(&'static str, AddressError),
    /// An address that may not be asked: what its name resolves to is not allowed.
    #[error("the address may not be asked: {0}")]
    Refused(AddressError),
    /// A JWK Set without a usable key.
    #[error("the set has no key that can be used")]
    NoKeys,
    /// The question was given up: not long enough ago that one like it failed.
    #[error("not asked again so soon")]
    Pause,
}

impl IssuerClient {
    /// A client with the time of `clock`. An error if TLS cannot be set up.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, OutboundError> {
        Self::trusting(clock, CertificateAuthorities::default())
    }

    /// The same, which trusts these certificate authorities besides the system's.
    pub fn trusting(
        clock: Arc<dyn Clock>,
        authorities: CertificateAuthorities,
    ) -> Result<Self, OutboundError> {
        let operator = AddressPolicy::named_by_operator();
        let operator = OutboundClient::builder(operator).authorities(authorities.clone());
        let documents = DocumentClients { authorities, ..DocumentClients::default() };
        Ok(Self { operator: operator.build()?, documents: Arc::new(documents), clock })
    }

    pub(crate) async fn get(&self, to: &Destination) -> Result<Response, FetchError> {
        self.send(to, Request::get(to.address.clone())).await
    }

    pub(crate) async fn post_form(
        &self,
        to: &Destination,
        authorization: HeaderValue,
        form: String,
    ) -> Result<Response, FetchError> {
        let request = Request::post(to.address.clone()).form_text(form);
        self.send(to, request.header(header::AUTHORIZATION, authorization)).await
    }

    async fn send(&self, to: &Destination, request: Request) -> Result<Response, FetchError> {
        let client = match to.named_by {
            NamedBy::Operator => Ok(&self.operator),
            NamedBy::Document(source) => self.documents.for_source(source),
        };
        let sent = match client {
            Ok(client) => client.send(request).await,
            Err(error) => Err(error.clone()),
        };
        match sent {
            Ok(response) if response.status == StatusCode::OK => Ok(response),
            Ok(response) => Err(at(&to.address, FetchFault::Status(response.status.as_u16()))),
            Err(error) => Err(at(&to.address, error.into())),
        }
    }
}

impl DocumentClients {
    fn for_source(&self, source: AddressClass) -> Result<&OutboundClient, &OutboundError> {
        let client = match source {
            AddressClass::Private => &self.private,
            AddressClass::Loopback => &self.loopback,
            AddressClass::Public | AddressClass::LinkLocal | AddressClass::Reserved => &self.public,
        };
        let build = || {
            let builder = OutboundClient::builder(AddressPolicy::for_document(source));
            builder.authorities(self.authorities.clone()).build()
        };
        client.get_or_init(build).as_ref()
    }
}

/// A fault at an address.
pub(crate) fn at(address: &Address, fault: FetchFault) -> FetchError {
    FetchError { address: address.without_query(), fault }
}

impl From<OutboundError> for FetchFault {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Timeout(_) | OutboundError::TimedOut => Self::Timeout,
            OutboundError::BodyTooLarge(_) => Self::TooLong,
            OutboundError::Address(error) => Self::Refused(error),
            error if error.is_unknown_authority() => Self::Unreachable(format!(
                "{error}. If its certificate authority is to be trusted, CA_FILE names its PEM file"
            )),
            error => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<DocumentError> for FetchFault {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Status(status) => Self::Status(status),
            DocumentError::MediaType => Self::Malformed("of the media type application/json"),
            DocumentError::NotAnObject => Self::Malformed("a JSON object with distinct members"),
            DocumentError::Malformed(member) => Self::Malformed(member),
            DocumentError::IssuerDiffers => Self::IssuerDiffers,
            DocumentError::Missing(member) => Self::Missing(member),
            DocumentError::Address(member, error) => Self::Address(member, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::SystemClock;

    use super::*;

    #[tokio::test]
    async fn what_a_document_named_is_asked_under_the_policy_of_the_document() {
        let client = IssuerClient::new(Arc::new(SystemClock)).unwrap();
        let fault = async |text: &str, named_by| {
            let destination = Destination { address: text.parse().unwrap(), named_by };
            client.get(&destination).await.unwrap_err().fault
        };
        // Nothing listens at port 1.
        let here = "http://127.0.0.1:1/";
        let loopback = NamedBy::Document(AddressClass::Loopback);
        for named_by in [NamedBy::Operator, loopback] {
            assert!(matches!(fault(here, named_by).await, FetchFault::Unreachable(_)));
        }
        for source in [AddressClass::Public, AddressClass::Private, AddressClass::LinkLocal] {
            let fault = fault(here, NamedBy::Document(source)).await;
            assert_eq!(fault, FetchFault::Refused(AddressError::Loopback), "{source:?}");
        }
        for source in [AddressClass::Public, AddressClass::Loopback] {
            let fault = fault("https://10.0.0.1/", NamedBy::Document(source)).await;
            assert_eq!(fault, FetchFault::Refused(AddressError::Private), "{source:?}");
        }
    }
}
