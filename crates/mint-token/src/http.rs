//! Requests to servers and issuers, by the rules of [`outbound`].
//!
//! 1. A response takes 10 s and 256 KiB at most.
//! 2. What the user named may have any address but a reserved one. What an issuer's document named
//!    may have a public one, or one of the class of the address that the document came from.

use std::{path::PathBuf, time::Duration};

use auth_core::AccessToken;
use outbound::{
    AddressClass, AddressError, AddressPolicy, AuthoritiesError, CertificateAuthorities, Limits,
    OutboundClient, OutboundError,
};
use settings::regular_file;

pub use outbound::Response;

const TIMEOUT: Duration = Duration::from_secs(10);

/// One request.
#[derive(Debug)]
pub struct Request {
    /// Where.
    pub url: String,
    /// The class of the address of the document that named the URL; `None` if the user named it.
    pub document: Option<AddressClass>,
    /// Who asks: goes into `Authorization`.
    pub token: Option<AccessToken>,
    /// A JSON body; with one it is a POST, without it a GET.
    pub body: Option<zeroize::Zeroizing<String>>,
    /// A PEM file with certificate authorities to trust besides the system's (`CA_FILE`).
    pub ca_file: Option<PathBuf>,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// An address that is not asked.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// No response, or none that can be read.
    #[error("{0}")]
    Unreachable(String),
    /// No file of certificate authorities.
    #[error("CA_FILE {0}: {1}")]
    Authorities(PathBuf, String),
}

/// Sends a request.
pub fn fetch(request: &Request) -> Result<Response, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| FetchError::Unreachable(error.to_string()))?;
    runtime.block_on(send(request))
}

async fn send(request: &Request) -> Result<Response, FetchError> {
    let address = request.url.parse()?;
    let policy = match request.document {
        Some(source) => AddressPolicy::for_document(source),
        None => AddressPolicy::named_by_operator(),
    };
    let client = OutboundClient::builder(policy)
        .limits(Limits::default().time(TIMEOUT))
        .authorities(authorities(request)?)
        .build()?;
    let mut call = match &request.body {
        Some(body) => outbound::Request::post(address).json_text(body.as_bytes().to_vec()),
        None => outbound::Request::get(address),
    };
    if let Some(token) = &request.token {
        call = call.bearer(token);
    }
    Ok(client.send(call).await?)
}

fn authorities(request: &Request) -> Result<CertificateAuthorities, FetchError> {
    let Some(path) = &request.ca_file else {
        return Ok(CertificateAuthorities::default());
    };
    let fault = |error: AuthoritiesError| FetchError::Authorities(path.into(), error.to_string());
    let pem = regular_file::read(path, regular_file::MAX_BYTES).map_err(Into::into);
    pem.and_then(|pem| CertificateAuthorities::from_pem(&pem)).map_err(fault)
}

impl From<OutboundError> for FetchError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Address(error) => Self::Address(error),
            error if error.is_unknown_authority() => Self::Unreachable(format!(
                "{error}. If you trust its certificate authority, name its PEM file as CA_FILE"
            )),
            error => Self::Unreachable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> Request {
        Request { url: url.into(), document: None, token: None, body: None, ca_file: None }
    }

    #[test]
    fn a_file_of_authorities_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let request = Request { ca_file: Some(path.clone()), ..request("https://a.example/") };
        let said = || fetch(&request).unwrap_err().to_string();
        assert!(said().starts_with(&format!("CA_FILE {}: ", path.display())));
        std::fs::write(&path, "nothing").unwrap();
        assert!(said().contains("no certificate"), "{}", said());
    }

    #[test]
    fn an_address_that_may_not_be_asked_is_not_asked() {
        let fault = |request: &Request| fetch(request).unwrap_err();
        for (url, error) in [
            ("http://a.example/", AddressError::NotHttps),
            ("https://u@a.example/", AddressError::ExtraParts),
            ("file:///etc/passwd", AddressError::NotAnUrl),
            ("https://0.0.0.0/", AddressError::Reserved),
        ] {
            assert_eq!(fault(&request(url)), FetchError::Address(error), "{url}");
        }
        let private = request("https://10.0.0.1/");
        let named = Request { document: Some(AddressClass::Public), ..private };
        assert_eq!(fault(&named), FetchError::Address(AddressError::Private));
    }
}
