//! How a server with a URL is reached.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use auth_core::{Algorithm, Clock, InvalidNameError, Issuer, ResourceUri, SystemClock};
use bartizan::CertificateAuthorities;
use settings::{Environment, Variable, key_folder::KeyFolder, secret_file};
use upstream::{
    credentials::{
        ClientCredentials, Credentials, ExchangedScopes, HeaderFile, HeaderNameError, MintToken,
        MintedTokens, ReadSecret, SecretFile, TokenEndpoint, TokenExchange,
    },
    http::{HttpClient, HttpLimits, TlsRoots, TlsRootsError},
    link::http::HttpLinks,
};

use super::mint::Mint;
use crate::config::upstreams::{ClientPlace, Minting, Presented, SecretHeader, UrlPlace};

/// Reads a file with a secret that only its owner may read.
pub(super) const READ_SECRET: ReadSecret = |path| Ok(secret_file::read(path)?);

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
    /// The issuer in this process has no usable name.
    #[error("JWT_ISSUER is not the URL of an issuer")]
    Issuer(#[from] InvalidNameError),
    /// The secret cannot be in this header.
    #[error("the secret cannot be presented")]
    Header(#[from] HeaderNameError),
    /// The authorities cannot be used for the token endpoint.
    #[error("the certificate of the token endpoint cannot be verified")]
    EndpointAuthorities(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no key to mint tokens with.
    #[error("the signing keys in {path} cannot be used")]
    Keys {
        /// Which folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
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
    /// The server of `place`, which is served as `resource`. Nothing is sent yet.
    pub(super) fn new(
        place: &UrlPlace,
        resource: &ResourceUri,
        limits: HttpLimits,
        environment: &Environment,
    ) -> Result<Self, RemoteError> {
        let ca = place.ca.clone();
        let ca = ca.or_else(|| environment.set_value(Variable::CaFile).map(PathBuf::from));
        let roots = if place.url.is_https() {
            roots(ca.as_deref(), environment)?
        } else {
            TlsRoots::system()
        };
        let client = HttpClient::new(place.url.clone(), &roots, limits)?;
        let authorities = || authorities(ca.as_deref(), environment);
        let credentials = credentials(&place.presented, resource, authorities)?;
        let own: Issuer = environment.get(Variable::JwtIssuer).unwrap_or_default().parse()?;
        let credentials = credentials.with_identity(place.identity.clone(), own);
        Ok(Self { links: HttpLinks::new(client.clone(), credentials), client })
    }
}

fn roots(ca: Option<&Path>, environment: &Environment) -> Result<TlsRoots, RemoteError> {
    let Some(path) = ca else { return Ok(TlsRoots::system()) };
    match environment.read(path) {
        Ok(pem) => Ok(TlsRoots::with_pem(&pem)?),
        Err(source) => Err(RemoteError::ReadAuthorities { path: path.into(), source }),
    }
}

/// What is presented to a server.
fn credentials(
    presented: &Presented,
    resource: &ResourceUri,
    authorities: impl Fn() -> Result<CertificateAuthorities, RemoteError>,
) -> Result<Credentials, RemoteError> {
    Ok(match presented {
        Presented::Nothing => Credentials::none(),
        Presented::Secret(SecretHeader { name, file }) => {
            let file = secret_in(file)?;
            Credentials::header(match name {
                Some(name) => HeaderFile::new(name, "", file)?,
                None => HeaderFile::new("Authorization", "Bearer ", file)?,
            })
        }
        Presented::Minted { audience, minting } => {
            Credentials::minted(MintedTokens::new(mint(minting, resource)?, audience.clone()))
        }
        Presented::Client(place) => {
            let endpoint = endpoint(place, authorities()?)?;
            let scopes = place.scopes.clone().unwrap_or_default();
            let client = ClientCredentials::new(endpoint, scopes);
            let resource = place.resource.clone();
            let client = resource.into_iter().fold(client, ClientCredentials::resource);
            Credentials::client(client)
        }
        Presented::Exchange { place, minting, issuer, audience } => {
            let scopes = place.scopes.clone();
            let scopes = scopes.map_or(ExchangedScopes::OfAction, ExchangedScopes::Fixed);
            let mint = mint(minting, resource)?;
            let endpoint = endpoint(place, authorities()?)?;
            let exchange = TokenExchange::new(endpoint, mint, issuer.clone(), scopes);
            let resource = place.resource.clone();
            let exchange = resource.into_iter().fold(exchange, TokenExchange::resource);
            let exchange = audience.clone().into_iter().fold(exchange, TokenExchange::audience);
            Credentials::exchange(exchange)
        }
    })
}

/// A secret in a file. One that cannot be used is found now, and not by the first caller.
fn secret_in(path: &Path) -> Result<SecretFile, RemoteError> {
    READ_SECRET(path).map_err(|source| RemoteError::Secret { path: path.into(), source })?;
    Ok(SecretFile::new(path.into(), READ_SECRET))
}

/// The authorities by which the certificate of a token endpoint is verified.
fn authorities(
    ca: Option<&Path>,
    environment: &Environment,
) -> Result<CertificateAuthorities, RemoteError> {
    let Some(path) = ca else { return Ok(CertificateAuthorities::default()) };
    let pem = environment.read(path).map_err(Into::into);
    let found = pem.and_then(|pem| CertificateAuthorities::from_pem(&pem));
    found.map_err(|error| RemoteError::EndpointAuthorities(error.into()))
}

fn endpoint(
    place: &ClientPlace,
    authorities: CertificateAuthorities,
) -> Result<TokenEndpoint, RemoteError> {
    let secret = secret_in(&place.secret)?;
    let endpoint = TokenEndpoint::new(place.url.clone(), authorities, place.id.clone(), secret);
    Ok(endpoint.method(place.method))
}

fn mint(minting: &Minting, resource: &ResourceUri) -> Result<Arc<dyn MintToken>, RemoteError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // The issuer in this process makes the first key in the same way.
    let keys = KeyFolder::open_or_make(&minting.keys, Algorithm::Es256, clock.now());
    let keys = keys.map_err(|source| RemoteError::Keys {
        path: minting.keys.clone(),
        source: source.into(),
    })?;
    Ok(Arc::new(Mint::new(minting.issuer.clone(), keys, resource, clock)))
}
