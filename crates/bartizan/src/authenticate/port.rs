//! The port: from what a caller presents to its principal.

use std::{error::Error, future::Future, net::IpAddr, sync::Arc};

use auth_core::{
    AccessToken, CertificateThumbprint, CheckDetail, Claims, Issuer, Principal, Subject,
    TokenOutline, VerifyError,
};
use http::{Method, Uri};

/// Turns what a caller presents into the principal behind it. What cannot be decided is an error,
/// never a pass.
pub trait Authenticate: Send + Sync + 'static {
    /// Who presents this?
    fn authenticate(
        &self,
        presented: Presented<'_>,
    ) -> impl Future<Output = Result<Principal, AuthenticateError>> + Send;
}

impl<T: Authenticate> Authenticate for Arc<T> {
    fn authenticate(
        &self,
        presented: Presented<'_>,
    ) -> impl Future<Output = Result<Principal, AuthenticateError>> + Send {
        T::authenticate(self, presented)
    }
}

/// Verifies a token by itself, without looking its user up: what an [`Authenticate`] is built on.
pub trait VerifyToken: Send + Sync + 'static {
    /// What the token that is presented says, if it is valid, and presented with the client
    /// certificate that it is bound to, if it is bound to one
    /// ([`Claims::check_certificate`]).
    fn verify(
        &self,
        presented: Presented<'_>,
    ) -> impl Future<Output = Result<Arc<Claims>, AuthenticateError>> + Send;
}

/// What a caller presents: its token, and what a token may be bound to.
///
/// An open stream is judged again and again with what its request presented, `is_recheck` being
/// set.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The token of the `Authorization` header.
    pub token: &'a AccessToken,
    /// The `DPoP` header (RFC 9449 §4.1), which nothing has verified. `None` if there is none.
    pub proof: Option<&'a str>,
    /// The method of the request.
    pub method: &'a Method,
    /// The target of the request, as the guard was given it.
    pub uri: &'a Uri,
    /// Where the request comes from, if the listener reports it ([`PeerAddress`]).
    pub peer: Option<IpAddr>,
    /// The certificate of the client, if the listener reports it ([`ClientCertificate`]).
    pub certificate: Option<CertificateThumbprint>,
    /// Whether these credentials were accepted before, for the stream that is judged again: a proof
    /// that is good for one use has been used for it.
    pub is_recheck: bool,
}

impl<'a> Presented<'a> {
    /// A bare token, as with a `POST` to `/` from an unknown peer.
    #[must_use]
    pub fn bare(token: &'a AccessToken) -> Self {
        const POST: &Method = &Method::POST;
        static ROOT: std::sync::LazyLock<Uri> = std::sync::LazyLock::new(Uri::default);
        Self {
            token,
            proof: None,
            method: POST,
            uri: &ROOT,
            peer: None,
            certificate: None,
            is_recheck: false,
        }
    }
}

/// Where a request comes from: an extension of it, which the listener inserts. It is reported to
/// the authenticator and to observers. Behind a reverse proxy that the listener does not know it is
/// the proxy's address. The guard reads no forwarding header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddress(pub IpAddr);

/// The certificate that the client of a request has proven to hold, in the TLS handshake of its
/// connection: an extension of the request, which the listener inserts. **A token that is bound to
/// it is accepted**, so no header of the request may be its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientCertificate(pub CertificateThumbprint);

/// The credentials of one request, kept for as long as its stream is open.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) token: AccessToken,
    pub(crate) proof: Option<Box<str>>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) certificate: Option<CertificateThumbprint>,
}

impl Credentials {
    pub(crate) fn present(&self, is_recheck: bool) -> Presented<'_> {
        Presented {
            token: &self.token,
            proof: self.proof.as_deref(),
            method: &self.method,
            uri: &self.uri,
            peer: self.peer,
            certificate: self.certificate,
            is_recheck,
        }
    }
}

/// Why a caller is not authenticated.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is invalid: 401 `invalid_token`; another token may help.
    #[error("the token is not valid")]
    InvalidToken(#[from] InvalidTokenError),
    /// The token was good and has been revoked: 401 `invalid_token`; another token may help.
    #[error("the token is revoked")]
    RevokedToken {
        /// Who issued it.
        issuer: Issuer,
        /// About whom it speaks.
        subject: Subject,
    },
    /// The token is valid and its subject is unknown here: 403; another token would not help.
    #[error("the user does not exist")]
    UnknownUser {
        /// Who vouched for the subject.
        issuer: Issuer,
        /// The subject that is not known.
        subject: Subject,
        /// What the operator can do about it: a command, say. It goes to the log alone.
        remedy: Option<String>,
    },
    /// The user exists and may not do anything: 403; another token would not help.
    #[error("the user is disabled")]
    DisabledUser {
        /// Who vouched for the subject.
        issuer: Issuer,
        /// The subject that is disabled.
        subject: Subject,
        /// What the operator can do about it: a command, say. It goes to the log alone.
        remedy: Option<String>,
    },
    /// It could not be found out, as the directory of users or the issuer could not be asked: 503.
    /// Never a pass.
    #[error("the directory of users or the issuer could not be asked")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a token is invalid. For the operator: the caller learns no more than `invalid_token`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct InvalidTokenError {
    /// The check that it does not pass.
    pub fault: VerifyError,
    /// The issuer that it names, if that is a trusted one.
    pub issuer: Option<Issuer>,
    /// What that check expects, and what it found.
    pub facts: Option<CheckDetail>,
}

impl From<VerifyError> for InvalidTokenError {
    fn from(fault: VerifyError) -> Self {
        Self { fault, issuer: None, facts: None }
    }
}

impl From<VerifyError> for AuthenticateError {
    fn from(fault: VerifyError) -> Self {
        Self::InvalidToken(fault.into())
    }
}

/// The error for a token that cannot be read, because of `fault`. `is_trusted` knows the issuers.
pub(crate) fn unreadable(
    token: &AccessToken,
    fault: VerifyError,
    is_trusted: impl FnOnce(&Issuer) -> bool,
) -> InvalidTokenError {
    let outline = TokenOutline::of(token);
    let issuer = outline.as_ref().and_then(TokenOutline::issuer).filter(|it| is_trusted(it));
    InvalidTokenError {
        fault,
        issuer: issuer.cloned(),
        facts: outline.as_ref().map(|outline| outline.facts(fault)),
    }
}
