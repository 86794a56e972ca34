//! The certificate of the server, and how a caller connects.

use std::{fs, io, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use rcgen::generate_simple_self_signed;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs::default_provider,
        pki_types::{CertificateDer, ServerName},
    },
};

/// The names of the files with the certificate and its key, in the folder of the server.
pub(crate) const CERTIFICATE: &str = "cert.pem";
pub(crate) const KEY: &str = "cert-key.pem";

/// Where the server is, and how it is called: by TLS, with a protocol for each kind of callers.
#[derive(Clone)]
pub(crate) struct Place {
    address: SocketAddr,
    http1: TlsConnector,
    http2: TlsConnector,
}

/// Writes a certificate for `localhost` and its key into `folder`.
pub(crate) fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join(CERTIFICATE), made.cert.pem()).unwrap();
    fs::write(folder.join(KEY), made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join(KEY), fs::Permissions::from_mode(0o600)).unwrap();
    made.cert.der().clone()
}

impl Place {
    pub(crate) fn new(address: SocketAddr, certificate: &CertificateDer<'static>) -> Self {
        let connector = |protocol: &[u8]| {
            let mut roots = RootCertStore::empty();
            roots.add(certificate.clone()).unwrap();
            let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
            let config = config.with_safe_default_protocol_versions().unwrap();
            let mut config = config.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Self { address, http1: connector(b"http/1.1"), http2: connector(b"h2") }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection for HTTP/1.1 over this stream.
    pub(crate) async fn http1(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.http1.connect(localhost(), stream).await
    }

    /// A new connection for HTTP/2.
    pub(crate) async fn http2(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        self.http2.connect(localhost(), stream).await
    }
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}
