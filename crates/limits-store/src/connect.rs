//! A connection to a store: TCP, TLS where the address says so, and the sign-in.

use std::{fmt, io, pin::Pin, sync::Arc};

use auth_core::display::excerpt;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, aio::MultiplexedConnection};
use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, InvalidDnsNameError, ServerName, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::address::StoreAddress;

/// How many commands are under way at once; more wait, as long as their requests do.
const MAX_COMMANDS: usize = 1024;

/// Whose certificates are accepted: those that the system's authorities have signed, and those of a
/// file. The same library, provider and verifier as for all other connections of ours.
#[derive(Clone)]
pub struct StoreTls(Arc<ClientConfig>);

/// Why there are no authorities.
#[derive(Debug, thiserror::Error)]
pub enum StoreTlsError {
    /// Not PEM (RFC 7468).
    #[error("not a PEM file with certificates")]
    Syntax,
    /// The system's authorities or those of the file cannot be used.
    #[error("the certificate authorities cannot be used")]
    Setup(#[source] rustls::Error),
}

impl StoreTls {
    /// The system's authorities, and those in the text of a PEM file.
    pub fn new(pem: Option<&[u8]>) -> Result<Self, StoreTlsError> {
        let read: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(pem.unwrap_or_default()).collect();
        let extra = read.map_err(|_| StoreTlsError::Syntax)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
            .map_err(StoreTlsError::Setup)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(StoreTlsError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

impl fmt::Debug for StoreTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreTls(..)")
    }
}

/// Why a store cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("it cannot be reached: {0}")]
    Io(#[from] io::Error),
    #[error("its host is no name of a certificate: {0}")]
    Name(#[from] InvalidDnsNameError),
    #[error("TLS is not set up")]
    NoTls,
    #[error("{}", said(.0))]
    Store(#[from] RedisError),
    #[error("it answered {0}, which is no time to wait: is it Valkey or Redis?")]
    Answer(i64),
    #[error("it closed the connection")]
    Closed,
    #[error("it did not answer within {0} ms")]
    Timeout(u128),
}

/// What a store said, without the arguments of a command: the beginning of it.
fn said(error: &RedisError) -> String {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return "it does not accept the user and the password".to_owned();
    }
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("it said: {}", excerpt(&format!("{code} {detail}"))),
        (Some(code), None) => format!("it said: {}", excerpt(code)),
        (None, _) => excerpt(&error.to_string()),
    }
}

/// What moves bytes for a connection: the connection ends when this does.
pub(crate) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Connects and signs in.
pub(crate) async fn connect(
    address: &StoreAddress,
    tls: Option<&StoreTls>,
) -> Result<(MultiplexedConnection, Driver), ConnectError> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    stream.set_nodelay(true)?;
    if !address.is_tls {
        return sign_in(address, stream).await;
    }
    let StoreTls(config) = tls.ok_or(ConnectError::NoTls)?;
    let name = ServerName::try_from(address.host.clone())?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
    sign_in(address, stream).await
}

async fn sign_in<S>(
    address: &StoreAddress,
    stream: S,
) -> Result<(MultiplexedConnection, Driver), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(None)
        .set_pipeline_buffer_size(MAX_COMMANDS)
        .set_concurrency_limit(MAX_COMMANDS);
    let (connection, driver) =
        MultiplexedConnection::new_with_config(&address.login, stream, config).await?;
    Ok((connection, Box::pin(driver)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_what_is_no_certificate_is_an_error() {
        assert!(StoreTls::new(None).is_ok());
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(StoreTls::new(Some(cut.as_bytes())), Err(StoreTlsError::Syntax)));
    }
}
