//! Why there is no response.

use std::{error::Error, io, time::Duration};

use crate::{
    AddressError,
    tls::{self, ConnectFault, RefusedCertificate},
};

/// Why there is no response. No variant shows a credential, or a URL's query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address may not be asked. Nothing was sent.
    #[error("{0}")]
    Address(#[from] AddressError),
    /// No connection.
    #[error("{cause}")]
    Connect {
        /// What is wrong, as far as the TLS library and the system report it.
        fault: ConnectFault,
        /// The innermost cause as text, such as `Connection refused (os error 111)`.
        cause: String,
    },
    /// No whole response in time.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The same, where the caller set the time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection broke before the end of the response, or the response is not HTTP.
    #[error("{0}")]
    Interrupted(String),
    /// What came is not HTTP: TLS, for example, where plain HTTP was sent.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// The other side ended the connection because of the certificate that we presented, or because
    /// we presented none (an alert of TLS, RFC 8446 §6.2).
    #[error("{0}")]
    ClientCertificate(RefusedCertificate),
    /// A redirect that was not followed. Only the client for rmcp's transport reports it so;
    /// otherwise a redirect is a response like any other.
    #[error("{0}")]
    Redirect(RefusedRedirect),
    /// A head with too many bytes.
    #[error("the head of the answer is longer than {0} bytes")]
    HeadTooLarge(usize),
    /// A body with too many bytes.
    #[error("the answer is longer than {0} bytes")]
    BodyTooLarge(usize),
    /// A content coding that the request did not ask for (RFC 9110 §8.4).
    #[error("the answer has a content coding, which was not asked for")]
    ContentCoding,
    /// The HTTP client could not be made: there are no root certificates, for example.
    #[error("no HTTP client: {0}")]
    Setup(String),
}

/// A redirect that was not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redirect to {location}")]
pub struct RefusedRedirect {
    /// The status, such as 307.
    pub status: u16,
    /// Where it would have gone.
    pub location: String,
}

impl OutboundError {
    /// Whether the certificate's authority is not trusted, so that `CA_FILE` may help.
    #[must_use]
    pub const fn is_unknown_authority(&self) -> bool {
        matches!(self, Self::Connect { fault: ConnectFault::UnknownAuthority, .. })
    }

    /// Whether another time, or another address of the same host, may have a response.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Timeout(_)
                | Self::TimedOut
                | Self::Interrupted(_)
                | Self::NotHttp
                | Self::ClientCertificate(_)
        )
    }

    pub(crate) fn setup(error: &reqwest::Error) -> Self {
        Self::Setup(innermost(error).to_string())
    }
}

impl From<reqwest::Error> for OutboundError {
    fn from(error: reqwest::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&reqwest::Error> for OutboundError {
    fn from(error: &reqwest::Error) -> Self {
        if let Some(redirect) = find::<RefusedRedirect>(error) {
            return Self::Redirect(redirect.clone());
        }
        if let Some(address) = find::<AddressError>(error) {
            return Self::Address(*address);
        }
        let cause = cause(error);
        if error.is_builder() {
            return Self::Setup(cause);
        }
        let tls = find::<rustls::Error>(error);
        if let Some(refused) = tls.and_then(tls::refused_certificate) {
            return Self::ClientCertificate(refused);
        }
        if !error.is_connect() {
            // The words of hyper, whose errors have no names.
            let is_http = !cause.starts_with("invalid HTTP version");
            return if error.is_timeout() {
                Self::TimedOut
            } else if is_http {
                Self::Interrupted(cause)
            } else {
                Self::NotHttp
            };
        }
        if let Some((fault, cause)) = tls.and_then(tls::certificate_fault) {
            return Self::Connect { fault, cause };
        }
        let fault = if error.is_timeout() {
            ConnectFault::Timeout
        } else if cause.contains("UnknownIssuer") || cause.contains("CaUsedAsEndEntity") {
            ConnectFault::UnknownAuthority
        } else if cause.contains("InvalidContentType") || cause.contains("wrong version number") {
            ConnectFault::NotTls
        } else if cause.to_ascii_lowercase().contains("certificate") {
            ConnectFault::Certificate
        } else {
            ConnectFault::Other
        };
        Self::Connect { fault, cause }
    }
}

/// The innermost cause: `Connection refused`, not three layers of "error sending request".
fn cause(error: &reqwest::Error) -> String {
    let innermost = innermost(error);
    if error.is_timeout() {
        "it takes too long to connect".to_owned()
    } else if innermost.is::<reqwest::Error>() {
        "the connection failed".to_owned()
    } else {
        innermost.to_string()
    }
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut error = error;
    while let Some(source) = next(error) {
        error = source;
    }
    error
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut error = Some(error);
    while let Some(current) = error {
        if let Some(found) = current.downcast_ref() {
            return Some(found);
        }
        error = next(current);
    }
    None
}

/// What is inside an error. An [`io::Error`] names the source of what is inside, not that itself.
fn next<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match inner {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}
