//! The way to issuers: one question, one bounded answer.
//!
//! 1. No redirect is followed.
//! 2. An answer takes 5 s and 256 KiB at most, and has the status 200.
//! 3. This machine is asked directly, whatever proxy the environment names.

use std::{error::Error, fmt::Write, sync::Arc, time::Duration};

use auth_core::Clock;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Certificate, Client, RequestBuilder, redirect::Policy};

use super::{Address, AddressError};

/// How long a question may take, from the first byte to the last.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest answer.
const MAX_BYTES: usize = 256 * 1024;

/// Asks issuers, at times that a clock tells. Made once and shared.
#[derive(Debug, Clone)]
pub struct IssuerClient {
    direct: Client,
    proxied: Client,
    pub(crate) clock: Arc<dyn Clock>,
}

/// An issuer that could not be asked, or whose answer is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {fault}")]
pub struct FetchError {
    /// What was asked for.
    pub address: String,
    /// What went wrong.
    pub fault: FetchFault,
}

/// What went wrong with a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// No answer.
    #[error("{0}")]
    Unreachable(String),
    /// No whole answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// Another status than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// An answer over 256 KiB.
    #[error("the answer is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// An answer that is not what it should be.
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
    /// A JWK Set without a usable key.
    #[error("the set has no key that can be used")]
    NoKeys,
    /// The question was given up: not long enough ago that one like it failed.
    #[error("not asked again so soon")]
    Pause,
}

/// An answer with the status 200.
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl IssuerClient {
    /// A client that tells the time by `clock`. An error if there is no TLS to be had.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Self::trusting(clock, &[])
    }

    /// The same, which trusts the certificate authorities in the text `pem` besides the system's.
    pub fn trusting(clock: Arc<dyn Clock>, pem: &[u8]) -> Result<Self, reqwest::Error> {
        let authorities = Certificate::from_pem_bundle(pem)?;
        let builder = || {
            let builder = Client::builder().redirect(Policy::none()).user_agent("bartizan");
            if authorities.is_empty() {
                builder
            } else {
                builder.tls_certs_merge(authorities.clone())
            }
        };
        Ok(Self { direct: builder().no_proxy().build()?, proxied: builder().build()?, clock })
    }

    pub(crate) async fn get(&self, address: &Address) -> Result<Answer, FetchError> {
        self.ask(address, self.for_address(address).get(address.url().clone())).await
    }

    pub(crate) async fn post_form(
        &self,
        address: &Address,
        authorization: HeaderValue,
        form: String,
    ) -> Result<Answer, FetchError> {
        let request = self.for_address(address).post(address.url().clone());
        let request = request
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        self.ask(address, request).await
    }

    fn for_address(&self, address: &Address) -> &Client {
        if address.is_loopback() { &self.direct } else { &self.proxied }
    }

    async fn ask(&self, address: &Address, request: RequestBuilder) -> Result<Answer, FetchError> {
        let request = request.header(header::ACCEPT, "application/json");
        let fetched = tokio::time::timeout(TIMEOUT, fetch(request)).await;
        fetched.unwrap_or(Err(FetchFault::Timeout)).map_err(|fault| at(address, fault))
    }
}

/// A fault at an address.
pub(crate) fn at(address: &Address, fault: FetchFault) -> FetchError {
    FetchError { address: address.to_string(), fault }
}

async fn fetch(request: RequestBuilder) -> Result<Answer, FetchFault> {
    let mut response = request.send().await.map_err(unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(FetchFault::Status(response.status().as_u16()));
    }
    let headers = response.headers().clone();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(FetchFault::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { headers, body })
}

/// What the network said, down to the cause; the address stands elsewhere.
fn unreachable(error: reqwest::Error) -> FetchFault {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // A text of our own takes all that is written to it.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    if text.contains("UnknownIssuer") {
        text.push_str(
            ". If its certificate authority is to be trusted, CA_FILE names its PEM file",
        );
    }
    FetchFault::Unreachable(text)
}
