//! Clients: stored ones, and those with a metadata document.

use auth_core::{
    ClientId,
    oauth::{ClientMetadata, MetadataUrl, SecretDigest},
};

use crate::{AuthorizationServer, respond::Unavailable};

/// A client that is known.
#[derive(Debug, Clone)]
pub(crate) struct KnownClient {
    pub(crate) id: ClientId,
    pub(crate) metadata: ClientMetadata,
    /// The digest of its secret, if its method has one.
    pub(crate) secret: Option<SecretDigest>,
    /// The address of its metadata document: the host is proven. `None` for a registered client.
    pub(crate) document: Option<MetadataUrl>,
}

/// Why there is no client.
#[derive(Debug)]
pub(crate) enum ClientLookupError {
    /// There is none by this id; for a metadata document, what is wrong with it, as text for
    /// people.
    Unknown(Option<String>),
    /// It cannot be known now.
    Unavailable(Unavailable),
}

/// The client with this id.
pub(crate) async fn find(
    server: &AuthorizationServer,
    id: &ClientId,
) -> Result<KnownClient, ClientLookupError> {
    let _ = (server, id);
    Err(ClientLookupError::Unknown(None))
}
