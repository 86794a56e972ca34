//! How a server with a URL is reached.

use std::{fs, io, path::PathBuf};

use settings::{Environment, Variable, secret_file};
use upstream::{
    credentials::{Credentials, HeaderFile, HeaderNameError, ReadSecret, SecretFile},
    http::{HttpClient, HttpLimits, TlsRoots, TlsRootsError},
    link::http::HttpLinks,
};

use crate::config::upstreams::{SecretHeader, UrlPlace};

const READ: ReadSecret = |path| Ok(secret_file::read(path)?);

/// A server with a URL.
pub(super) struct Remote {
    /// Its connections.
    pub(super) client: HttpClient,
    /// Links over them, with what the gateway presents.
    pub(super) links: HttpLinks,
}

/// Why a server with a URL cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoteError {
    /// The file with authorities cannot be read.
    #[error("the authorities in {path} cannot be read")]
    ReadAuthorities {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The authorities cannot be used.
    #[error("the certificate of the server cannot be verified")]
    Authorities(#[from] TlsRootsError),
    /// The secret cannot be in this header.
    #[error("the secret cannot be presented")]
    Header(#[from] HeaderNameError),
    /// The secret cannot be read.
    #[error("the secret in {path} cannot be read")]
    Secret {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Remote {
    /// The server of `place`. Nothing is sent yet.
    pub(super) fn new(place: &UrlPlace, environment: &Environment) -> Result<Self, RemoteError> {
        let roots =
            if place.url.is_https() { roots(place, environment)? } else { TlsRoots::system() };
        let client = HttpClient::new(place.url.clone(), &roots, HttpLimits::default())?;
        let credentials = place.secret.as_ref().map(credentials).transpose()?;
        let credentials = credentials.unwrap_or(Credentials::none());
        Ok(Self { links: HttpLinks::new(client.clone(), credentials), client })
    }
}

fn roots(place: &UrlPlace, environment: &Environment) -> Result<TlsRoots, RemoteError> {
    let ca_file = || environment.set_value(Variable::CaFile).map(PathBuf::from);
    let Some(path) = place.ca.clone().or_else(ca_file) else { return Ok(TlsRoots::system()) };
    match fs::read(&path) {
        Ok(pem) => Ok(TlsRoots::with_pem(&pem)?),
        Err(source) => Err(RemoteError::ReadAuthorities { path, source }),
    }
}

fn credentials(secret: &SecretHeader) -> Result<Credentials, RemoteError> {
    // A file that cannot be used is found now, and not by the first caller.
    READ(&secret.file)
        .map_err(|source| RemoteError::Secret { path: secret.file.clone(), source })?;
    let file = SecretFile::new(secret.file.clone(), READ);
    let header = match &secret.name {
        Some(name) => HeaderFile::new(name, "", file)?,
        None => HeaderFile::new("Authorization", "Bearer ", file)?,
    };
    Ok(Credentials::header(header))
}
