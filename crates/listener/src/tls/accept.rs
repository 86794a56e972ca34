//! One handshake.

use std::io;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::{pki_types::UnixTime, server::Acceptor};
use tokio::io::AsyncWriteExt;
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::{CHALLENGE_PROTOCOL, HTTP2, Tls, validity};
use crate::{kind::Kind, program::CertificateThumbprint, progress::Progress};

/// A connection after its handshake.
pub(crate) struct Accepted {
    /// The connection.
    pub(crate) stream: TlsStream<Progress>,
    /// Whether HTTP/2 was negotiated.
    pub(crate) is_http2: bool,
    /// That of the client's certificate, if it presented one.
    pub(crate) certificate: Option<CertificateThumbprint>,
}

/// Takes a handshake to its end. `None` after a challenge, which is nothing but a handshake.
pub(crate) async fn accept(tls: &Tls, io: Progress, kind: Kind) -> io::Result<Option<Accepted>> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
    let hello = start.client_hello();
    let protocols = hello.alpn();
    let is_challenge = protocols.is_some_and(|offered| offered.eq([CHALLENGE_PROTOCOL]));
    let config = if is_challenge { tls.challenge() } else { tls.current(kind) };
    let Some(config) = config else {
        return Err(io::Error::other("there is no certificate for this handshake"));
    };
    let mut stream = start.into_stream(config).await?;
    if is_challenge {
        stream.shutdown().await?;
        return Ok(None);
    }
    let (_, connection) = stream.get_ref();
    let is_http2 = connection.alpn_protocol() == Some(HTTP2);
    let certificate = connection.peer_certificates().and_then(|chain| chain.first());
    // A session that is resumed brings the certificate of the handshake that it began with.
    if certificate.is_some_and(|certificate| has_ended(certificate)) {
        return Err(io::Error::other("the client's certificate has ended"));
    }
    let certificate = certificate.and_then(|certificate| {
        digest(&SHA256, certificate).as_ref().try_into().ok().map(CertificateThumbprint)
    });
    Ok(Some(Accepted { stream, is_http2, certificate }))
}

/// Whether the time of a certificate is over.
fn has_ended(certificate: &[u8]) -> bool {
    // The clock by which the handshake verified it.
    let now = UnixTime::now().as_secs();
    validity::read(certificate).is_none_or(|validity| validity.not_after < now)
}
