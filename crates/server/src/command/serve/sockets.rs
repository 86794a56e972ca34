//! Where callers and operators are accepted, and what keeps the certificate.

use std::{net::SocketAddr, sync::Arc};

use auth_core::Clock;
use listener::Socket;
use tls_setup::{CertificateFiles, ClientsFile, Expiry, InForce, Names, TlsFileError};
use tokio::net::TcpListener;

use crate::{
    admin::listening::Listening,
    config::{
        settings::{Config, ConfigError},
        transport::{Transport, host},
    },
    failure::Failure,
    reload::{Part, Watched},
    tls::acme::AcmeJob,
};

/// The sockets that listen.
pub(super) struct Sockets {
    /// Where callers are accepted.
    pub(super) address: SocketAddr,
    /// How they are.
    pub(super) callers: Secured,
    /// Where operators ask, if anywhere.
    pub(super) admin: Option<Listening>,
}

impl Sockets {
    /// Listens where `config` says.
    pub(super) async fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let bind = |source| Failure::Bind { address: config.bind.clone(), source };
        let listener = TcpListener::bind(&config.bind).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let checked = config.transport.check(address.ip());
        checked.map_err(|fault| ConfigError(vec![fault.to_string()]))?;
        let callers = secured(listener, config, clock)?;
        let admin = match &config.admin {
            Some(admin) => Some(Listening::open(admin).await?),
            None => None,
        };
        Ok(Self { address, callers, admin })
    }
}

/// Where callers are accepted, and what keeps the certificate.
pub(super) struct Secured {
    pub(super) socket: Socket,
    pub(super) expiry: Expiry,
    /// Those of the certificate, if it is from files.
    pub(super) names: Option<Names>,
    /// The files that are read again.
    pub(super) files: Option<Box<dyn Part>>,
    /// The orders at an authority.
    pub(super) acme: Option<AcmeJob>,
}

fn secured(
    listener: TcpListener,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Secured, Failure> {
    let in_force = InForce::default();
    let (socket, expiry) = (Socket::Tls, in_force.expiry());
    let at = || Arc::clone(clock);
    let fault = |fault: TlsFileError| ConfigError(vec![format!("TLS: {fault}")]);
    let (files, loaded) = match &config.transport {
        Transport::Plain(_) => {
            let socket = listener.into();
            return Ok(Secured { socket, expiry, names: None, files: None, acme: None });
        }
        Transport::Acme(acme, clients) => {
            let clients = clients.clone().map(|it| ClientsFile::new(it, in_force.clone()));
            let clients = clients.transpose().map_err(fault)?;
            let files: Option<Box<dyn Part>> =
                clients.map(|it| -> Box<dyn Part> { Box::new(Watched::new(it, at())) });
            let job = AcmeJob::new(acme.clone(), in_force, at());
            let socket = socket(listener, job.tls());
            return Ok(Secured { socket, expiry, names: None, files, acme: Some(job) });
        }
        Transport::Tls(files, loaded) => (files, loaded),
    };
    let host = host(&config.resource);
    let socket = socket(listener, in_force.tls());
    let certificate = CertificateFiles::new(files.clone(), loaded.clone(), host, in_force, at());
    let certificate = certificate.map_err(fault)?;
    let names = Some(certificate.names());
    let files: Option<Box<dyn Part>> = Some(Box::new(Watched::new(certificate, at())));
    Ok(Secured { socket, expiry, names, files, acme: None })
}
