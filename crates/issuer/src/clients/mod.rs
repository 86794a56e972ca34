//! Clients: stored ones, and those with a metadata document.

mod assertion;
mod authenticate;
mod documents;
mod fetch;
mod freshness;
mod key_sets;
mod published;

use std::{error::Error, time::Duration};

use auth_core::{
    ClientId, NumericDate,
    oauth::{AuthMethod, ClientMetadata, GrantType, MetadataUrl, SecretDigest},
};

pub(crate) use authenticate::authenticate;
use directory::authorization::{ClientOrigin, ClientSource};
pub(crate) use documents::Documents;
pub(crate) use key_sets::KeySets;

use self::fetch::Fetch;
use crate::{AuthorizationServer, PeerAddress, respond::Unavailable};

/// A client that is known.
#[derive(Debug, Clone)]
pub(crate) struct KnownClient {
    pub(crate) id: ClientId,
    pub(crate) metadata: ClientMetadata,
    /// The digest of its secret, if its method has one.
    pub(crate) secret: Option<SecretDigest>,
    /// The address of its metadata document: the host is proven. `None` for a registered client.
    pub(crate) document: Option<MetadataUrl>,
    /// Whether the operator added it.
    pub(crate) is_operators: bool,
    /// Whether it may introspect tokens of other clients.
    pub(crate) introspects: bool,
    /// When it last got a token, to the minute or so; `None` if never, or if it is not stored.
    last_used_at: Option<NumericDate>,
}

/// For how long a client is not noted again as used.
const NOTED: Duration = Duration::from_mins(1);

impl KnownClient {
    /// Whether it has no credential (RFC 6749 §2.1).
    pub(crate) fn is_public(&self) -> bool {
        self.metadata.auth_method() == AuthMethod::None
    }

    /// From where it is known.
    pub(crate) fn source(&self) -> ClientSource {
        if self.document.is_some() { ClientSource::Document } else { ClientSource::Stored }
    }

    /// Whether it is to get refresh tokens: it says so in its grant types.
    pub(crate) fn refreshes(&self) -> bool {
        self.metadata.may_use(GrantType::RefreshToken)
    }

    /// What it calls itself, which nothing proves.
    pub(crate) fn name(&self) -> Option<&str> {
        self.metadata.name().map(auth_core::oauth::ClientName::as_str)
    }
}

/// Why there is no client.
#[derive(Debug)]
pub(crate) enum ClientLookupError {
    /// There is none by this id; for a metadata document, what is wrong with it, as text for
    /// people.
    Unknown(Option<String>),
    /// Its metadata document cannot be had now: why, as a text for people.
    Unreachable(String),
    /// It cannot be known now.
    Unavailable(Unavailable),
}

impl<E: Into<Unavailable>> From<E> for ClientLookupError {
    fn from(fault: E) -> Self {
        Self::Unavailable(fault.into())
    }
}

/// The client with this id. `peer` is who asks: how many documents are fetched for one address is
/// bounded.
pub(crate) async fn find(
    server: &AuthorizationServer,
    id: &ClientId,
    peer: Option<PeerAddress>,
) -> Result<KnownClient, ClientLookupError> {
    if let Some(stored) = server.store().client(id).await? {
        return Ok(KnownClient {
            id: stored.id,
            metadata: stored.metadata,
            secret: stored.secret,
            document: None,
            is_operators: stored.origin == ClientOrigin::Operator,
            introspects: stored.introspects,
            last_used_at: stored.last_used_at,
        });
    }
    let Ok(url) = id.as_str().parse::<MetadataUrl>() else {
        let is_url = id.as_str().contains("://");
        let fault = auth_core::oauth::MetadataUrlError.to_string();
        return Err(ClientLookupError::Unknown(is_url.then_some(fault)));
    };
    if !server.config().metadata_documents {
        let words = "client ID metadata documents are not accepted here";
        return Err(ClientLookupError::Unknown(Some(words.to_owned())));
    }
    let (outbound, now) = (server.outbound(), server.now());
    let way = Fetch { outbound, now, asker: peer.map(|peer| peer.0) };
    let grants = server.config().grant_types();
    let metadata = server.documents().get(way, &url, &grants).await?;
    Ok(KnownClient {
        id: id.clone(),
        metadata,
        secret: None,
        document: Some(url),
        is_operators: false,
        introspects: false,
        last_used_at: None,
    })
}

/// Notes that `client` got a token, so that it is not removed as one that is not used. Its tokens
/// are recorded already: a fault here must not keep them from it.
pub(crate) async fn note_use(server: &AuthorizationServer, client: &KnownClient) {
    let now = server.now();
    let is_noted = client.last_used_at.is_some_and(|last| now.since(last) < NOTED);
    if client.document.is_some() || is_noted {
        return;
    }
    if let Err(fault) = server.store().touch_client(&client.id, now).await {
        tracing::warn!(fault = &fault as &dyn Error, "The use of a client is not noted");
    }
}
