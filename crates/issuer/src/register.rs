//! Dynamic client registration (RFC 7591).
//!
//! 1. One address may register so many clients in a minute, and there may be so many in all: what
//!    is beyond is answered by 429, with `Retry-After`.
//! 2. A client gets a random id, and a secret only if its method has one.
//! 3. A registration cannot be read or changed later (RFC 7592): there is no such endpoint. One
//!    that is not used is removed after some hours.

use auth_core::{
    ClientId,
    oauth::{
        ClientSecret, ErrorCode, MAX_REGISTRATION_BYTES, OAuthError, Registration,
        parse_registration,
    },
};
use axum::{Extension, body::Body, extract::State, response::Response};
use directory::authorization::{AddClient, ClientOrigin, StoredClient};
use http::{StatusCode, header};

use crate::{
    AuthorizationServer, ChangeKind, ChangedBy, PeerAddress, body,
    random::random,
    respond::{self, Refusal, Unavailable},
};

/// For how many seconds a client should wait if there are as many clients as there may be.
const WAIT_IF_FULL: u64 = 600;

/// `POST /register`
pub(crate) async fn endpoint(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    body: Body,
) -> Result<Response, Refusal> {
    let (config, now) = (server.config(), server.now());
    let address = peer.map(|Extension(PeerAddress(address))| address);
    let limit = config.registrations_per_minute;
    if let Err(wait) = server.registrations().count(address, limit, now) {
        return Ok(too_many(wait, "too many registrations from this address: try again later"));
    }
    let body = body::read(body, MAX_REGISTRATION_BYTES).await?;
    let grants = config.grant_types();
    let metadata = parse_registration(&body, &grants)?;
    let secret = metadata.auth_method().has_secret().then(random).transpose()?;
    let secret = secret.map(ClientSecret::from_random);
    let client = StoredClient {
        id: ClientId::from_random(random()?),
        metadata,
        secret: secret.as_ref().map(ClientSecret::digest),
        origin: ClientOrigin::Registered,
        introspects: false,
        created_at: now,
        last_used_at: None,
    };
    if !add(&server, &client).await? {
        let text = "there are as many registered clients as there may be: try again later";
        return Ok(too_many(WAIT_IF_FULL, text));
    }
    let name = client.metadata.name().map(auth_core::oauth::ClientName::as_str);
    server.changed(ChangedBy::Anyone, ChangeKind::ClientRegistered, client.id.as_str(), name);
    let answer = Registration::new(&client.id, secret.as_ref(), &client.metadata, now);
    Ok(respond::json(StatusCode::CREATED, &answer))
}

/// Adds a client; if there are too many, after those that are not used are removed.
async fn add(server: &AuthorizationServer, client: &StoredClient) -> Result<bool, Unavailable> {
    let (store, config) = (server.store(), server.config());
    for _ in 0..2 {
        match store.add_client(client, config.max_clients).await? {
            AddClient::Added => return Ok(true),
            AddClient::Exists => return Err(Unavailable::new("no client id", "it is in use")),
            AddClient::Full => {
                let lifetimes = &config.lifetimes;
                let (unused, idle) = (lifetimes.unused_client, lifetimes.refresh_idle);
                if store.prune_clients(client.created_at, unused, idle).await? == 0 {
                    return Ok(false);
                }
            }
        }
    }
    Ok(false)
}

fn too_many(wait: u64, text: &'static str) -> Response {
    let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
    let mut response = respond::json(StatusCode::TOO_MANY_REQUESTS, &error);
    response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    response
}
